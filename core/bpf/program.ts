// BPF programs: loading them, running them once, and asking the kernel about them. core/asm makes
// their code, link.ts attaches them.

import { DtError, errorCode } from "../errors.ts";
import { errnoMessage, errnoName } from "../sys/errno.ts";
import { Fd } from "../sys/fd.ts";
import { Struct } from "../sys/memory.ts";
import { BPF_TRACE_RAW_TP, explainLoadFailure, explainMissingHelper } from "./load_failure.ts";
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

/** Numbers of the program types by the kernel's names, without the BPF_PROG_TYPE_ prefix. */
export const BPF_PROG_TYPE = {
  KPROBE: 2,
  TRACEPOINT: 5,
  PERF_EVENT: 7,
  RAW_TRACEPOINT: 17,
  TRACING: 26,
  SYSCALL: 31,
} as const;

/** Name of a program type in {@linkcode BPF_PROG_TYPE}. */
export type ProgramType = keyof typeof BPF_PROG_TYPE;

export { BPF_TRACE_RAW_TP };
/** Attach type of a TRACING program at the entry of a kernel function. */
export const BPF_TRACE_FENTRY = 24;
/** Attach type of a TRACING program at the return of a kernel function. */
export const BPF_TRACE_FEXIT = 25;

/** Sizes in bytes of the buffer for the verifier's log, tried in this order. */
const LOG_SIZES = [1 << 16, 1 << 20, 1 << 24];
const ENOSPC = 28;

/** Description of a program to load with {@linkcode BpfProgram}. */
export interface ProgramSpec {
  /** Type of the program, e.g. "TRACING". */
  type: ProgramType;
  /** Name that bpftool shows, cut to 15 characters. */
  name: string;
  /** Instructions of the program, as {@linkcode Assembler.assemble} makes them. */
  code: Uint8Array;
  /**
   * Attach type (`expected_attach_type`), e.g. {@linkcode BPF_TRACE_FENTRY}; absent for types
   * without one.
   */
  expectedAttachType?: number;
  /** BTF id of the function or tracepoint that a TRACING program attaches to. */
  attachBtfId?: number;
  /** Name of the module whose BTF has that id; absent for vmlinux. */
  attachModule?: string;
  /** Slots at which the program's functions begin, for programs with callbacks (Linux 5.13). */
  functions?: readonly number[];
}

/** Facts that the kernel tells about a loaded program. */
export interface ProgramInfo {
  /** Number of the program, as bpftool shows it. */
  id: number;
  /**
   * Instructions after verification and rewriting, asked for when the field is read; empty without
   * CAP_PERFMON.
   */
  readonly xlated: Uint8Array;
  /**
   * Number of firings that the kernel skipped because the program was already running on that CPU.
   */
  recursionMisses: bigint;
  /** Nanoseconds spent in the program while a {@linkcode BpfProgramStats} was open. */
  runTimeNs: bigint;
  /** Number of runs while a {@linkcode BpfProgramStats} was open. */
  runCount: bigint;
}

/** A loaded program with an owned descriptor. Needs CAP_BPF, and CAP_PERFMON for tracing types. */
export class BpfProgram implements Disposable {
  /** Description from which the program was loaded. */
  readonly spec: Readonly<ProgramSpec>;
  readonly #fd: Fd;

  /**
   * Loads the program without a log first, since that is faster. If that fails, loads it again with
   * a log.
   *
   * @param spec Description of the program.
   * @throws {VerifierError} The verifier refused the program; the message is one line, `log` has
   * everything.
   * @throws {DtError} EPERM without the capabilities; E2BIG; ENOMEM; ENOENT no such module;
   * EOPNOTSUPP the kernel lacks or refuses this type.
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
    this.#fd = new Fd(fd < 0 ? loadWithLog(spec, attr, -fd) : fd, `prog:${spec.name}`);
  }

  /** File descriptor of the loaded program. */
  get fd(): number {
    return this.#fd.value;
  }

  /**
   * Runs the program once in this thread (raw tracepoint and syscall programs only).
   *
   * @param context Bytes of the program's context; for a raw tracepoint its arguments, 8 bytes
   * each.
   * @param cpu Number of the CPU to run on, for raw tracepoint programs. Default: the CPU of this
   * thread.
   * @returns The program's result, R0.
   * @throws {DtError} EINVAL the type cannot be run; ENXIO no such CPU.
   */
  testRun(context: Uint8Array = new Uint8Array(8), cpu?: number): number {
    return progTestRun(this.fd, context, cpu);
  }

