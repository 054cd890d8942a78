// aarch64: arch/arm64/include/asm/ptrace.h, include/uapi/asm-generic/unistd.h.

import type { Arch } from "./arch.ts";

/** struct pt_regs: x0..x30, sp @248, pc @256, pstate @264, orig_x0 @272, syscallno (s32) @280. */
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
  },
  audit: 0xc00000b7,
  // struct user_pt_regs
  userRegisters: {
    size: 272,
    ip: 256,
    sp: 248,
    framePointer: 29 * 8,
    number: 8 * 8,
    args: [0, 8, 16, 24, 32, 40],
    result: 0,
  },
  // arch/arm64/include/uapi/asm/perf_regs.h
  perfRegisters: [...Array.from({ length: 31 }, (_, i) => `r${i}`), "sp", "ip"],
  // svc #0
  syscallInstruction: [0x01, 0x00, 0x00, 0xd4],
  // x0 holds the return value at exit; at entry orig_x0 and x0 agree.
  syscallArguments: [272, 8, 16, 24, 32, 40],
  syscallNumber: 280,
  syscallNumberSize: 4,
  registers: {
    ...Object.fromEntries(Array.from({ length: 31 }, (_, i) => [`r${i}`, i * 8])),
    ...{ sp: 248, ip: 256, pstate: 264 },
  },
  // AAPCS64
  functionArguments: Array.from({ length: 8 }, (_, i) => `r${i}`),
  functionResult: "r0",
  // PSR_MODE32_BIT in pstate
  compat: { offset: 264, mask: 0x10, value: 0x10 },
};
