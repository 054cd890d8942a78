// Pure: no I/O, no FFI.
// Functions that readers of all formats share.

import type { RecordBody, SystemName } from "./record.ts";

/** Longest payload that a record is believed to have. */
export const MOST_PAYLOAD = 1 << 24;

/** Text of bytes up to a NUL, one character a byte. */
export function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  let found = "";
  for (const byte of end < 0 ? bytes : bytes.subarray(0, end)) found += String.fromCharCode(byte);
  return found;
}

/** Bytes of a text that has one character a byte. */
export function latin1(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** A view of the same bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/**
 * Checks that a payload has the bytes that its type needs.
 *
 * @throws {RangeError} The payload is shorter.
 */
export function needs({ byteLength }: Uint8Array | DataView, bytes: number): void {
  if (byteLength < bytes) throw new RangeError(`${byteLength} bytes, ${bytes} are needed`);
}

/** The bytes of the last command name that was read, as four words, and the name. */
const last = { words: new Uint32Array(4), name: undefined as string | undefined };

/**
 * Reads the name of a command, 16 bytes. The records of a trace mostly have the name of the record
 * before.
 *
 * @throws {RangeError} Bytes behind the end of the name: that is no header of a record.
 */
export function commOf(view: DataView, at: number): string {
  const { words } = last;
  let isSame = last.name !== undefined;
  for (let i = 0; i < 4; i++) {
    const word = view.getUint32(at + i * 4, true);
    if (words[i] !== word) isSame = false;
    words[i] = word;
  }
  if (isSame) return last.name!;
  last.name = undefined;
  return last.name = nameAt(view, at, 16);
}

/**
 * Reads the name of a command, with nothing but zeros behind its end: that tells a header from other
 * bytes. A thread may call itself anything: no byte of a name is wrong.
 *
 * @throws {RangeError} Bytes behind the end of the name, or no end.
 */
export function nameAt(view: DataView, at: number, length: number): string {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + at, length);
  const end = bytes.indexOf(0);
  if (end < 0 || bytes.subarray(end).some((byte) => byte !== 0)) {
    throw new RangeError("a command name that is none");
  }
  return text(bytes);
}

/** More arguments than any system call has. */
export const MOST_ARGUMENTS = 64;

/**
 * Arguments of a system call, words of 64 bits.
 *
 * @throws {RangeError} The payload is shorter, or they are more than any call has: a damaged file may
 * have such a record at each of its bytes.
 */
export function words(view: DataView, at: number, count: number): bigint[] {
  if (count > MOST_ARGUMENTS) throw new RangeError(`${count} arguments`);
  needs(view, at + count * 8);
  const all = new Array<bigint>(count);
  for (let i = 0; i < count; i++) all[i] = view.getBigInt64(at + i * 8, true);
  return all;
}

/** Texts with a NUL behind each. */
export function strings(data: Uint8Array): string[] {
  const all = new TextDecoder().decode(data).split("\0");
  if (all.at(-1) === "") all.pop();
  return all;
}

/** True if texts of a trace of Linux's programs are not whole: the last NUL is missing. */
export function isCut(data: Uint8Array, system: SystemName): boolean {
  return system === "linux" && data.length > 0 && data.at(-1) !== 0;
}

/** struct ktr_genio: descriptor and direction, then the data. The same everywhere. */
export function genio(data: Uint8Array): RecordBody {
  needs(data, 8);
  const view = viewOf(data);
  const [fd, isWrite] = [view.getInt32(0, true), view.getInt32(4, true) === 1];
  return { kind: "genio", fd, isWrite, data: data.subarray(8) };
}

/** struct ktr_syscall of NetBSD and OpenBSD: number and bytes of arguments, then these. */
export function syscall(data: Uint8Array): RecordBody {
  needs(data, 8);
  const view = viewOf(data);
  const count = Math.max(view.getInt32(4, true), 0) >> 3;
  return { kind: "syscall", code: view.getInt32(0, true), args: words(view, 8, count) };
}

const LABEL_BYTES = 20;

/** struct ktr_user of NetBSD and OpenBSD: a label, then the bytes. */
export function labelled(data: Uint8Array): RecordBody {
  needs(data, LABEL_BYTES);
  const label = text(data.subarray(0, LABEL_BYTES));
  return { kind: "user", label, data: data.subarray(LABEL_BYTES) };
}
