// Finds out what the running kernel can do: each feature is tried once per process. A missing
// feature becomes an UnsupportedError (load_failure.ts) of one line.

import { DtError, errorCode } from "../errors.ts";
import { BTF_KIND, kernelBtf } from "../btf/mod.ts";
import { BPF_FUNC } from "../asm/generated/helpers.ts";
import { Assembler } from "../asm/assembler.ts";
import { imm, mov64 } from "../asm/alu.ts";
import { callHelper, exit, jal } from "../asm/jump.ts";
import { loadFunction } from "../asm/load_store.ts";
import { R0, R1, R2, R3, R4 } from "../asm/register.ts";
import { Fd } from "../sys/fd.ts";
import { perfType } from "../sys/perf_event.ts";
import { missingCapabilities, UnsupportedError } from "./load_failure.ts";
import { BpfMap } from "./map.ts";
import {
  BPF_TRACE_KPROBE_MULTI,
  BPF_TRACE_UPROBE_MULTI,
  linkCreateKprobeMulti,
  linkCreateUprobeMulti,
} from "./syscall.ts";
import { BPF_TRACE_FENTRY, BPF_TRACE_RAW_TP, BpfProgram, type ProgramSpec } from "./program.ts";

/** Name of a kernel feature that can be tried. */
export type Feature =
  | "ringbuf"
  | "tp_btf"
  | "fentry"
  | "kprobe"
  | "kprobe_multi"
  | "btf"
  | "get_current_task_btf"
  | "uprobe_multi"
  | "gotol"
  | "loop";

/** How to try a feature, and what a kernel needs to have it. */
interface FeatureProbe {
  /** First kernel version with the feature, e.g. "5.5". */
  readonly minimumKernel: string;
  /** Configuration or helper that the feature needs, for the message. */
  readonly needs: string;
  /** Tries the feature; throws a DtError if it is missing. */
  try(): void;
}

/** Code of a program that returns 0. */
const returnZero = () => new Assembler().emit(mov64(R0, imm(0)), exit()).assemble();

/** Loads a program and unloads it. */
function load(spec: Omit<ProgramSpec, "name" | "code">, code = returnZero()): void {
  new BpfProgram({ name: "dt_feature", code, ...spec })[Symbol.dispose]();
}

/**
 * Loads a program and attaches it: kernels without this kind of link load such a program all the
 * same.
 */
function attach(expectedAttachType: number, link: (fd: number) => number): void {
  using program = new BpfProgram({
    type: "KPROBE",
    name: "dt_feature",
    expectedAttachType,
    code: returnZero(),
  });
  new Fd(link(program.fd), "feature")[Symbol.dispose]();
}

/** Finds a type in the kernel's BTF; ENOENT if there is none. */
function btfId(kind: typeof BTF_KIND[keyof typeof BTF_KIND], name: string): number {
  const id = kernelBtf()?.find(kind, name) ?? 0;
  if (id === 0) throw new DtError("ENOENT", `No BTF type ${name}`, { operation: "btf" });
  return id;
}

