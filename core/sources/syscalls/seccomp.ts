// A seccomp filter in a child that is about to start, so that only some system calls stop it.
// seccomp(2), bpf classic as in linux/filter.h.

import { DtError } from "../../errors.ts";
import { arch } from "../../sys/arch/mod.ts";
import { errnoMessage, errnoName } from "../../sys/errno.ts";
import { libc } from "../../sys/libc.ts";
import { readMemory, writeMemory } from "../../sys/process_memory.ts";
import {
  PTRACE,
  ptrace,
  registers,
  setRegisters,
  stopped,
  SYSCALL_SIGNAL,
  waitFor,
} from "../../sys/ptrace.ts";

const LOAD = 0x20; // BPF_LD | BPF_W | BPF_ABS
const JUMP_IF_EQUAL = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const RETURN = 0x06; // BPF_RET | BPF_K
const SECCOMP_RET_ALLOW = 0x7fff0000;
const SECCOMP_RET_TRACE = 0x7ff00000;
/** `struct seccomp_data`: number, architecture. */
const DATA = { number: 0, architecture: 4 } as const;
const SECCOMP_SET_MODE_FILTER = 1n;
const PR_SET_NO_NEW_PRIVS = 38n;
const PTRACE_POKEDATA = 5;
/** Below what leaf functions use without moving the stack pointer. */
const RED_ZONE = 1024n;

/**
 * `struct sock_filter[]` that stops the calls with these numbers and lets all others pass; without
 * numbers it stops all.
 */
export function seccompFilter(numbers?: Iterable<number>): Uint8Array<ArrayBuffer> {
  if (numbers === undefined) return encode([[RETURN, 0, 0, SECCOMP_RET_TRACE]]);
  const code: Instruction[] = [
    [LOAD, 0, 0, DATA.architecture],
    [JUMP_IF_EQUAL, 1, 0, arch.audit],
    [RETURN, 0, 0, SECCOMP_RET_ALLOW],
    [LOAD, 0, 0, DATA.number],
  ];
  for (const number of numbers) {
    code.push([JUMP_IF_EQUAL, 0, 1, number], [RETURN, 0, 0, SECCOMP_RET_TRACE]);
  }
  code.push([RETURN, 0, 0, SECCOMP_RET_ALLOW]);
  return encode(code);
}

/** `struct sock_filter` */
type Instruction = readonly [op: number, yes: number, no: number, k: number];

function encode(code: readonly Instruction[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(code.length * 8);
  const view = new DataView(bytes.buffer);
  code.forEach(([op, yes, no, k], i) => {
    view.setUint16(i * 8, op, true);
    view.setUint8(i * 8 + 2, yes);
    view.setUint8(i * 8 + 3, no);
    view.setUint32(i * 8 + 4, k, true);
  });
  return bytes;
}

/**
 * Makes a process that stands at the return of a system call install a filter in itself, and leaves it
 * where it was.
 *
 * @throws {DtError} What the calls in the process failed with.
 */
export function installFilter(pid: number, filter: Uint8Array): void {
  const before = registers(pid);
  if (before === undefined) {
    throw new DtError("ESRCH", `Cannot filter system calls of process ${pid}: it has ended`, {
      operation: "seccomp",
    });
  }
  const { ip, sp } = arch.userRegisters;
  const [address, stack] = [before.getBigUint64(ip, true), before.getBigUint64(sp, true)];
  const text = new Uint8Array(8);
  readMemory(pid, address, text);
  const patched = text.slice();
  patched.set(arch.syscallInstruction);
  poke(pid, address, patched);
  // struct sock_fprog {length, filter}, then the filter.
  const program = new Uint8Array(16 + filter.length);
  const at = (stack - RED_ZONE - BigInt(program.length)) & ~15n;
  const view = new DataView(program.buffer);
  view.setUint16(0, filter.length / 8, true);
  view.setBigUint64(8, at + 16n, true);
  program.set(filter, 16);
  try {
    if (!writeMemory(pid, at, program)) throw failed("EFAULT", "its stack cannot be written");
    const { prctl, seccomp } = arch.syscalls;
    callIn(pid, before, prctl, [PR_SET_NO_NEW_PRIVS, 1n, 0n, 0n, 0n]);
    callIn(pid, before, seccomp, [SECCOMP_SET_MODE_FILTER, 0n, at]);
  } finally {
    poke(pid, address, text);
    setRegisters(pid, before);
  }
}

function failed(code: string, reason: string): DtError {
  return new DtError(code, `Cannot filter system calls: ${reason}`, { operation: "seccomp" });
}

/** Text is not writable for anyone but a tracer. */
function poke(pid: number, address: bigint, bytes: Uint8Array): void {
  const word = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  ptrace(PTRACE_POKEDATA, pid, address, word);
}

/** Makes a system call in the process, at its instruction pointer. */
function callIn(
  pid: number,
  from: DataView<ArrayBuffer>,
  number: bigint,
  args: readonly bigint[],
): void {
  const place = arch.userRegisters;
  const values = new DataView(from.buffer.slice(0));
  args.forEach((arg, i) => values.setBigUint64(place.args[i], arg, true));
  values.setBigUint64(place.number, number, true);
  if (place.originalNumber !== undefined) values.setBigInt64(place.originalNumber, -1n, true);
  setRegisters(pid, values);
  const late: number[] = [];
  for (let stops = 0; stops < 2;) {
    ptrace(PTRACE.syscall, pid);
    if (waitFor(pid, { wait: true }) < 0 || stopped.ended) {
      throw failed("ESRCH", `process ${pid} has ended`);
    }
    const { event, signal } = stopped;
    if (event === 0 && signal === SYSCALL_SIGNAL) stops++;
    else if (event === 0) late.push(signal);
  }
  // Signals that came in between come again.
  for (const signal of late) libc().kill(pid, signal);
  const result = registers(pid)?.getBigInt64(place.result, true) ?? 0n;
  if (result < 0n) {
    const errno = Number(-result);
    throw failed(errnoName(errno), `${errnoMessage(errno)} in process ${pid}`);
  }
}
