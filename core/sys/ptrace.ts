// ptrace(2) and wait4(2): requests, stops, registers. The kernel ties a tracee to the thread that
// attached to it, so all functions of this file must be called in the same thread. spawn.ts starts
// programs under this tracer; core/sources/syscalls traces with it. Needs Linux 5.3
// (PTRACE_GET_SYSCALL_INFO).

import { DtError } from "../errors.ts";
import { arch } from "./arch/mod.ts";
import { errnoMessage, errnoName } from "./errno.ts";
import { libc, processLibc } from "./libc.ts";
import { lasting } from "./memory.ts";
import { hasSeccompFilter, statusField } from "./thread.ts";

/** Numbers of the requests of ptrace(2): PTRACE_*. */
export const PTRACE = {
  cont: 7,
  detach: 17,
  syscall: 24,
  setOptions: 0x4200,
  getEventMessage: 0x4201,
  getSignalInfo: 0x4202,
  getRegisters: 0x4204,
  setRegisters: 0x4205,
  seize: 0x4206,
  interrupt: 0x4207,
  listen: 0x4208,
  getSignalMask: 0x420a,
  getSyscallInfo: 0x420e,
} as const;

/** Options of a tracer, to be summed: PTRACE_O_*. */
export const OPTION = {
  sysgood: 1,
  fork: 2,
  vfork: 4,
  clone: 8,
  exec: 16,
  seccomp: 128,
  exitKill: 1 << 20,
} as const;

/** Kinds of event stops, PTRACE_EVENT_*: the third byte of a stop's wait status. */
export const PTRACE_EVENT = {
  fork: 1,
  vfork: 2,
  clone: 3,
  exec: 4,
  seccomp: 7,
  stop: 128,
} as const;

/**
 * Values of `op` in `struct ptrace_syscall_info`: at which point of a system call a thread stands.
 */
export const SYSCALL_STOP = { entry: 1, exit: 2, seccomp: 3 } as const;

/**
 * Signal number of a stop at a system call: SIGTRAP with the high bit that
 * {@linkcode OPTION.sysgood} adds.
 */
export const SYSCALL_SIGNAL = 5 | 0x80;

const WNOHANG = 1;
const WUNTRACED = 2;
const WEXITED = 4;
const WNOWAIT = 0x01000000;
const WNOTHREAD = 0x20000000;
const WALL = 0x40000000;
const P_ALL = 0;
const NT_PRSTATUS = 1n;
const INFO_BYTES = 88n;

/** Offsets in bytes of what lies in the page that is shared with the kernel. */
const AT = {
  status: 0,
  vector: 16,
  message: 32,
  info: 64,
  registers: 256,
  siginfo: 1024,
  signal: 1536,
  mask: 1728,
  later: 2048,
} as const;

/** Offsets of fields in siginfo_t, in bytes. */
const SIGINFO = { code: 8, pid: 16, call: 24, arch: 28 } as const;
/** Lowest `si_code` of a child that stopped; a lower code says that the child has ended. */
const CLD_TRAPPED = 4;

/** Memory at a fixed address that the kernel fills. */
interface Page {
  readonly address: bigint;
  readonly view: DataView;
  readonly buffer: ArrayBuffer;
}

let shared: Page | undefined;

function page(): Page {
  if (shared === undefined) {
    const { address, buffer } = lasting(4096);
    shared = { address, buffer, view: new DataView(buffer) };
  }
  return shared;
}

/**
 * Makes a request to the kernel about a tracee.
 *
 * @param request One of {@linkcode PTRACE}.
 * @param tid Thread id of the tracee.
 * @param addr Third argument of ptrace(2).
 * @param data Fourth argument of ptrace(2).
 * @returns 0 or more; -1 if the request failed, and errno says why.
 */
export function ptrace(request: number, tid: number, addr = 0n, data = 0n): number {
  return processLibc().ptrace(request, tid, addr, data);
}

/**
 * Attaches to a thread without stopping it.
 *
 * @param tid Thread id.
 * @param options Sum of {@linkcode OPTION} bits.
 * @throws {DtError} ESRCH no such thread; EPERM this process may not trace it, or another tracer
 * does.
 */
export function seize(tid: number, options: number): void {
  if (ptrace(PTRACE.seize, tid, 0n, BigInt(options)) === 0) return;
  throw notPermitted(tid, libc().errno());
}

const NOT_TRACEABLE =
  "it may not be traced (set-user-ID, or not dumpable): that needs CAP_SYS_PTRACE";
const FILTERED = "a seccomp filter is in force, as in containers: it must allow ptrace(2), and a " +
  "process that is set-user-ID or not dumpable needs CAP_SYS_PTRACE";