const PROBES: Record<Feature, FeatureProbe> = {
  btf: {
    minimumKernel: "5.4",
    needs: "CONFIG_DEBUG_INFO_BTF",
    try: () => void btfId(BTF_KIND.STRUCT, "task_struct"),
  },
  ringbuf: {
    minimumKernel: "5.8",
    needs: "BPF_MAP_TYPE_RINGBUF",
    try: () =>
      new BpfMap({
        type: "RINGBUF",
        name: "dt_feature",
        keySize: 0,
        valueSize: 0,
        maxEntries: 65536,
      })
        [Symbol.dispose](),
  },
  tp_btf: {
    minimumKernel: "5.5",
    needs: "CONFIG_DEBUG_INFO_BTF",
    try: () =>
      load({
        type: "TRACING",
        expectedAttachType: BPF_TRACE_RAW_TP,
        attachBtfId: btfId(BTF_KIND.TYPEDEF, "btf_trace_sys_enter"),
      }),
  },
  fentry: {
    minimumKernel: "5.5",
    needs: "CONFIG_DEBUG_INFO_BTF and CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS",
    try: () =>
      load({
        type: "TRACING",
        expectedAttachType: BPF_TRACE_FENTRY,
        attachBtfId: btfId(BTF_KIND.FUNC, "vfs_read"),
      }),
  },
  kprobe: {
    minimumKernel: "4.17",
    needs: "CONFIG_KPROBES",
    try() {
      if (perfType("kprobe") !== undefined) return;
      throw new DtError("ENOENT", "there is no kprobe in /sys/bus/event_source/devices", {
        operation: "kprobe",
      });
    },
  },
  kprobe_multi: {
    minimumKernel: "5.18",
    needs: "CONFIG_FPROBE",
    try: () =>
      attach(
        BPF_TRACE_KPROBE_MULTI,
        (fd) => linkCreateKprobeMulti(fd, [{ name: "vfs_read", cookie: 0n }], false),
      ),
  },
  uprobe_multi: {
    minimumKernel: "6.6",
    needs: "CONFIG_UPROBES",
    try() {
      const place = { offset: 0n, cookie: 0n, counter: 0n };
      try {
        attach(BPF_TRACE_UPROBE_MULTI, (fd) => linkCreateUprobeMulti(fd, "/", [place], false));
      } catch (error) {
        // The place is a folder, and the kernel refuses it with EBADF: such a kernel knows the
        // link.
        if (errorCode(error) !== "EBADF") throw error;
      }
    },
  },
  gotol: {
    minimumKernel: "6.6",
    needs: "jumps of any distance",
    try() {
      const asm = new Assembler();
      const end = asm.label("end");
      asm.emit(mov64(R0, imm(0)), jal(end)).bind(end).emit(exit());
      load({ type: "RAW_TRACEPOINT" }, asm.assemble());
    },
  },
  loop: {
    minimumKernel: "5.17",
    needs: "helper bpf_loop",
    try() {
      const asm = new Assembler();
      const round = asm.label("round");
      asm.emit(
        mov64(R1, imm(1)),
        loadFunction(R2, round),
        mov64(R3, imm(0)),
        mov64(R4, imm(0)),
        callHelper(BPF_FUNC.loop),
        mov64(R0, imm(0)),
        exit(),
      );
      asm.bind(round).emit(mov64(R0, imm(1)), exit());
      load({ type: "RAW_TRACEPOINT", functions: asm.functions() }, asm.assemble());
    },
  },
  get_current_task_btf: {
    minimumKernel: "5.11",
    needs: "helper bpf_get_current_task_btf",
    try: () =>
      load(
        { type: "RAW_TRACEPOINT" },
        new Assembler().emit(
          callHelper(BPF_FUNC.get_current_task_btf),
          mov64(R0, imm(0)),
          exit(),
        ).assemble(),
      ),
  },
};

/** The answers so far: null for a feature that is there. */
const answers = new Map<Feature, DtError | null>();

/**
 * Tries a feature, once per process.
 *
 * @returns undefined if the feature is there, else the reason why not: an
 * {@linkcode UnsupportedError}, or EPERM if this process lacks the capability to try (that answer
 * is not kept).
 */
export function missingFeature(feature: Feature): DtError | undefined {
  const known = answers.get(feature);
  if (known !== undefined) return known ?? undefined;
  const probe = PROBES[feature];
  try {
    probe.try();
    answers.set(feature, null);
    return undefined;
  } catch (error) {
    if (!(error instanceof DtError)) throw error;
    // Without the capabilities the refusal says nothing about the kernel, so it is not kept.
    if (errorCode(error) === "EPERM" && missingCapabilities().length > 0) return error;
    const answer = error instanceof UnsupportedError ? error : new UnsupportedError(
      feature,
      probe.minimumKernel,
      `it needs Linux ${probe.minimumKernel} with ${probe.needs} (${error.message})`,
    );
    answers.set(feature, answer);
    return answer;
  }
}

/**
 * Switches a feature off for the rest of the process, which then behaves as on a kernel without the
 * feature.
 */
export function disableFeature(feature: Feature): void {
  const { minimumKernel } = PROBES[feature];
  answers.set(feature, new UnsupportedError(feature, minimumKernel, "it is switched off"));
}

/** Returns the first version of Linux with a feature. */
export function featureSince(feature: Feature): string {
  return PROBES[feature].minimumKernel;
}

/** Names of all features that can be tried. */
export const FEATURES: readonly Feature[] = Object.keys(PROBES) as Feature[];
