/**
 * Maps, programs, links and the ring buffer of bpf(2), each an owned, disposable object.
 *
 * @example
 * ```ts ignore
 * import { Assembler, exit, imm, mov64, R0 } from "../asm/mod.ts";
 * import { attachRawTracepoint, BpfProgram } from "./mod.ts";
 *
 * const code = new Assembler().emit(mov64(R0, imm(0)), exit()).assemble();
 * using program = new BpfProgram({ type: "RAW_TRACEPOINT", name: "nothing", code });
 * using link = attachRawTracepoint(program, "sys_enter");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/bpf.2.html}
 * @module
 */

export * from "./map.ts";
export { sumCpus } from "./percpu.ts";
export { type RecordHandler, RingBuffer } from "./ringbuf.ts";
export * from "./program.ts";
export {
  type AttachableProgram,
  attachIterator,
  attachKprobe,
  attachKprobes,
  attachPerfEvent,
  attachPerfUprobes,
  attachRawTracepoint,
  attachTracepoint,
  attachUprobes,
  type Iterator,
  type KprobePlace,
} from "./link.ts";
export { PERF_FLAG, type PerfEventAttr, type PerfFlag, type Records } from "../sys/perf_event.ts";
export {
  disableFeature,
  type Feature,
  FEATURES,
  featureSince,
  missingFeature,
} from "./features.ts";
export {
  type Capability,
  hasCapability,
  isOlder,
  missingCapabilities,
  UnsupportedError,
} from "./load_failure.ts";
export { kernelPlaneRefusal } from "./permission.ts";
export { helperSince, VerifierError, verifierSummary } from "./verifier_log.ts";
export {
  BPF_TRACE_ITER,
  BPF_TRACE_KPROBE_MULTI,
  BPF_TRACE_UPROBE_MULTI,
  type KprobeSymbol,
  type UprobePlace,
} from "./syscall.ts";
