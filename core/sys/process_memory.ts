// Reads and writes the memory of processes; process_vm_readv(2). Bad addresses are no crash, even
// in this process. Needs Linux 3.2.

import { processLibc } from "./libc.ts";
import { lasting } from "./memory.ts";

/** Number of bytes that one system call copies at most. */
const CHUNK = 1 << 16;
/**
 * Bytes before the copied data: two struct iovec {base, length}, the local and the remote range.
 */
const VECTORS = 32;

/** The memory through which all copies go. */
interface Buffer {
  readonly address: bigint;
  readonly vectors: BigUint64Array;
  readonly bytes: Uint8Array;
}

let buffer: Buffer | undefined;

/**
 * The buffer is kept for the life of the process, because finding an address takes longer than
 * copying.
 */
function scratch(): Buffer {
  if (buffer === undefined) {
    const mapping = lasting(CHUNK + 4096);
    buffer = {
      address: mapping.address,
      vectors: new BigUint64Array(mapping.buffer, 0, 4),
      bytes: new Uint8Array(mapping.buffer, VECTORS, CHUNK),
    };
  }
  return buffer;
}

/** Fills in the two ranges of the next copy. */
function describe({ address, vectors }: Buffer, remote: bigint, length: number): void {
  vectors[0] = address + BigInt(VECTORS);
  vectors[1] = BigInt(length);
  vectors[2] = remote;
  vectors[3] = BigInt(length);
}

/**
 * Copies memory of a process until the first byte that cannot be read.
 *
 * @param pid Process or thread id.
 * @param address Address in that process; taken modulo 2^64.
 * @param into Where the bytes go; its length is the number of bytes wanted.
 * @returns Number of bytes copied; 0 also if this process may not read that memory.
 */
export function readMemory(pid: number, address: bigint, into: Uint8Array): number {
  const own = scratch();
  let done = 0;
  while (done < into.length) {
    const length = Math.min(CHUNK, into.length - done);
    describe(own, BigInt.asUintN(64, address + BigInt(done)), length);
    const count = Number(
      processLibc().process_vm_readv(pid, own.address, 1n, own.address + 16n, 1n, 0n),
    );
    if (count <= 0) break;
    into.set(own.bytes.subarray(0, count), done);
    done += count;
    if (count < length) break;
  }
  return done;
}

/**
 * Overwrites memory of a process.
 *
 * @param pid Process or thread id.
 * @param address Address in that process; taken modulo 2^64.
 * @param bytes The new bytes.
 * @returns True if all bytes were written; false may leave some of them written.
 */
export function writeMemory(pid: number, address: bigint, bytes: Uint8Array): boolean {
  const own = scratch();
  for (let done = 0; done < bytes.length;) {
    const length = Math.min(CHUNK, bytes.length - done);
    own.bytes.set(bytes.subarray(done, done + length));
    describe(own, BigInt.asUintN(64, address + BigInt(done)), length);
    const count = Number(
      processLibc().process_vm_writev(pid, own.address, 1n, own.address + 16n, 1n, 0n),
    );
    if (count !== length) return false;
    done += count;
  }
  return true;
}
