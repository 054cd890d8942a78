// Signal handlers in machine code: JavaScript cannot run in a handler, and where this thread waits
// in a system call, not even soon afterwards. sigaction(2)

import { arch } from "./arch/mod.ts";
import { check } from "./errno.ts";
import { libc } from "./libc.ts";
import { addressOf, lasting, pageSize, PROT_EXEC, PROT_READ, Struct } from "./memory.ts";

const SA_RESTART = 0x1000_0000;
/** Size of struct sigaction in bytes, with room for other C libraries than glibc. */
const ACTION_BYTES = 256;
/** Offset of sa_flags in that structure: behind the handler's address and 128 bytes of a mask. */
const FLAGS = 136;

/** Reads the address of a signal's handler; 0 stands for the default action. */
export function handlerOf(signal: number): bigint {
  const action = new Uint8Array(ACTION_BYTES);
  check(libc().sigaction(signal, 0n, addressOf(action)), "sigaction");
  return new DataView(action.buffer).getBigUint64(0, true);
}

/** Sets the address of a signal's handler. System calls that the signal interrupts go on. */
export function setHandler(signal: number, handler: bigint): void {
  const action = new Struct(ACTION_BYTES).u64(0, handler).u32(FLAGS, SA_RESTART);
  check(libc().sigaction(signal, addressOf(action.bytes), 0n), "sigaction");
}

/**
 * Makes a handler that stays for the process's life.
 *
 * @param code Instructions of the handler.
 * @param fill Writes what the handler reads, at offsets from its first instruction.
 * @returns Address of the handler, the start of a page.
 * @throws {DtError} ENOMEM, or EACCES if memory may not become executable.
 */
export function makeHandler(code: readonly number[], fill: (page: DataView) => void): bigint {
  const { address, buffer } = lasting(pageSize());
  new Uint8Array(buffer).set(code);
  fill(new DataView(buffer));
  const { mprotect } = arch.syscalls;
  const rights = BigInt(PROT_READ | PROT_EXEC);
  const length = BigInt(buffer.byteLength);
  check(libc().syscall(mprotect, address, length, rights, 0n, 0n, 0n), "mprotect");
  return address;
}

/**
 * Finds the page of a handler that {@linkcode makeHandler} has made of this code, in this copy of the
 * module or in another one; undefined if the signal has another handler.
 */
export function madeHandler(
  signal: number,
  code: readonly number[],
): Deno.UnsafePointerView | undefined {
  const handler = handlerOf(signal);
  // The default action and SIG_IGN are no functions.
  if (handler === 0n || handler % BigInt(pageSize()) !== 0n) return undefined;
  const view = new Deno.UnsafePointerView(Deno.UnsafePointer.create(handler)!);
  return code.every((byte, i) => view.getUint8(i) === byte) ? view : undefined;
}
