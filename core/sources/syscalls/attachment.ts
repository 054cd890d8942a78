// System call entry and return on the kernel plane: one BTF-typed raw tracepoint program for all
// of them, which dispatches on the number. 350 perf tracepoints would need 28 s to detach, and each
// firing would cost twice as much. Shared by every provider that names system calls.

import type { Assembler } from "../../asm/assembler.ts";
import { and64, imm, mov64 } from "../../asm/alu.ts";
import { jeq } from "../../asm/jump.ts";
import { load } from "../../asm/load_store.ts";
import { R0, R1, type Register } from "../../asm/register.ts";
import { attachRawTracepoint } from "../../bpf/link.ts";
import { BPF_TRACE_RAW_TP } from "../../bpf/program.ts";
import { type Btf, BTF_KIND, kernelBtf } from "../../btf/mod.ts";
import { emitLoad } from "../../kernel_plane/location.ts";
import { rawTracepointFrames } from "../tracepoint_frames.ts";
import type { Pcb } from "../../contract/pcb.ts";
import type { AttachType, KernelAttachment } from "../../contract/attachment.ts";
import type { ContextLayout, Location } from "../../contract/context.ts";
import { arch } from "../../sys/arch/mod.ts";

/** Side of a system call: its entry or its return. */
export type SyscallSide = "enter" | "exit";

// Context of both tracepoints: u64 words. 0: struct pt_regs *; 1: the number, or the result.
const REGS = 0;
const SECOND = 8;

const SPILL = -16;

function locations(side: SyscallSide): Record<string, Location> {
  const args = arch.syscallArguments.map((offset, i): [string, Location] => [
    `arg${i}`,
    { path: [REGS, offset], size: 8 },
  ]);
  if (side === "exit") {
    return {
      // The registers still hold the arguments, but after an exec or a signal handler.
      ...Object.fromEntries(args),
      retval: { path: [SECOND], size: 8 },
      number: { path: [REGS, arch.syscallNumber], size: arch.syscallNumberSize },
    };
  }
  const compat = arch.compatArguments.map((offset, i): [string, Location] => [
    `compat${i}`,
    { path: [REGS, offset], size: 4 },
  ]);
  return { ...Object.fromEntries([...args, ...compat]), number: { path: [SECOND], size: 8 } };
}

/** A PCB with the number of its system call, by which PCBs of one attachment are told apart. */
export interface SyscallPcb {
  /** The PCB of the system call. */
  readonly pcb: Pcb;
  /** Number of the system call. */
  readonly number: number;
}

/**
 * The attachment of one side for some system calls.
 *
 * @param selected Their PCBs with numbers, or one PCB that means all of them.
 * @param btf Without it arguments are read by bpf_probe_read_kernel.
 */
export function syscallAttachment(
  side: SyscallSide,
  selected: readonly SyscallPcb[] | Pcb,
  btf: Btf | null = kernelBtf(),
): KernelAttachment {
  const tracepoint = `sys_${side}`;
  const btfId = btf?.find(BTF_KIND.TYPEDEF, `btf_trace_${tracepoint}`) ?? 0;
  const typed = btfId !== 0;
  const layout: ContextLayout = {
    id: `${tracepoint}:${typed ? "typed" : "untyped"}`,
    locations: locations(side),
    untyped: !typed,
  };
  const program: AttachType = typed
    ? { type: "TRACING", expectedAttachType: BPF_TRACE_RAW_TP, attachBtfId: btfId }
    : { type: "RAW_TRACEPOINT" };
  const many = Array.isArray(selected) ? selected as readonly SyscallPcb[] : undefined;
  return {
    plane: "kernel",
    name: `dt_${tracepoint}`,
    pcbs: many === undefined ? [selected as Pcb] : many.map(({ pcb }) => pcb),
    program,
    layout,
    get skipFrames() {
      return rawTracepointFrames();
    },
    select: many && {
      keys: many.map(({ number }) => number),
      emit: (asm, context) => emitNumber(asm, layout, context),
    },
    attach: (loaded) => attachRawTracepoint(loaded, typed ? undefined : tracepoint),
  };
}

/**
 * Emits code that leaves the number of the system call in R0. For a 32-bit process, whose numbers mean other
 * calls, R0 is -1, which is in no table.
 */
function emitNumber(asm: Assembler, layout: ContextLayout, context: Register): void {
  const done = asm.label("number");
  if (!layout.untyped) {
    const { offset, mask, value } = arch.compat;
    asm.emit(
      load(8, R1, context, REGS),
      load(8, R1, R1, offset),
      and64(R1, imm(mask)),
      mov64(R0, imm(-1)),
      jeq(R1, imm(value), done),
    );
  }
  emitLoad(asm, layout, layout.locations.number, context, SPILL);
  asm.bind(done);
}
