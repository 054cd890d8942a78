// What the running kernel can do, asked once, and one line for what it refuses.

import { DtError, errorCode } from "../errors.ts";
import { BTF_KIND, kernelBtf } from "../btf/mod.ts";
import { BPF_FUNC } from "../asm/generated/helpers.ts";
import { Assembler } from "../asm/assembler.ts";
import { imm, mov64 } from "../asm/alu.ts";
import { callHelper, exit } from "../asm/jump.ts";
import { R0 } from "../asm/register.ts";
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

/** Names of the features that can be asked for. */
export type Feature =
  | "ringbuf"
  | "tp_btf"
  | "fentry"
  | "kprobe"
  | "kprobe_multi"
  | "btf"
  | "get_current_task_btf"
  | "uprobe_multi";

interface FeatureProbe {
  readonly minimumKernel: string;
  readonly needs: string;
  /** Throws if the feature is missing. */
  try(): void;
}

const returnZero = () => new Assembler().emit(mov64(R0, imm(0)), exit()).assemble();

function load(spec: Omit<ProgramSpec, "name" | "code">, code = returnZero()): void {
  new BpfProgram({ name: "dt_feature", code, ...spec })[Symbol.dispose]();
}

/** Kernels that know no such link load the program all the same. */
function attach(expectedAttachType: number, link: (fd: number) => number): void {
  using program = new BpfProgram({
    type: "KPROBE",
    name: "dt_feature",
    expectedAttachType,
    code: returnZero(),
  });
  new Fd(link(program.fd), "feature")[Symbol.dispose]();
}

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
        // A folder is no file: who says so has understood.
        if (errorCode(error) !== "EBADF") throw error;
      }
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

const answers = new Map<Feature, DtError | null>();

/**
 * Tries a feature, once per process.
 *
 * @returns undefined if it is there, else an error that says why not: {@linkcode UnsupportedError},
 * or EPERM without the capability to ask (not remembered).
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
    // Not being allowed to ask is no answer about the kernel.
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

/** Does without a feature from now on, as on a kernel that lacks it. */
export function disableFeature(feature: Feature): void {
  const { minimumKernel } = PROBES[feature];
  answers.set(feature, new UnsupportedError(feature, minimumKernel, "it is switched off"));
}

/** Names of all features. */
export const FEATURES: readonly Feature[] = Object.keys(PROBES) as Feature[];
