// Pure: no I/O, no FFI.
// Meanings of a system call's arguments: a named constant, a mode, a descriptor, or a register that the
// call ignores.

import { type Syscall, syscalls } from "../../../core/sources/syscalls/mod.ts";
import { ARCH, CALLS, int } from "./calls.ts";
import * as control from "./control.ts";
import * as events from "./events.ts";
import * as files from "./files.ts";
import { nameOf } from "./flags.ts";
import * as memory from "./memory.ts";
import * as processes from "./processes.ts";

const OPEN = files.OPEN_FLAGS[ARCH];
const { values: FCNTL } = files.FCNTL;

type ArgumentSpec = Syscall["args"][number];

function argument(call: string, index: number): ArgumentSpec | undefined {
  return syscalls().get(call)?.args[index];
}

/** C types that fill a register of 64 bits; all other types count as int. */
const WIDE = /\*|\b(long|size_t|loff_t|off_t|__u64|u64|aio_context_t)\b/;
/** Arguments of the kernel's type long of which the kernel reads the lower half alone. */
const NARROWED: ReadonlySet<string> = new Set(["clone.0", "fcntl.2", "prctl.1"]);

function widthOf(call: string, index: number, type: string): 32 | 64 {
  return WIDE.test(type) && !NARROWED.has(`${call}.${index}`) ? 64 : 32;
}

/** Names of arguments that are a folder's descriptor, or AT_FDCWD for the working folder. */
const FOLDER = /^((old|new|from_|to_)?dfd|mountdirfd)$/;

function isFolder({ name, type }: ArgumentSpec): boolean {
  return type === "int" && FOLDER.test(name);
}

/**
 * Says an argument's value by names of constants: "O_RDONLY|O_CLOEXEC".
 *
 * @param call The kernel's name of the call: "newfstatat".
 * @param args All arguments, as registers hold them, signed.
 * @returns undefined if the value has no name.
 */
export function symbolOf(
  call: string,
  index: number,
  args: readonly bigint[],
): string | undefined {
  const spec = argument(call, index);
  if (spec === undefined || index >= args.length) return undefined;
  const rule = CALLS[call]?.[index] ?? (isFolder(spec) ? files.AT_FDCWD : undefined);
  const set = typeof rule === "function" ? rule(args) : rule;
  return set && nameOf(set, args[index], widthOf(call, index, spec.type));
}

/** True if the argument is the mode of a file. */
export function isMode(call: string, index: number): boolean {
  return argument(call, index)?.type === "umode_t" || (call === "umask" && index === 0);
}

/** Names of arguments that are descriptors. */
const DESCRIPTOR = /^(\w*fd|fd_?(in|out)|fildes|mqdes)$/;
/** Exceptions: the end of a range, which need not be open; a descriptor of another process. */
const NO_DESCRIPTORS: ReadonlySet<string> = new Set(["close_range.1", "pidfd_getfd.1"]);

/** True if the argument is a file descriptor of the caller. */
export function isFd(call: string, index: number): boolean {
  const spec = argument(call, index);
  return spec !== undefined && !spec.type.includes("*") && DESCRIPTOR.test(spec.name) &&
    !NO_DESCRIPTORS.has(`${call}.${index}`);
}

/** Commands of fcntl without an argument. */
const FCNTL_GETS: ReadonlySet<number> = new Set([
  ...[FCNTL.F_GETFD, FCNTL.F_GETFL, FCNTL.F_GETOWN, FCNTL.F_GETSIG],
  ...[FCNTL.F_GETLEASE, FCNTL.F_GETPIPE_SZ, FCNTL.F_GET_SEALS],
]);

/** Requests of ioctl without an argument. */
const IOCTL_PLAIN: ReadonlySet<string> = new Set([
  ...["FIOCLEX", "FIONCLEX", "TIOCEXCL", "TIOCNXCL", "TIOCNOTTY"],
]);

/** Indices, from 3, of the arguments that each operation of futex reads. */
const FUTEX_USED: Readonly<Record<string, readonly number[]>> = {
  FUTEX_WAIT: [3],
  FUTEX_WAKE: [],
  FUTEX_REQUEUE: [3, 4],
  FUTEX_CMP_REQUEUE: [3, 4, 5],
  FUTEX_WAKE_OP: [3, 4, 5],
  FUTEX_LOCK_PI: [3],
  FUTEX_UNLOCK_PI: [],
  FUTEX_TRYLOCK_PI: [],
  FUTEX_WAIT_BITSET: [3, 5],
  FUTEX_WAKE_BITSET: [5],
  FUTEX_WAIT_REQUEUE_PI: [3, 4, 5],
  FUTEX_CMP_REQUEUE_PI: [3, 4, 5],
  FUTEX_LOCK_PI2: [3],
};
/** Operations of futex that ignore the third argument, a value to compare with or to count to. */
const FUTEX_WITHOUT_VALUE: ReadonlySet<string> = new Set([
  ...["FUTEX_LOCK_PI", "FUTEX_UNLOCK_PI", "FUTEX_TRYLOCK_PI", "FUTEX_LOCK_PI2"],
]);

