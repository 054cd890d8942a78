// The constants of x86-64 Linux; arch.ts says what each of them means. Sources:
// arch/x86/include/uapi/asm/ptrace.h, arch/x86/entry/syscalls/syscall_64.tbl.

import type { Arch } from "./arch.ts";

/**
 * The constants of an x86-64 kernel. Order of the 8-byte registers in its struct pt_regs: r15 r14
 * r13 r12 bp bx r11 r10 r9 r8 ax cx dx si di orig_ax ip cs flags sp ss.
 */
export const x86_64: Arch = {
  name: "x86_64",
  syscalls: {
    bpf: 321n,
    openat: 257n,
    perf_event_open: 298n,
    pidfd_open: 434n,
    tgkill: 234n,
    gettid: 186n,
    timer_create: 222n,
    timer_settime: 223n,
    timer_delete: 226n,
    prctl: 157n,
    seccomp: 317n,
    socket: 41n,
    bind: 49n,
    sendto: 44n,
    recvfrom: 45n,
    setsockopt: 54n,
    rt_sigqueueinfo: 129n,
    fcntl: 72n,
    pipe2: 293n,
    setfsuid: 122n,
    setfsgid: 123n,
    getgroups: 115n,
    setgroups: 116n,
    ftruncate: 77n,
    mprotect: 10n,
    rt_sigprocmask: 14n,
  },
  audit: 0xc000003e,
  // Offsets in struct user_regs_struct, in bytes; arch/x86/include/asm/user_64.h.
  userRegisters: {
    size: 216,
    ip: 128,
    sp: 152,
    framePointer: 32,
    number: 80,
    args: [112, 104, 96, 56, 72, 64],
    result: 80,
    originalNumber: 120,
  },
  // The names follow arch/x86/include/uapi/asm/perf_regs.h; perf never samples ds, es, fs and gs.
  perfRegisters: [
    ..."ax bx cx dx si di bp sp ip flags cs ss".split(" "),
    ...["", "", "", ""],
    ..."r8 r9 r10 r11 r12 r13 r14 r15".split(" "),
  ],
  // mov eax, 1 (write); mov edi, [rip + 21]; lea rsi, [rip + 22]; mov edx, 8; syscall; ret
  signalCounter: [
    ...[0xb8, 1, 0, 0, 0],
    ...[0x8b, 0x3d, 21, 0, 0, 0],
    ...[0x48, 0x8d, 0x35, 22, 0, 0, 0],
    ...[0xba, 8, 0, 0, 0],
    ...[0x0f, 0x05],
    0xc3,
  ],
  // The instruction "syscall".
  syscallInstruction: [0x0f, 0x05],
  // The registers di, si, dx, r10, r8, r9.
  syscallArguments: [112, 104, 96, 56, 72, 64],
  // The register orig_ax.
  syscallNumber: 120,
  syscallNumberSize: 8,
  registers: {
    ...{ r15: 0, r14: 8, r13: 16, r12: 24, bp: 32, bx: 40, r11: 48, r10: 56, r9: 64, r8: 72 },
    ...{ ax: 80, cx: 88, dx: 96, si: 104, di: 112, orig_ax: 120, ip: 128, cs: 136, flags: 144 },
    ...{ sp: 152, ss: 160 },
  },
  // Registers by the System V calling convention.
  functionArguments: ["di", "si", "dx", "cx", "r8", "r9"],
  functionResult: "ax",
  // A process in 32-bit mode runs with the code segment __USER32_CS.
  compat: { offset: 136, mask: 0xffff, value: 0x23 },
};