/** Makes the error of an attach that failed; its message names what would permit the attach. */
function notPermitted(tid: number, errno: number): DtError {
  const code = errnoName(errno);
  const options = { operation: "ptrace(PTRACE_SEIZE)" };
  if (code !== "EPERM") {
    return new DtError(code, `Cannot trace process ${tid}: ${errnoMessage(errno)}`, options);
  }
  const tracer = Number(statusField(tid, "TracerPid") ?? 0);
  if (tracer > 0) {
    return new DtError(
      "EPERM",
      `Cannot trace process ${tid}: process ${tracer} traces it`,
      options,
    );
  }
  const reason = yama();
  const uid = statusField(tid, "Uid");
  const whose = uid !== undefined && Number(uid) !== Deno.uid()
    ? `it belongs to user ${uid}: that needs CAP_SYS_PTRACE`
    : reason ?? (hasSeccompFilter() ? FILTERED : NOT_TRACEABLE);
  return new DtError("EPERM", `Cannot trace process ${tid}: ${whose}`, options);
}

/**
 * Explains a refusal by the Yama security module; undefined if Yama refuses nothing.
 * Documentation/admin-guide/LSM/Yama.rst
 */
function yama(): string | undefined {
  let scope: number;
  try {
    scope = Number(Deno.readTextFileSync("/proc/sys/kernel/yama/ptrace_scope"));
  } catch {
    return undefined;
  }
  const setting = `kernel.yama.ptrace_scope is ${scope}`;
  if (scope === 1) return `${setting}: use -c, or set it to 0, or have CAP_SYS_PTRACE`;
  if (scope === 2) return `${setting}: that needs CAP_SYS_PTRACE, or the setting 0`;
  return scope >= 3 ? `${setting}: nothing may be traced until the next boot` : undefined;
}

/** The latest change of state that {@linkcode waitFor} reported. The next wait overwrites it. */
export const stopped = {
  /** Status as wait(2) encodes it. */
  status: 0,
  /** True if the thread has ended, false if it has stopped. */
  get ended(): boolean {
    return (this.status & 0xff) !== 0x7f;
  },
  /** Number of the signal that the thread has stopped with. */
  get signal(): number {
    return this.status >> 8 & 0xff;
  },
  /** Kind of event stop: one of {@linkcode PTRACE_EVENT}, or 0. */
  get event(): number {
    return this.status >> 16;
  },
};

/**
 * Waits for a change of state of one tracee or child, and leaves it in {@linkcode stopped}.
 *
 * @param tid Thread id.
 * @param options `wait` false returns at once; `untraced` also reports that an untraced child
 * stopped.
 * @returns The thread id; 0 if nothing has happened; a negative errno.
 */
export function waitFor(tid: number, options: { wait: boolean; untraced?: boolean }): number {
  const { address, view } = page();
  const flags = WALL | WNOTHREAD | (options.wait ? 0 : WNOHANG) |
    (options.untraced ? WUNTRACED : 0);
  const found = processLibc().wait4(tid, address, flags, 0n);
  if (found < 0) return -libc().errno();
  stopped.status = view.getInt32(AT.status, true);
  return found;
}

/** Options of {@linkcode waitAny}. */
export interface WaitOptions {
  /** True waits until something happens; false returns at once. */
  readonly wait: boolean;
  /**
   * Process id of a child whose exit status belongs to another part of this program, although it is
   * traced.
   */
  readonly leave?: number;
  /** All tracees of this thread, by thread id. */
  readonly tracees: ReadonlyMap<number, unknown>;
}

/**
 * Waits for a change of state of any tracee of this thread, and leaves it in {@linkcode stopped}.
 * The exit status of a child that is no tracee is left for the part of the program that started it.
 *
 * @returns The thread id; 0 if nothing has happened to a tracee; a negative errno: ECHILD (-10) no
 * child is left, EINTR (-4) a signal came.
 */
export function waitAny(options: WaitOptions): number {
  const { address, view } = page();
  const flags = WEXITED | WNOWAIT | WALL | WNOTHREAD | (options.wait ? 0 : WNOHANG);
  view.setInt32(AT.siginfo + SIGINFO.pid, 0, true);
  const info = address + BigInt(AT.siginfo);
  if (processLibc().waitid(P_ALL, 0, info, flags) < 0) return -libc().errno();
  const tid = view.getInt32(AT.siginfo + SIGINFO.pid, true);
  if (tid === 0) return 0;
  const ended = view.getInt32(AT.siginfo + SIGINFO.code, true) < CLD_TRAPPED;
  const known = options.tracees.has(tid);
  if (ended && known && tid === options.leave) {
    stopped.status = 0;
    return tid;
  }
  const foreign = ended && !known &&
    (tid === options.leave || Number(statusField(tid, "TracerPid") ?? 0) === 0);
  return foreign ? waitAmong(options) : waitFor(tid, { wait: false });
}

/**
 * Asks for each tracee in turn: waitid(2) keeps reporting a child that nobody has waited for, and
 * hides the tracees behind it.
 */
function waitAmong({ tracees, leave }: WaitOptions): number {
  for (const tid of tracees.keys()) {
    const found = tid === leave ? 0 : waitFor(tid, { wait: false });
    if (found > 0) return found;
  }
  return 0;
}

/**
 * Resolves when {@linkcode waitAny} would not block. Meanwhile a thread of Deno's blocking pool is
 * taken.
 */
