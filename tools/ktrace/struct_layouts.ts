// Pure: no I/O, no FFI.
// Structures that FreeBSD's kdump knows are written as FreeBSD lays them out; others as Linux does.

import { freebsdFamily } from "./systems/families.ts";

/** struct stat of FreeBSD, LP64. */
const STAT_BYTES = 224;

/** A structure as it stands in a file. */
export function structToFile(name: string, data: Uint8Array): Uint8Array {
  if (name === "stat") return freebsdStat(data);
  if (name === "sockaddr") return freebsdSockaddr(data);
  return data;
}

/** From struct stat of x86-64, and of aarch64, which has the mode elsewhere. */
function freebsdStat(data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(STAT_BYTES);
  const from = new DataView(data.buffer, data.byteOffset, data.length);
  const to = new DataView(bytes.buffer);
  const isArm = Deno.build.arch === "aarch64";
  const copy = (source: number, target: number) => {
    to.setBigUint64(target, from.getBigUint64(source, true), true);
  };
  copy(0, 0); // dev
  copy(8, 8); // ino
  if (isArm) to.setUint32(16, from.getUint32(20, true), true);
  else copy(16, 16); // nlink
  to.setUint16(24, from.getUint32(isArm ? 16 : 24, true), true); // mode
  to.setUint32(28, from.getUint32(isArm ? 24 : 28, true), true); // uid
  to.setUint32(32, from.getUint32(isArm ? 28 : 32, true), true); // gid
  copy(isArm ? 32 : 40, 40); // rdev
  for (let word = 0; word < 6; word++) copy(72 + word * 8, 48 + word * 8); // atime mtime ctime
  copy(48, 112); // size
  copy(64, 120); // blocks
  to.setInt32(128, Number(from.getBigInt64(56, true)), true); // blksize
  return bytes;
}

/** u8 length, u8 family instead of u16 family. */
function freebsdSockaddr(data: Uint8Array): Uint8Array {
  const bytes = data.slice();
  if (bytes.length < 2) return bytes;
  const family = bytes[0] | bytes[1] << 8;
  bytes[0] = Math.min(bytes.length, 255);
  bytes[1] = freebsdFamily(family);
  return bytes;
}
