// Reads the auxiliary vector that the kernel gave a process at its start; getauxval(3),
// proc_pid_auxv(5).

import { DtError } from "../errors.ts";

const AT_NULL = 0n;
const AT_BASE = 7n;

/**
 * Reads AT_BASE of a process: the address at which its dynamic linker is mapped.
 *
 * @param pid Process id.
 * @returns The address; 0 for a statically linked program.
 * @throws {DtError} ESRCH no such process; EACCES the process belongs to somebody else.
 */
export function auxBase(pid: number): bigint {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = Deno.readFileSync(`/proc/${pid}/auxv`);
  } catch (error) {
    const code = error instanceof Deno.errors.NotFound ? "ESRCH" : "EACCES";
    const reason = code === "ESRCH" ? "no such process" : "not allowed";
    throw new DtError(code, `Cannot read the auxiliary vector of process ${pid}: ${reason}`, {
      operation: "auxBase",
      cause: error,
    });
  }
  const words = new BigUint64Array(bytes.buffer, 0, bytes.length >> 3);
  for (let i = 0; i + 1 < words.length && words[i] !== AT_NULL; i += 2) {
    if (words[i] === AT_BASE) return words[i + 1];
  }
  return 0n;
}
