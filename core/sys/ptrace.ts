// ptrace(2) and wait4(2): requests, stops, registers. A tracee belongs to the thread that attached it:
// all of this is called in one thread. Needs Linux 5.3 (PTRACE_GET_SYSCALL_INFO).

import { DtError } from "../errors.ts";
import { arch } from "./arch/mod.ts";
import { errnoMessage, errnoName } from "./errno.ts";
import { libc, processLibc } from "./libc.ts";
import { lasting } from "./memory.ts";
import { statusField } from "./thread.ts";

/** Requests. */
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

/** Options: PTRACE_O_*. */
export const OPTION = {
  sysgood: 1,
  fork: 2,
  vfork: 4,
  clone: 8,
  exec: 16,
  seccomp: 128,
  exitKill: 1 << 20,
} as const;

/** PTRACE_EVENT_* in the third byte of a stop's status. */
export const PTRACE_EVENT = {
  fork: 1,
  vfork: 2,
  clone: 3,
  exec: 4,
  seccomp: 7,
  stop: 128,
} as const;

/** `op` of `struct ptrace_syscall_info`. */
export const SYSCALL_STOP = { entry: 1, exit: 2, seccomp: 3 } as const;

/** A stop for a system call has this signal, with {@linkcode OPTION.sysgood}. */
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

/** Offsets in the shared page. */
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

/** Offsets in siginfo_t. */
const SIGINFO = { code: 8, pid: 16 } as const;
/** Codes below it mean an end. */
const CLD_TRAPPED = 4;

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

/** Makes a request; a negative result is -1 and errno says why. */
export function ptrace(request: number, tid: number, addr = 0n, data = 0n): number {
  return processLibc().ptrace(request, tid, addr, data);
}

/**
 * Attaches to a thread without stopping it.
 *
 * @throws {DtError} ESRCH no such thread; EPERM not ours, or another tracer has it.
 */
export function seize(tid: number, options: number): void {
  if (ptrace(PTRACE.seize, tid, 0n, BigInt(options)) === 0) return;
  throw notPermitted(tid, libc().errno());
}

/** The error of an attach that failed, with what would permit it. */
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
    : reason ?? "it may not be traced (set-user-ID, or not dumpable): that needs CAP_SYS_PTRACE";
  return new DtError("EPERM", `Cannot trace process ${tid}: ${whose}`, options);
}

/** Why the Yama security module refuses. Documentation/admin-guide/LSM/Yama.rst */
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

/** A change of state, as {@linkcode waitFor} leaves it. Reused: read it before the next wait. */
export const stopped = {
  /** Wait status. */
  status: 0,
  /** True if the thread has ended. */
  get ended(): boolean {
    return (this.status & 0xff) !== 0x7f;
  },
  /** Signal of a stop. */
  get signal(): number {
    return this.status >> 8 & 0xff;
  },
  /** One of {@linkcode PTRACE_EVENT}, or 0. */
  get event(): number {
    return this.status >> 16;
  },
};

/**
 * Waits for one tracee or child.
 *
 * @param options `wait` false returns at once; `untraced`: also for a stop of one that is not traced.
 * @returns Its id; 0 if nothing has happened; a negative errno.
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

/** How {@linkcode waitAny} waits. */
export interface WaitOptions {
  /** False returns at once. */
  readonly wait: boolean;
  /** A child of this process whose exit status somebody else wants, although it is traced. */
  readonly leave?: number;
  /** Those that are known, by thread id. */
  readonly tracees: ReadonlyMap<number, unknown>;
}

/**
 * Waits for any of this thread's tracees. The exit status of a child that is not one is left to whoever
 * started it.
 *
 * @returns Thread id; 0 if nothing has happened to a tracee; a negative errno: ECHILD (-10) nobody is
 * left, EINTR (-4) a signal came.
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

/** A child that nobody has waited for yet stands before them: each is asked for. */
function waitAmong({ tracees, leave }: WaitOptions): number {
  for (const tid of tracees.keys()) {
    const found = tid === leave ? 0 : waitFor(tid, { wait: false });
    if (found > 0) return found;
  }
  return 0;
}

