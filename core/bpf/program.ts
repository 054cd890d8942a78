// BPF programs: loading, running once, asking the kernel about them.

import { DtError, errorCode } from "../errors.ts";
import { errnoMessage, errnoName } from "../sys/errno.ts";
import { Fd } from "../sys/fd.ts";
import { Struct } from "../sys/memory.ts";
import { BPF_TRACE_RAW_TP, explainLoadFailure } from "./load_failure.ts";
import { functionBtf, functionInfo } from "../btf/build.ts";
import {
  btfById,
  btfLoad,
  btfNextId,
  enableRunTimeStats,
  objGetInfo,
  progLoad,
  type ProgLoadAttr,
  progTestRun,
} from "./syscall.ts";
import { VerifierError } from "./verifier_log.ts";

/** Program types by the kernel's names, without the BPF_PROG_TYPE_ prefix. */
export const BPF_PROG_TYPE = {
  KPROBE: 2,
  TRACEPOINT: 5,
  PERF_EVENT: 7,
  RAW_TRACEPOINT: 17,
  TRACING: 26,
  SYSCALL: 31,
} as const;

/** One of {@linkcode BPF_PROG_TYPE}'s names. */
export type ProgramType = keyof typeof BPF_PROG_TYPE;

export { BPF_TRACE_RAW_TP };
/** `BPF_TRACE_FENTRY`: a BTF-typed function entry. */
export const BPF_TRACE_FENTRY = 24;
/** `BPF_TRACE_FEXIT`: its end. */
export const BPF_TRACE_FEXIT = 25;

const LOG_SIZES = [1 << 16, 1 << 20, 1 << 24];
const ENOSPC = 28;

/** What to load. */
export interface ProgramSpec {
  /** Type. */
  type: ProgramType;
  /** Shown by bpftool; cut to 15 characters. */
  name: string;
  /** Instructions, as {@linkcode Assembler.assemble} makes them. */
  code: Uint8Array;
  /** `expected_attach_type` */
  expectedAttachType?: number;
  /** BTF id of what a TRACING program attaches to. */
  attachBtfId?: number;
  /** The module that has that id; absent: vmlinux. */
  attachModule?: string;
  /** Where its functions begin, in instructions: for programs with callbacks (Linux 5.13). */
  functions?: readonly number[];
}

/** What the kernel tells about a loaded program. */
export interface ProgramInfo {
  /** Number that bpftool shows. */
  id: number;
  /** Instructions after verification and rewriting; empty without CAP_PERFMON. */
  xlated: Uint8Array;
  /** Firings that the kernel skipped because the program was already running on that CPU. */
  recursionMisses: bigint;
  /** ns spent in it, while BPF_ENABLE_STATS is on. */
  runTimeNs: bigint;
  /** Runs, while BPF_ENABLE_STATS is on. */
  runCount: bigint;
}

/** A loaded program. Needs CAP_BPF, and CAP_PERFMON for tracing types. */
export class BpfProgram implements Disposable {
  /** What was loaded. */
  readonly spec: Readonly<ProgramSpec>;
  readonly #fd: Fd;

  /**
   * Loads without a log first, and again with one if that fails.
   *
   * @throws {VerifierError} The verifier refused; one line, with the whole log in `log`.
   * @throws {DtError} EPERM, E2BIG, ENOMEM; EOPNOTSUPP the kernel lacks or refuses this type.
   */
  constructor(spec: ProgramSpec) {
    this.spec = spec;
    const { type, functions, attachModule, ...rest } = spec;
    using stack = new DisposableStack();
    const attr: ProgLoadAttr = { ...rest, type: BPF_PROG_TYPE[type] };
    if (functions !== undefined) {
      const btf = stack.use(new Fd(btfLoad(functionBtf(functions.length)), `btf:${spec.name}`));
      attr.functions = { btfFd: btf.value, info: functionInfo(functions) };
    }
    if (attachModule !== undefined) {
      attr.attachBtfFd = stack.use(openModuleBtf(attachModule)).value;
    }
    const fd = progLoad(attr);
    if (fd < 0) throw failure(spec, attr, -fd);
    this.#fd = new Fd(fd, `prog:${spec.name}`);
  }

