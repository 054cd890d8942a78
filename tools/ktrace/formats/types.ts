// Pure: no I/O, no FFI.
// Types of records of FreeBSD's ktrace.out, which is what is written here. sys/sys/ktrace.h

/** Numbers of the types of records: KTR_* of sys/ktrace.h. */
export const KTR = {
  syscall: 1,
  sysret: 2,
  namei: 3,
  genio: 4,
  psig: 5,
  csw: 6,
  user: 7,
  struct: 8,
  sysctl: 9,
  procctor: 10,
  procdtor: 11,
  capfail: 12,
  fault: 13,
  faultend: 14,
  structArray: 15,
  args: 16,
  env: 17,
} as const;

/** One of {@linkcode KTR}'s numbers. */
export type KtrType = typeof KTR[keyof typeof KTR];

/** KTR_DROP: records of this process before this one were lost. */
export const KTR_DROP = 0x8000;
/** KTR_VERSIONED: the header tells its version. */
export const KTR_VERSIONED = 0x4000;

/** Bytes of a header of version 1. */
export const HEADER_BYTES = 64;
/** Bytes of a process's name, with its NUL: MAXCOMLEN + 1. */
export const COMM_BYTES = 20;

/** SV_ABI_LINUX | SV_LP64: flags of a process whose system calls have Linux's numbers. */
export const LINUX_ABI = 0x203;
/** Bits of the flags that tell the ABI: SV_ABI_MASK of sys/sysent.h. */
export const ABI_MASK = 0xff;
/** ABI of Linux programs, in the bits of {@linkcode ABI_MASK}: SV_ABI_LINUX. */
export const ABI_LINUX = 3;

/** CAPFAIL_SYSCALL: a call that was not permitted. */
export const CAPFAIL_SYSCALL = 2;

/** Number of a system call in the 16 bits of a record; -1 if it does not fit, lest it mean another call. */
export function callNumber(code: number): number {
  return code < 0x8000 ? code : -1;
}
