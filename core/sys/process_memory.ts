// Memory of other processes, and of this one without a crash. process_vm_readv(2), Linux 3.2.

import { processLibc } from "./libc.ts";
import { lasting } from "./memory.ts";

const CHUNK = 1 << 16;
/** Two struct iovec {base, length}, ours and theirs, before the bytes. */
const VECTORS = 32;

interface Buffer {
  readonly address: bigint;
  readonly vectors: BigUint64Array;
  readonly bytes: Uint8Array;
}

let buffer: Buffer | undefined;

/** Kept for the life of the process: asking for an address costs more than the copy. */
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

function describe({ address, vectors }: Buffer, remote: bigint, length: number): void {
  vectors[0] = address + BigInt(VECTORS);
  vectors[1] = BigInt(length);
  vectors[2] = remote;
  vectors[3] = BigInt(length);
}

/**
 * Copies memory of a process, up to what cannot be read.
 *
 * @param address Taken modulo 2^64.
 * @returns Bytes copied; 0 also if the process is not ours to read.
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

/** Overwrites memory of a process; false unless all of it was written. */
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