  /** Descriptor. */
  get fd(): number {
    return this.#fd.value;
  }

  /**
   * Runs the program once in this thread (raw tracepoint and syscall programs).
   *
   * @param context Bytes of the context; words of a raw tracepoint.
   * @param cpu Where, for raw tracepoint programs. Default: where this thread runs.
   * @returns R0.
   */
  testRun(context: Uint8Array = new Uint8Array(8), cpu?: number): number {
    return progTestRun(this.fd, context, cpu);
  }

  /** Asks the kernel. */
  info(): ProgramInfo {
    const length = objGetInfo(this.fd, new Struct(232)).getU32(20);
    const xlated = new Uint8Array(length);
    const info = objGetInfo(this.fd, new Struct(232).u32(20, length).pointer(32, xlated));
    return {
      id: info.getU32(4),
      xlated: info.getU64(32) === 0n ? new Uint8Array() : xlated,
      runTimeNs: info.getU64(192),
      runCount: info.getU64(200),
      recursionMisses: info.getU64(208),
    };
  }

  /** Unloads the program unless something still holds it. */
  [Symbol.dispose](): void {
    this.#fd[Symbol.dispose]();
  }
}

/** While one of these is open the kernel measures programs: {@linkcode ProgramInfo.runTimeNs}. */
export class BpfProgramStats implements Disposable {
  readonly #fd: Fd;

  /**
   * Starts measuring (Linux 5.8).
   *
   * @throws {DtError} EPERM without CAP_SYS_ADMIN.
   */
  constructor() {
    this.#fd = new Fd(enableRunTimeStats(), "bpf_stats");
  }

  /** Stops. */
  [Symbol.dispose](): void {
    this.#fd[Symbol.dispose]();
  }
}

/** The BTF object of a module, which its types' ids refer to. */
function openModuleBtf(module: string): Fd {
  const need = "functions of modules want CAP_SYS_ADMIN";
  for (let id = next(0); id !== undefined; id = next(id)) {
    using stack = new DisposableStack();
    let fd: Fd;
    try {
      fd = stack.use(new Fd(btfById(id), `btf:${module}`));
    } catch (error) {
      if (errorCode(error) === "ENOENT") continue; // it has gone meanwhile
      throw error;
    }
    const name = new Uint8Array(MODULE_NAME_LEN);
    objGetInfo(fd.value, new Struct(32).pointer(16, name).u32(24, name.length));
    if (new TextDecoder().decode(name.subarray(0, name.indexOf(0))) !== module) continue;
    stack.move();
    return fd;
  }
  throw new DtError("ENOENT", `Cannot find the BTF of module ${module}`, { operation: "btf" });

  function next(id: number): number | undefined {
    try {
      return btfNextId(id);
    } catch (error) {
      if (errorCode(error) !== "EPERM") throw error;
      throw new DtError("EPERM", `Cannot use the BTF of module ${module}: ${need}`, {
        operation: "btf",
        cause: error,
      });
    }
  }
}

/** Longest name of a module, and a NUL. include/linux/moduleparam.h */
const MODULE_NAME_LEN = 56;

function failure(spec: ProgramSpec, attr: ProgLoadAttr, errno: number): DtError {
  for (const size of LOG_SIZES) {
    const log = new Uint8Array(size);
    const fd = progLoad({ ...attr, log });
    if (fd >= 0) {
      // Refused once and accepted now: memory pressure or a signal. Report the first answer.
      new Fd(fd, "retry")[Symbol.dispose]();
      break;
    }
    if (fd === -ENOSPC) continue;
    const text = new TextDecoder().decode(log.subarray(0, log.indexOf(0)));
    if (text.trim() !== "") return new VerifierError(errnoName(errno), spec.name, text);
    break;
  }
  return explainLoadFailure(spec, errno) ??
    new DtError(
      errnoName(errno),
      `Cannot load program ${spec.name} (${spec.type}): ${errnoMessage(errno)}`,
      { operation: "bpf(BPF_PROG_LOAD)" },
    );
}