/** Settles when {@linkcode waitAny} would not block; takes a thread of Deno's blocking pool. */
export async function stopComing(): Promise<void> {
  const { address } = page();
  const flags = WEXITED | WNOWAIT | WALL;
  await processLibc().waitid_later(P_ALL, 0, address + BigInt(AT.later), flags);
}

/** Long enough for the event loop to wait: only then are timers looked at. */
const TURN_US = 50;

/**
 * A turn of the event loop: messages, timers, output. A message to oneself starves timers, and a timer of
 * 0 ms takes two; a call on the blocking pool takes what it sleeps.
 */
export async function eventLoop(): Promise<void> {
  await processLibc().usleep(TURN_US);
}

/** What a system call stop is about: read in place, overwritten by the next. */
export class SyscallInfo {
  readonly #view = page().view;
  readonly #address = page().address + BigInt(AT.info);

  /** Fills it; false if the thread has gone. */
  read(tid: number): boolean {
    return ptrace(PTRACE.getSyscallInfo, tid, INFO_BYTES, this.#address) > 0;
  }

  /** One of {@linkcode SYSCALL_STOP}. */
  get op(): number {
    return this.#view.getUint8(AT.info);
  }

  /** AUDIT_ARCH_* */
  get architecture(): number {
    return this.#view.getUint32(AT.info + 4, true);
  }

  /** Number of the call (entry, seccomp). */
  get number(): number {
    return this.#view.getUint32(AT.info + 24, true);
  }

  /** Argument (entry, seccomp). */
  argument(index: number): bigint {
    return this.#view.getBigInt64(AT.info + 32 + index * 8, true);
  }

  /** Result (exit). */
  get result(): bigint {
    return this.#view.getBigInt64(AT.info + 24, true);
  }
}

/** The number that a fork or clone event brings: the child's id. */
export function eventMessage(tid: number): number {
  const { address, view } = page();
  ptrace(PTRACE.getEventMessage, tid, 0n, address + BigInt(AT.message));
  return Number(view.getBigUint64(AT.message, true));
}

/** `si_code` of the signal that a thread has stopped for. */
export function signalCode(tid: number): number {
  const { address, view } = page();
  view.setInt32(AT.signal + SIGINFO.code, 0, true);
  ptrace(PTRACE.getSignalInfo, tid, 0n, address + BigInt(AT.signal));
  return view.getInt32(AT.signal + SIGINFO.code, true);
}

/** Signals that a stopped thread blocks, a bit each from the lowest; 8 bytes, a copy. */
export function blockedSignals(tid: number): Uint8Array {
  const { address, view, buffer } = page();
  view.setBigUint64(AT.mask, 0n, true);
  ptrace(PTRACE.getSignalMask, tid, 8n, address + BigInt(AT.mask));
  return new Uint8Array(buffer.slice(AT.mask, AT.mask + 8));
}

/** General registers of a stopped thread, `arch.userRegisters` says what is where; a copy. */
export function registers(tid: number): DataView<ArrayBuffer> | undefined {
  const { buffer } = page();
  if (moveRegisters(PTRACE.getRegisters, tid) < 0) return undefined;
  const { size } = arch.userRegisters;
  return new DataView(buffer.slice(AT.registers, AT.registers + size));
}

/** Sets them. */
export function setRegisters(tid: number, values: DataView<ArrayBuffer>): void {
  new Uint8Array(page().buffer).set(new Uint8Array(values.buffer), AT.registers);
  moveRegisters(PTRACE.setRegisters, tid);
}

function moveRegisters(request: number, tid: number): number {
  const { address, view } = page();
  view.setBigUint64(AT.vector, address + BigInt(AT.registers), true);
  view.setBigUint64(AT.vector + 8, BigInt(arch.userRegisters.size), true);
  return ptrace(request, tid, NT_PRSTATUS, address + BigInt(AT.vector));
}
