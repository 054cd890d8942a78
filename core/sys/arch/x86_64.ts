// x86-64: arch/x86/include/uapi/asm/ptrace.h, arch/x86/entry/syscalls/syscall_64.tbl.

import type { Arch } from "./arch.ts";

/** struct pt_regs: r15 r14 r13 r12 bp bx r11 r10 r9 r8 ax cx dx si di orig_ax ip cs flags sp ss. */
export const x86_64: Arch = {
  name: "x86_64",
  syscalls: { bpf: 321n, perf_event_open: 298n, pidfd_open: 434n },
  // di, si, dx, r10, r8, r9
  syscallArguments: [112, 104, 96, 56, 72, 64],
  // orig_ax
  syscallNumber: 120,
  syscallNumberSize: 8,
  // cs is __USER32_CS
  compat: { offset: 136, mask: 0xffff, value: 0x23 },
};
