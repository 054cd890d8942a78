// Reads captured memory of a stopped thread, as kernel/calls.ts does in the kernel.

import { readMemory } from "../../../core/sys/process_memory.ts";
import { viewOf } from "../formats/bytes.ts";
import {
  ARRAY_BYTES,
  type Capture,
  HOW,
  MOST_VECTORS,
  MSGHDR_AT,
  PATH_BYTES,
  RESULT,
} from "../captures.ts";

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
      const elements = Math.min(count(one.length), Math.floor(ARRAY_BYTES / one.bytes));
      return read(tid, address, elements * one.bytes);
    }
    case HOW.vector:
      return gather(tid, [{ address, elements: count(one.length), bytes: data }]);
    case HOW.message: {
      const header = read(tid, address, MSGHDR_AT.length);
      return header && gather(tid, [vectorOf(header, data)]);
    }
    case HOW.messages: {
      const vectors: Vector[] = [];
      let left = genioBytes;
      for (let i = 0; i < Number(result) && left > 0; i++) {
        const header = read(tid, address + BigInt(i * MSGHDR_AT.bytes), MSGHDR_AT.bytes);
        if (header === undefined) break;
        const vector = vectorOf(
          header,
          Math.min(left, viewOf(header).getUint32(MSGHDR_AT.length, true)),
        );
        left -= vector.bytes;
        vectors.push(vector);
      }
      return gather(tid, vectors);
    }
    case HOW.messageName: {
      const header = read(tid, address, MSGHDR_AT.iov);
      if (header === undefined) return undefined;
      const bytes = Math.min(viewOf(header).getUint32(MSGHDR_AT.nameBytes, true), one.bytes);
      const name = viewOf(header).getBigUint64(MSGHDR_AT.name, true);
      return name === 0n ? undefined : read(tid, name, bytes);
    }
  }
}

/** An array of struct iovec {base, length}, and how many bytes at its elements are data. */
interface Vector {
  readonly address: bigint;
  readonly elements: number;
  readonly bytes: number;
}

/** The vector of a message. */
function vectorOf(header: Uint8Array, bytes: number): Vector {
  const view = viewOf(header);
  const elements = Number(view.getBigUint64(MSGHDR_AT.count, true));
  return { address: view.getBigUint64(MSGHDR_AT.iov, true), elements, bytes };
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

/** Data at the elements of vectors, one behind the other. */
function gather(tid: number, vectors: readonly Vector[]): Uint8Array | undefined {
  const gathered = new Uint8Array(vectors.reduce((sum, { bytes }) => sum + Math.max(bytes, 0), 0));
  let length = 0;
  for (const { address, elements, bytes } of vectors) {
    const end = length + bytes;
    if (bytes <= 0) continue;
    const table = read(tid, address, Math.min(elements, MOST_VECTORS) * 16);
    if (table === undefined) break;
    for (let at = 0; at < table.length && length < end; at += 16) {
      const count = Math.min(Number(viewOf(table).getBigUint64(at + 8, true)), end - length);
      if (count === 0) continue;
      const part = read(tid, viewOf(table).getBigUint64(at, true), count);
      if (part === undefined) return length === 0 ? undefined : gathered.subarray(0, length);
      gathered.set(part, length);
      length += count;
    }
  }
  return length === 0 ? undefined : gathered.subarray(0, length);
}
