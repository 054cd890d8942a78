// The map of recorded processes, which programs and reader share: who is in it lives and is recorded. A birth
// adds an entry, an end removes it, whatever room there is in the ring.

import { BPF_F_NO_PREALLOC, BpfMap } from "../../../core/bpf/mod.ts";
import { TRACED, TRACED_ENTRIES } from "./layout.ts";

/** What the map says of a process. */
export interface MappedProcess {
  /** Points, INHERIT and ROOT. */
  readonly points: number;
  /** Number of the file that its records go to. */
  readonly file: number;
}

/** The map `dt_ktrace`, whose key is a process id. */
export class ProcessMap implements Disposable {
  /** The map, for programs. */
  readonly map: BpfMap = new BpfMap({
    type: "HASH",
    name: "dt_ktrace",
    keySize: 8,
    valueSize: TRACED.bytes,
    maxEntries: TRACED_ENTRIES,
    flags: BPF_F_NO_PREALLOC,
  });

  /**
   * Adds or changes a process; the count of its lost records stays.
   *
   * @throws {DtError} E2BIG the map is full.
   */
  set(pid: number, { points, file }: MappedProcess): void {
    const value = new Uint32Array(TRACED.bytes / 4);
    const known = this.map.lookup(keyOf(pid));
    if (known !== undefined) value.set(wordsOf(known));
    value[TRACED.points / 4] = points;
    value[TRACED.file / 4] = file;
    this.map.update(keyOf(pid), new Uint8Array(value.buffer));
  }

  /** What the map says of a process now, or undefined. */
  get(pid: number): MappedProcess | undefined {
    const value = this.map.lookup(keyOf(pid));
    return value && processOf(value);
  }

  /** Removes a process: its programs record no more. */
  delete(pid: number): void {
    this.map.delete(keyOf(pid));
  }

  /** Removes all processes from the map. */
  clear(): void {
    this.map.clear();
  }

  /** All processes by their ids; those that are born meanwhile may be missing. */
  all(): Map<number, MappedProcess> {
    const found = new Map<number, MappedProcess>();
    for (const [key, value] of this.map.entries()) found.set(wordsOf(key)[0], processOf(value));
    return found;
  }

  /** Closes the map. */
  [Symbol.dispose](): void {
    this.map[Symbol.dispose]();
  }
}

function keyOf(pid: number): Uint8Array {
  return new Uint8Array(new Uint32Array([pid, 0]).buffer);
}

/** A copy: entries of a batch need not lie at multiples of 4. */
function wordsOf(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.slice().buffer);
}

function processOf(value: Uint8Array): MappedProcess {
  const words = wordsOf(value);
  return { points: words[TRACED.points / 4] | 0, file: words[TRACED.file / 4] };
}
