// System calls that a traced process is made to do. The process must be held by this thread at the
// return of a system call, and its tracer must have set OPTION.sysgood.

import { DtError } from "../errors.ts";
import { arch } from "./arch/mod.ts";
import { errnoMessage, errnoName } from "./errno.ts";
import { libc } from "./libc.ts";
import { readMemory, writeMemory } from "./process_memory.ts";
import {
  PTRACE,
  ptrace,
  registers,
  setRegisters,
  stopped,
  SYSCALL_SIGNAL,
  waitFor,
} from "./ptrace.ts";

const PTRACE_POKEDATA = 5;
/** Bytes below the stack pointer that functions may use without moving the pointer, and more. */
const RED_ZONE = 1024n;

/** Lets a held process make system calls. Disposing this object puts the process back. */
export class InjectedCalls implements Disposable {
  readonly #pid: number;
  readonly #before: DataView<ArrayBuffer>;
  readonly #address: bigint;
  readonly #text = new Uint8Array(8);

  /**
   * Writes the instruction of a system call where the process stands.
   *
   * @param pid Process id of the held process.
   * @throws {DtError} ESRCH the process has ended.
   */
  constructor(pid: number) {
    this.#pid = pid;
    const before = registers(pid);
    if (before === undefined) throw this.#failed("ESRCH", "it has ended");
    this.#before = before;
    this.#address = before.getBigUint64(arch.userRegisters.ip, true);
    readMemory(pid, this.#address, this.#text);
    const patched = this.#text.slice();
    patched.set(arch.syscallInstruction);
    this.#poke(patched);
  }

  /**
   * Copies bytes to the stack of the process.
   *
   * @param fill Called with the address that the bytes will have; returns the bytes.
   * @param length Number of the bytes.
   * @returns The address.
   * @throws {DtError} EFAULT the stack cannot be written.
   */
  put(length: number, fill: (at: bigint) => Uint8Array): bigint {
    const stack = this.#before.getBigUint64(arch.userRegisters.sp, true);
    const at = (stack - RED_ZONE - BigInt(length)) & ~15n;
    if (writeMemory(this.#pid, at, fill(at))) return at;
    throw this.#failed("EFAULT", "its stack cannot be written");
  }

  /**
   * Makes a system call in the process.
   *
   * @param number Number of the call.
   * @param args Up to six arguments.
   * @returns The result of the call.
   * @throws {DtError} What the call failed with; ESRCH the process has ended.
   */
  call(number: bigint, args: readonly bigint[]): bigint {
    const pid = this.#pid;
    const place = arch.userRegisters;
    const values = new DataView(this.#before.buffer.slice(0));
    args.forEach((arg, i) => values.setBigUint64(place.args[i], arg, true));
    values.setBigUint64(place.number, number, true);
    if (place.originalNumber !== undefined) values.setBigInt64(place.originalNumber, -1n, true);
    setRegisters(pid, values);
    const late: number[] = [];
    for (let stops = 0; stops < 2;) {
      ptrace(PTRACE.syscall, pid);
      if (waitFor(pid, { wait: true }) < 0 || stopped.ended) {
        throw this.#failed("ESRCH", "it has ended");
      }
      const { event, signal } = stopped;
      if (event === 0 && signal === SYSCALL_SIGNAL) stops++;
      else if (event === 0) late.push(signal);
    }
    // Signals that came in between come again.
    for (const signal of late) libc().kill(pid, signal);
    const result = registers(pid)?.getBigInt64(place.result, true) ?? 0n;
    if (result >= 0n) return result;
    const errno = Number(-result);
    throw this.#failed(errnoName(errno), errnoMessage(errno));
  }

  /** Restores the instructions and the registers of the process. */
  [Symbol.dispose](): void {
    this.#poke(this.#text);
    setRegisters(this.#pid, this.#before);
  }

  /** Writes eight bytes over the instructions: text is not writable for anyone but a tracer. */
  #poke(bytes: Uint8Array): void {
    const word = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
    ptrace(PTRACE_POKEDATA, this.#pid, this.#address, word);
  }

  #failed(code: string, reason: string): DtError {
    return new DtError(code, `Cannot make a system call in process ${this.#pid}: ${reason}`, {
      operation: "ptrace",
    });
  }
}
