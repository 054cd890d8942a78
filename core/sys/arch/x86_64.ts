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
    lseek: 8n,
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
  openFlags: { directory: 0o200000n, nofollow: 0o400000n },
  signalHandlers: {
    counter: [
      ...[0xb8, 1, 0, 0, 0], // mov eax, 1 (write)
      ...[0x8b, 0x3d, 21, 0, 0, 0], // mov edi, [rip + 21]
      ...[0x48, 0x8d, 0x35, 22, 0, 0, 0], // lea rsi, [rip + 22]
      ...[0xba, 8, 0, 0, 0], // mov edx, 8
      ...[0x0f, 0x05], // syscall
      0xc3, // ret
    ],
    second: [
      ...[0x57, 0x56, 0x52], // push rdi, rsi, rdx
      ...[0x48, 0x83, 0xec, 16], // sub rsp, 16
      ...[0xb8, 228, 0, 0, 0], // mov eax, 228 (clock_gettime)
      ...[0xbf, 1, 0, 0, 0], // mov edi, 1 (CLOCK_MONOTONIC)
      ...[0x48, 0x89, 0xe6], // mov rsi, rsp
      ...[0x0f, 0x05], // syscall
      ...[0x48, 0x8b, 0x04, 0x24], // mov rax, [rsp]: seconds
      ...[0x48, 0xc1, 0xe0, 10], // shl rax, 10
      ...[0x48, 0x8b, 0x4c, 0x24, 8], // mov rcx, [rsp + 8]: nanoseconds
      ...[0x48, 0xc1, 0xe9, 20], // shr rcx, 20
      ...[0x48, 0x01, 0xc8], // add rax, rcx
      ...[0x48, 0x83, 0xc4, 16], // add rsp, 16
      ...[0x5a, 0x5e, 0x5f], // pop rdx, rsi, rdi
      ...[0x4c, 0x8b, 0x05, 72, 0, 0, 0], // mov r8, [rip + 72]
      ...[0x49, 0x8b, 0x48, 8], // mov rcx, [r8 + 8]
      ...[0x48, 0x85, 0xc9], // test rcx, rcx
      ...[0x75, 7], // jne again
      ...[0x49, 0x89, 0x40, 8], // mov [r8 + 8], rax
      ...[0x41, 0xff, 0x20], // jmp [r8]
      ...[0x48, 0x29, 0xc8], // again: sub rax, rcx
      ...[0x48, 0x3d, 44, 1, 0, 0], // cmp rax, 300
      ...[0x77, 3], // ja end
      ...[0x41, 0xff, 0x20], // jmp [r8]
      ...[0x83, 0xef, 0x80], // end: sub edi, -128
      ...[0xb8, 231, 0, 0, 0], // mov eax, 231 (exit_group)
      ...[0x0f, 0x05], // syscall
    ],
  },
  helperFrames: 0,
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
  // TS_COMPAT; arch/x86/include/asm/thread_info.h
  compatStatus: 2,
  // The registers bx, cx, dx, si, di, bp.
  compatArguments: [40, 88, 96, 104, 112, 32],
};
