// Reads captured memory of a stopped thread, as kernel/calls.ts does in the kernel.

import { readMemory } from "../../../core/sys/process_memory.ts";
import { type Capture, HOW, MOST_VECTORS, MSGHDR_AT, PATH_BYTES, RESULT } from "../captures.ts";

/** A system call that is about to return. */
export interface Returning {
  /** Six arguments of the call. */
  readonly args: BigInt64Array;
  /** Result of the call; a negated error below zero. */
  readonly result: bigint;
  /** Most bytes of data to read. */
  readonly genioBytes: number;
}

/** Reads the bytes of a capture; undefined if there are none. */
export function readCapture(tid: number, one: Capture, call: Returning): Uint8Array | undefined {
  const { args, result, genioBytes } = call;
  if (one.onSuccess && result < 0n) return undefined;
  const address = args[one.argument];
  if (address === 0n) return undefined;
  const word = (index: number) => index === RESULT ? result : args[index];
  const count = (index: number) => Number(BigInt.asUintN(32, word(index)));
  const data = Math.min(Number(result), genioBytes);
  switch (one.how) {
    case HOW.path:
      return readString(tid, address);
    case HOW.result:
      return read(tid, address, data);
    case HOW.fixed:
      return read(tid, address, one.bytes);
    case HOW.argument:
      return read(tid, address, Math.min(count(one.length), one.bytes));
    case HOW.pointer: {
      const length = read(tid, word(one.length), 4);
      if (length === undefined) return undefined;
      const bytes = new DataView(length.buffer).getUint32(0, true);
      return read(tid, address, Math.min(bytes, one.bytes));
    }
    case HOW.array: {
      const elements = Math.min(count(one.length), Math.floor(PATH_BYTES / one.bytes));
      return read(tid, address, elements * one.bytes);
    }
    case HOW.vector:
      return readVector(tid, address, count(one.length), data);
    case HOW.message: {
      const message = read(tid, address, 56);
      if (message === undefined) return undefined;
      const view = new DataView(message.buffer);
      const elements = Number(view.getBigUint64(MSGHDR_AT.count, true));
      return readVector(tid, view.getBigInt64(MSGHDR_AT.iov, true), elements, data);
    }
  }
}

function read(tid: number, address: bigint, length: number): Uint8Array<ArrayBuffer> | undefined {
  if (length <= 0) return undefined;
  const bytes = new Uint8Array(length);
  return readMemory(tid, address, bytes) === length ? bytes : undefined;
}

/** A string without its NUL. */
export function readString(tid: number, address: bigint): Uint8Array | undefined {
  const bytes = new Uint8Array(PATH_BYTES);
  const found = bytes.subarray(0, readMemory(tid, address, bytes));
  const end = found.indexOf(0);
  if (end >= 0) return found.subarray(0, end);
  return found.length === PATH_BYTES ? found.subarray(0, PATH_BYTES - 1) : undefined;
}

/** Data at the elements of struct iovec {base, length}. */
function readVector(
  tid: number,
  address: bigint,
  elements: number,
  most: number,
): Uint8Array | undefined {
  if (most <= 0) return undefined;
  const gathered = new Uint8Array(most);
  let length = 0;
  for (let i = 0; i < Math.min(elements, MOST_VECTORS) && length < most; i++) {
    const element = read(tid, address + BigInt(i * 16), 16);
    if (element === undefined) break;
    const view = new DataView(element.buffer);
    const bytes = Math.min(Number(view.getBigUint64(8, true)), most - length);
    if (bytes === 0) continue;
    const part = read(tid, view.getBigUint64(0, true), bytes);
    if (part === undefined) break;
    gathered.set(part, length);
    length += bytes;
  }
  return length === 0 ? undefined : gathered.subarray(0, length);
}
