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
  // mov w8, #64 (write); ldr w0, [pc + 28]; adr x1, pc + 32; mov x2, #8; svc #0; ret
  signalCounter: [
    ...[0x08, 0x08, 0x80, 0x52],
    ...[0xe0, 0x00, 0x00, 0x18],
    ...[0x01, 0x01, 0x00, 0x10],
    ...[0x02, 0x01, 0x80, 0xd2],
    ...[0x01, 0x00, 0x00, 0xd4],
    ...[0xc0, 0x03, 0x5f, 0xd6],
  ],
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
};
