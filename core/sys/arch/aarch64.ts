// The constants of aarch64 Linux; arch.ts says what each of them means. Sources:
// arch/arm64/include/asm/ptrace.h, include/uapi/asm-generic/unistd.h.

import type { Arch } from "./arch.ts";

/**
 * The constants of a 64-bit ARM kernel. Layout of its struct pt_regs, offsets in bytes: x0 to x30
 * at 0 to 240, sp at 248, pc at 256, pstate at 264, orig_x0 at 272, syscallno (32 bits, signed) at
 * 280.
 */
export const aarch64: Arch = {
  name: "aarch64",
  syscalls: {
    bpf: 280n,
    openat: 56n,
    perf_event_open: 241n,
    pidfd_open: 434n,
    tgkill: 131n,
    gettid: 178n,
    timer_create: 107n,
    timer_settime: 110n,
    timer_delete: 111n,
    prctl: 167n,
    seccomp: 277n,
    socket: 198n,
    bind: 200n,
    sendto: 206n,
    recvfrom: 207n,
    setsockopt: 208n,
    rt_sigqueueinfo: 138n,
    fcntl: 25n,
    pipe2: 59n,
    setfsuid: 151n,
    setfsgid: 152n,
    getgroups: 158n,
    setgroups: 159n,
    ftruncate: 46n,
    mprotect: 226n,
    lseek: 62n,
    rt_sigprocmask: 135n,
  },
  audit: 0xc00000b7,
  // Offsets in struct user_pt_regs, in bytes; register xN stands at N * 8.
  userRegisters: {
    size: 272,
    ip: 256,
    sp: 248,
    framePointer: 29 * 8,
    number: 8 * 8,
    args: [0, 8, 16, 24, 32, 40],
    result: 0,
  },
  // The names follow arch/arm64/include/uapi/asm/perf_regs.h.
  perfRegisters: [...Array.from({ length: 31 }, (_, i) => `r${i}`), "sp", "ip"],
  openFlags: { directory: 0o40000n, nofollow: 0o100000n },
  signalHandlers: {
    counter: [
      ...[0x08, 0x08, 0x80, 0x52], // mov w8, #64 (write)
      ...[0xe0, 0x00, 0x00, 0x18], // ldr w0, [pc + 28]
      ...[0x01, 0x01, 0x00, 0x10], // adr x1, pc + 32
      ...[0x02, 0x01, 0x80, 0xd2], // mov x2, #8
      ...[0x01, 0x00, 0x00, 0xd4], // svc #0
      ...[0xc0, 0x03, 0x5f, 0xd6], // ret
    ],
    second: [
      ...[0xe0, 0x07, 0xbd, 0xa9], // stp x0, x1, [sp, #-48]!
      ...[0xe2, 0x0b, 0x00, 0xf9], // str x2, [sp, #16]
      ...[0x20, 0x00, 0x80, 0xd2], // mov x0, #1 (CLOCK_MONOTONIC)
      ...[0xe1, 0x83, 0x00, 0x91], // add x1, sp, #32
      ...[0x28, 0x0e, 0x80, 0xd2], // mov x8, #113 (clock_gettime)
      ...[0x01, 0x00, 0x00, 0xd4], // svc #0
      ...[0xe3, 0x13, 0x42, 0xa9], // ldp x3, x4, [sp, #32]: seconds, nanoseconds
      ...[0xe2, 0x0b, 0x40, 0xf9], // ldr x2, [sp, #16]
      ...[0xe0, 0x07, 0xc3, 0xa8], // ldp x0, x1, [sp], #48
      ...[0x63, 0xd4, 0x76, 0xd3], // lsl x3, x3, #10
      ...[0x63, 0x50, 0x44, 0x8b], // add x3, x3, x4, lsr #20
      ...[0xa5, 0x02, 0x00, 0x58], // ldr x5, [pc + 84]
      ...[0xa6, 0x1c, 0x40, 0xa9], // ldp x6, x7, [x5]
      ...[0x67, 0x00, 0x00, 0xb5], // cbnz x7, again
      ...[0xa3, 0x04, 0x00, 0xf9], // str x3, [x5, #8]
      ...[0xc0, 0x00, 0x1f, 0xd6], // br x6
      ...[0x63, 0x00, 0x07, 0xcb], // again: sub x3, x3, x7
      ...[0x7f, 0xb0, 0x04, 0xf1], // cmp x3, #300
      ...[0x48, 0x00, 0x00, 0x54], // b.hi end
      ...[0xc0, 0x00, 0x1f, 0xd6], // br x6
      ...[0x00, 0x00, 0x02, 0x11], // end: add w0, w0, #128
      ...[0xc8, 0x0b, 0x80, 0xd2], // mov x8, #94 (exit_group)
      ...[0x01, 0x00, 0x00, 0xd4], // svc #0
    ],
  },
  // The callchain starts within the helper.
  helperFrames: 1,
  // The instruction "svc #0", little endian.
  syscallInstruction: [0x01, 0x00, 0x00, 0xd4],
  // At the entry orig_x0 and x0 agree; at the exit x0 holds the result, so argument 0 comes from
  // orig_x0.
  syscallArguments: [272, 8, 16, 24, 32, 40],
  syscallNumber: 280,
  syscallNumberSize: 4,
  registers: {
    ...Object.fromEntries(Array.from({ length: 31 }, (_, i) => [`r${i}`, i * 8])),
    ...{ sp: 248, ip: 256, pstate: 264 },
  },
  // Registers by the AAPCS64 calling convention.
  functionArguments: Array.from({ length: 8 }, (_, i) => `r${i}`),
  functionResult: "r0",
  // PSR_MODE32_BIT in pstate marks a process in 32-bit mode.
  compat: { offset: 264, mask: 0x10, value: 0x10 },
  compatArguments: [272, 8, 16, 24, 32, 40],
};