  /**
   * Asks the kernel for facts about the program.
   *
   * @throws {DtError} errno of bpf(BPF_OBJ_GET_INFO_BY_FD).
   */
  info(): ProgramInfo {
    const info = objGetInfo(this.fd, new Struct(232));
    const fd = this.#fd;
    return {
      id: info.getU32(4),
      // The kernel copies the instructions in one piece of memory, which it lacks for megabytes.
      get xlated() {
        const length = info.getU32(20);
        const xlated = new Uint8Array(length);
        const filled = objGetInfo(fd.value, new Struct(232).u32(20, length).pointer(32, xlated));
        return filled.getU64(32) === 0n ? new Uint8Array() : xlated;
      },
      runTimeNs: info.getU64(192),
      runCount: info.getU64(200),
      recursionMisses: info.getU64(208),
    };
  }

  /** Closes the descriptor; the kernel unloads the program unless an attachment still holds it. */
  [Symbol.dispose](): void {
    this.#fd[Symbol.dispose]();
  }
}

/**
 * A switch: while it is open, the kernel measures all programs (see
 * {@linkcode ProgramInfo.runTimeNs}).
 */
export class BpfProgramStats implements Disposable {
  readonly #fd: Fd;

  /**
   * Starts the measurement. Needs Linux 5.8.
   *
   * @throws {DtError} EPERM without CAP_SYS_ADMIN.
   */
  constructor() {
    this.#fd = new Fd(enableRunTimeStats(), "bpf_stats");
  }

  /** Stops the measurement, unless somebody else keeps it on. */
  [Symbol.dispose](): void {
    this.#fd[Symbol.dispose]();
  }
}

/**
 * Opens the BTF object of a module, in which the ids of its types are counted.
 *
 * @throws {DtError} EPERM without CAP_SYS_ADMIN; ENOENT no such module, or no BTF in it.
 */
function openModuleBtf(module: string): Fd {
  const need = "functions of modules want CAP_SYS_ADMIN";
  for (let id = next(0); id !== undefined; id = next(id)) {
    using stack = new DisposableStack();
    let fd: Fd;
    try {
      fd = stack.use(new Fd(btfById(id), `btf:${module}`));
    } catch (error) {
      if (errorCode(error) === "ENOENT") continue; // the module was unloaded meanwhile
      throw error;
    }
    const name = new Uint8Array(MODULE_NAME_LEN);
    objGetInfo(fd.value, new Struct(32).pointer(16, name).u32(24, name.length));
    if (new TextDecoder().decode(name.subarray(0, name.indexOf(0))) !== module) continue;
    stack.move();
    return fd;
  }
  throw new DtError("ENOENT", `Cannot find the BTF of module ${module}`, { operation: "btf" });

  /** The id that follows; an EPERM is explained. */
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

/** Size in bytes of a module's longest name with its NUL; include/linux/moduleparam.h. */
const MODULE_NAME_LEN = 56;

/**
 * Loads a program again, with a log.
 *
 * @param errno Errno of the load without a log.
 * @returns The descriptor, if the second load succeeds: memory was short before.
 * @throws {DtError} What the log says, or what is known about the errno.
 */
function loadWithLog(spec: ProgramSpec, attr: ProgLoadAttr, errno: number): number {
  for (const size of LOG_SIZES) {
    const log = new Uint8Array(size);
    const fd = progLoad({ ...attr, log });
    if (fd >= 0) return fd;
    if (fd === -ENOSPC) continue;
    const text = new TextDecoder().decode(log.subarray(0, log.indexOf(0)));
    if (text.trim() !== "") {
      throw explainMissingHelper(text) ?? new VerifierError(errnoName(errno), spec.name, text);
    }
    break;
  }
  throw explainLoadFailure({ ...spec, instructions: spec.code.length / 8 }, errno) ??
    new DtError(
      errnoName(errno),
      `Cannot load program ${spec.name} (${spec.type}): ${errnoMessage(errno)}`,
      { operation: "bpf(BPF_PROG_LOAD)" },
    );
}