/** Flags that make clone read an argument, by the argument's name: the order depends on the architecture. */
const CLONE_USED: Readonly<Record<string, readonly string[]>> = {
  parent_tidptr: ["CLONE_PARENT_SETTID", "CLONE_PIDFD"],
  child_tidptr: ["CLONE_CHILD_SETTID", "CLONE_CHILD_CLEARTID"],
  tls: ["CLONE_SETTLS"],
};

/** True if the value has at least one of the bits. */
function hasAny(value: bigint, bits: number): boolean {
  return (value & BigInt(bits)) !== 0n;
}

/** O_TMPFILE without the bit of O_DIRECTORY: the kernel tests the rest alone. */
const TMPFILE_BIT = OPEN.values.O_TMPFILE & ~OPEN.values.O_DIRECTORY;

function creates(flags: bigint): boolean {
  return hasAny(flags, OPEN.values.O_CREAT | TMPFILE_BIT);
}

/** True if an argument is ignored, given all arguments of the call. */
type Ignores = (args: readonly bigint[]) => boolean;

function clone(index: number): Ignores {
  const { values } = processes.CLONE_FLAGS;
  return (args) => {
    const bits = CLONE_USED[argument("clone", index)?.name ?? ""];
    return bits !== undefined && !bits.some((bit) => hasAny(args[0], values[bit]));
  };
}

function futex(index: number): Ignores {
  return (args) => {
    const operation = nameOf(events.FUTEX, args[1] & 0x7fn, 32) ?? "";
    if (index === 2) return FUTEX_WITHOUT_VALUE.has(operation);
    return FUTEX_USED[operation]?.includes(index) === false;
  };
}

/** Arguments that their call may ignore: by the call's name, then by the argument's number, from 0. */
const IGNORED: Readonly<Record<string, Readonly<Record<number, Ignores>>>> = {
  open: { 2: (args) => !creates(args[1]) },
  openat: { 3: (args) => !creates(args[2]) },
  mq_open: {
    2: (args) => !hasAny(args[1], OPEN.values.O_CREAT),
    3: (args) => !hasAny(args[1], OPEN.values.O_CREAT),
  },
  fcntl: { 2: (args) => FCNTL_GETS.has(int(args[1])) },
  ioctl: { 2: (args) => IOCTL_PLAIN.has(nameOf(control.IOCTL, args[1], 32) ?? "") },
  mmap: { 4: (args) => hasAny(args[3], memory.MAP_FLAGS[ARCH].values.MAP_ANONYMOUS) },
  mremap: {
    4: (args) => {
      const { MREMAP_FIXED, MREMAP_DONTUNMAP } = memory.MREMAP_FLAGS.values;
      return !hasAny(args[3], MREMAP_FIXED | MREMAP_DONTUNMAP);
    },
  },
  clone: { 1: clone(1), 2: clone(2), 3: clone(3), 4: clone(4) },
  futex: { 2: futex(2), 3: futex(3), 4: futex(4), 5: futex(5) },
  epoll_ctl: { 3: (args) => int(args[1]) === events.EPOLL_CTL.values.EPOLL_CTL_DEL },
  waitid: { 1: (args) => int(args[0]) === processes.WAIT_IDS.values.P_ALL },
};

/** True if the call ignores the argument, given the others. */
export function isUnused(call: string, index: number, args: readonly bigint[]): boolean {
  return index < args.length && IGNORED[call]?.[index]?.(args) === true;
}

/** On what the text of an argument depends: on nothing but its number, on its value, on other arguments. */
export type Meaning = "number" | "value" | "others";

/** On what the text of an argument depends. */
export function meaningOf(call: string, index: number): Meaning {
  const rule = CALLS[call]?.[index];
  if (IGNORED[call]?.[index] !== undefined || typeof rule === "function") return "others";
  const spec = argument(call, index);
  if (spec === undefined) return "number";
  return rule !== undefined || isFolder(spec) || isMode(call, index) ? "value" : "number";
}
