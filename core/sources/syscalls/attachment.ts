// System call entry and return on the kernel plane: one BTF-typed raw tracepoint program for all
// of them, which dispatches on the number. 350 perf tracepoints would need 28 s to detach, and each
// firing would cost twice as much. Shared by every provider that names system calls.

import type { Assembler } from "../../asm/assembler.ts";
import { add64, and64, imm, mov64 } from "../../asm/alu.ts";
import { ja, jeq, jne } from "../../asm/jump.ts";
import type { Label } from "../../asm/instruction.ts";
import { load, store } from "../../asm/load_store.ts";
import { R0, R1, type Register } from "../../asm/register.ts";
import { attachRawTracepoint } from "../../bpf/link.ts";
import { BPF_TRACE_RAW_TP } from "../../bpf/program.ts";
import { type Btf, BTF_KIND, kernelBtf } from "../../btf/mod.ts";
import { emitLoad } from "../../kernel_plane/location.ts";
import { rawTracepointFrames } from "../tracepoint_frames.ts";
import type { Pcb } from "../../contract/pcb.ts";
import { emitForeign } from "./abi.ts";
import type { AttachType, KernelAttachment } from "../../contract/attachment.ts";
import { CPU_BLOCK } from "../../contract/blocks.ts";
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

/** How system calls are attached to. */
export interface SyscallAttachmentOptions {
  /** The kernel's BTF; null if there is none: arguments are read by bpf_probe_read_kernel then. */
  readonly btf?: Btf | null;
  /** True if calls by the ABI of 32-bit programs are counted in {@linkcode CPU_BLOCK.foreignCalls}. */
  readonly countsForeign?: boolean;
}

/**
 * The attachment of one side for some system calls.
 *
 * @param selected Their PCBs with numbers, or one PCB that means all of them.
 * @param options How arguments are read, and what is counted.
 */
export function syscallAttachment(
  side: SyscallSide,
  selected: readonly SyscallPcb[] | Pcb,
  options: SyscallAttachmentOptions = {},
): KernelAttachment {
  const { btf = kernelBtf(), countsForeign = false } = options;
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
      emit: (asm, context, block) => emitNumber(asm, layout, { context, block, countsForeign }),
      confirm: typed && arch.compatStatus !== undefined
        ? (asm, context, block, out) => emitConfirm(asm, { context, block, countsForeign }, out)
        : undefined,
    },
    attach: (loaded) => attachRawTracepoint(loaded, typed ? undefined : tracepoint),
  };
}

/** Where the ABI of a call is found out. */
interface AbiSite {
  readonly context: Register;
  /** Holds the address of the CPU block. */
  readonly block: Register;
  readonly countsForeign: boolean;
}

/**
 * Emits code that leaves the number of the system call in R0. For a 32-bit process, whose numbers mean other
 * calls, R0 is -1, which is in no table.
 */
function emitNumber(asm: Assembler, layout: ContextLayout, site: AbiSite): void {
  const [done, own] = [asm.label("number"), asm.label("own_abi")];
  if (!layout.untyped) {
    const { offset, mask, value } = arch.compat;
    asm.emit(
      load(8, R1, site.context, REGS),
      load(8, R1, R1, offset),
      and64(R1, imm(mask)),
      jne(R1, imm(value), own),
    );
    emitCount(asm, site);
    asm.emit(mov64(R0, imm(-1)), ja(done));
    asm.bind(own);
  }
  emitLoad(asm, layout, layout.locations.number, site.context, SPILL);
  asm.bind(done);
}

/** A 64-bit program may make calls by the other ABI, too: looked at only for numbers that are meant. */
function emitConfirm(asm: Assembler, site: AbiSite, out: Label): void {
  const own = asm.label("own_abi_too");
  emitForeign(asm, site.context);
  asm.emit(jeq(R0, imm(0), own));
  emitCount(asm, site);
  asm.emit(ja(out));
  asm.bind(own);
}

function emitCount(asm: Assembler, { block, countsForeign }: AbiSite): void {
  if (!countsForeign) return;
  asm.emit(
    load(8, R1, block, CPU_BLOCK.foreignCalls),
    add64(R1, imm(1)),
    store(8, block, CPU_BLOCK.foreignCalls, R1),
  );
}
