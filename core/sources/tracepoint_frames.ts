// Tells how many frames of a kernel stack belong to the tracer, for programs on raw tracepoints.

import { imm, mov64 } from "../asm/alu.ts";
import { Assembler } from "../asm/assembler.ts";
import { BPF_FUNC } from "../asm/generated/helpers.ts";
import { callHelper, exit } from "../asm/jump.ts";
import { loadImm64, loadMapValue } from "../asm/load_store.ts";
import { R0, R1, R2, R3 } from "../asm/register.ts";
import { BpfMap } from "../bpf/map.ts";
import { BpfProgram } from "../bpf/program.ts";
import { kernelSymbols } from "../symbols/kallsyms.ts";
import { arch } from "../sys/arch/mod.ts";

let tracepointFrames: number | undefined;

/**
 * Counts the frames between a raw tracepoint and bpf_get_stack: the program, its action,
 * bpf_trace_runN, and the function in front of that, unless the compiler has made a jump of its
 * call. Whether it has is looked up in the kernel's code, once in a process.
 * Where others trace the same tracepoint, the kernel's iterator over them (__traceiter_*) comes
 * first.
 */
export function rawTracepointFrames(): number {
  return tracepointFrames ??= jumpsToRun() ? 3 : 4;
}

/** True if the kernel's code jumps; false where its addresses are kept secret. */
function jumpsToRun(): boolean {
  // Kernels for arm64 keep frame pointers, and with them every call.
  if (arch.name !== "x86_64") return false;
  const [from, to] = ["__bpf_trace_sys_enter", "bpf_trace_run2"]
    .map((name) => kernelSymbols().address(name));
  if (from === undefined || to === undefined) return false;
  const code = kernelMemory(from, 64);
  const view = new DataView(code.buffer);
  const JMP = 0xe9;
  return code.subarray(0, -5).some((byte, i) =>
    byte === JMP && from + BigInt(i + 5 + view.getInt32(i + 1, true)) === to
  );
}

/** Reads the kernel's memory by a program that runs once; zeros where that is refused. */
function kernelMemory(address: bigint, length: number): Uint8Array<ArrayBuffer> {
  using map = new BpfMap({
    type: "ARRAY",
    name: "dt_memory",
    keySize: 4,
    valueSize: length,
    maxEntries: 1,
  });
  const code = new Assembler().emit(
    loadMapValue(R1, map, 0),
    mov64(R2, imm(length)),
    loadImm64(R3, address),
    callHelper(BPF_FUNC.probe_read_kernel),
    mov64(R0, imm(0)),
    exit(),
  ).assemble();
  using program = new BpfProgram({ type: "RAW_TRACEPOINT", name: "dt_memory", code });
  program.testRun();
  return new Uint8Array(map.lookup(new Uint8Array(4))!);
}