export async function stopComing(): Promise<void> {
  const { address } = page();
  const flags = WEXITED | WNOWAIT | WALL;
  await processLibc().waitid_later(P_ALL, 0, address + BigInt(AT.later), flags);
}

/**
 * Microseconds that a turn takes: long enough for the event loop to wait, since it runs timers only
 * then.
 */
const TURN_US = 50;

/**
 * Lets the event loop turn once: messages, timers, output. The turn is a sleep on the blocking pool
 * and takes as long as the sleep. A message to oneself would starve timers, and a timer of 0 ms
 * takes 2 ms.
 */
export async function eventLoop(): Promise<void> {
  await processLibc().usleep(TURN_US);
}

/**
 * The facts about a system call stop, read in place from shared memory. The next read overwrites
 * them.
 */
export class SyscallInfo {
  readonly #view = page().view;
  readonly #address = page().address + BigInt(AT.info);

  /** Reads the facts about the stop of a thread; false if the thread is gone. */
  read(tid: number): boolean {
    return ptrace(PTRACE.getSyscallInfo, tid, INFO_BYTES, this.#address) > 0;
  }

  /** Point of the system call: one of {@linkcode SYSCALL_STOP}. */
  get op(): number {
    return this.#view.getUint8(AT.info);
  }

  /** Architecture of the call, an AUDIT_ARCH_* constant: tells 32-bit calls from 64-bit calls. */
  get architecture(): number {
    return this.#view.getUint32(AT.info + 4, true);
  }

  /** Number of the system call; valid at entry and seccomp stops. */
  get number(): number {
    return this.#view.getUint32(AT.info + 24, true);
  }

  /**
   * Argument of the call as a signed 64-bit number, index 0 to 5; valid at entry and seccomp stops.
   */
  argument(index: number): bigint {
    return this.#view.getBigInt64(AT.info + 32 + index * 8, true);
  }

  /** Result of the call; valid at exit stops. */
  get result(): bigint {
    return this.#view.getBigInt64(AT.info + 24, true);
  }
}

/** Reads the number that a fork or clone event brings along: the id of the new thread. */
export function eventMessage(tid: number): number {
  const { address, view } = page();
  ptrace(PTRACE.getEventMessage, tid, 0n, address + BigInt(AT.message));
  return Number(view.getBigUint64(AT.message, true));
}

/** What the kernel tells of a signal, in struct siginfo. */
export interface SignalInfo {
  /** `si_code`: tells who sent the signal; 0 if unknown. */
  readonly code: number;
  /** Of a SIGSYS: number of the call that was refused. Of other signals without meaning. */
  readonly call: number;
  /** Of a SIGSYS: AUDIT_ARCH_* of the call's ABI. */
  readonly arch: number;
}

/** Reads what the kernel tells of the signal that a thread has stopped with. */
export function signalInfo(tid: number): SignalInfo {
  const { address, view } = page();
  view.setInt32(AT.signal + SIGINFO.code, 0, true);
  ptrace(PTRACE.getSignalInfo, tid, 0n, address + BigInt(AT.signal));
  return {
    code: view.getInt32(AT.signal + SIGINFO.code, true),
    call: view.getInt32(AT.signal + SIGINFO.call, true),
    arch: view.getUint32(AT.signal + SIGINFO.arch, true),
  };
}

/** Copies the set of signals that a stopped thread blocks: 8 bytes, bit N - 1 for signal N. */
export function blockedSignals(tid: number): Uint8Array {
  const { address, view, buffer } = page();
  view.setBigUint64(AT.mask, 0n, true);
  ptrace(PTRACE.getSignalMask, tid, 8n, address + BigInt(AT.mask));
  return new Uint8Array(buffer.slice(AT.mask, AT.mask + 8));
}

/**
 * Copies the general registers of a stopped thread.
 *
 * @returns The registers, laid out as `arch.userRegisters` says; undefined if the thread is gone.
 */
export function registers(tid: number): DataView<ArrayBuffer> | undefined {
  const { buffer } = page();
  if (moveRegisters(PTRACE.getRegisters, tid) < 0) return undefined;
  const { size } = arch.userRegisters;
  return new DataView(buffer.slice(AT.registers, AT.registers + size));
}

/**
 * Sets the general registers of a stopped thread to a changed copy of {@linkcode registers}. Errors
 * are ignored.
 */
export function setRegisters(tid: number, values: DataView<ArrayBuffer>): void {
  new Uint8Array(page().buffer).set(new Uint8Array(values.buffer), AT.registers);
  moveRegisters(PTRACE.setRegisters, tid);
}

/** Moves registers between a thread and the shared page, in the direction that the request says. */
function moveRegisters(request: number, tid: number): number {
  const { address, view } = page();
  view.setBigUint64(AT.vector, address + BigInt(AT.registers), true);
  view.setBigUint64(AT.vector + 8, BigInt(arch.userRegisters.size), true);
  return ptrace(request, tid, NT_PRSTATUS, address + BigInt(AT.vector));
}
