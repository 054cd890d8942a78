// A seccomp filter in a child that is about to start, so that only some system calls stop it.
// seccomp(2), bpf classic as in linux/filter.h.

import { arch } from "../../sys/arch/mod.ts";
import { InjectedCalls } from "../../sys/injected_call.ts";

const LOAD = 0x20; // BPF_LD | BPF_W | BPF_ABS
const JUMP_IF_EQUAL = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const RETURN = 0x06; // BPF_RET | BPF_K
const SECCOMP_RET_ALLOW = 0x7fff0000;
const SECCOMP_RET_TRACE = 0x7ff00000;
/** `struct seccomp_data`: number, architecture. */
const DATA = { number: 0, architecture: 4 } as const;
const SECCOMP_SET_MODE_FILTER = 1n;
const PR_SET_NO_NEW_PRIVS = 38n;

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
 * Makes a process that stands at the return of a system call install a filter in itself, and leaves
 * the process where it was.
 *
 * @throws {DtError} What the calls in the process failed with.
 */
export function installFilter(pid: number, filter: Uint8Array): void {
  using injected = new InjectedCalls(pid);
  // struct sock_fprog {length, filter}, then the filter.
  const program = new Uint8Array(16 + filter.length);
  const at = injected.put(program.length, (address) => {
    const view = new DataView(program.buffer);
    view.setUint16(0, filter.length / 8, true);
    view.setBigUint64(8, address + 16n, true);
    program.set(filter, 16);
    return program;
  });
  const { prctl, seccomp } = arch.syscalls;
  injected.call(prctl, [PR_SET_NO_NEW_PRIVS, 1n, 0n, 0n, 0n]);
  injected.call(seccomp, [SECCOMP_SET_MODE_FILTER, 0n, at]);
}
