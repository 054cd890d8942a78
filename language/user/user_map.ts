// Pure: no I/O, no FFI.
// A script's map in this process: the same bytes as in a BPF map, one value for all CPUs.

import type { ScriptMap } from "../model/loaded_script.ts";
import type { MapLayout } from "../model/map_layout.ts";
import { Memory } from "../model/memory.ts";

/** A key as a Map takes it. */
type Key = bigint | string;

/** An entry: its bytes, and its value as words. */
export interface UserEntry {
  /** Bytes of the key, as its type lays them out. */
  readonly key: Uint8Array;
  /** Bytes of the value, as its type lays them out. */
  readonly value: Uint8Array;
  /** The memory of `value`, as words of 64 bits. */
  readonly words: BigInt64Array;
}

/** A map with room for a fixed number of entries; a map of a kind LRU drops its least recently used entry. */
export class UserMap implements ScriptMap {
  readonly valueBytes: number;
  readonly #layout: MapLayout;
  readonly #entries = new Map<Key, UserEntry>();
  readonly #evicts: boolean;

  constructor(layout: MapLayout) {
    this.#layout = layout;
    this.valueBytes = layout.valueSize;
    this.#evicts = layout.type.startsWith("LRU");
  }

  /** Number of entries in the map. */
  get size(): number {
    return this.#entries.size;
  }

  /** Without keys there is one entry at most. */
  get #isScalar(): boolean {
    return this.#layout.set !== undefined;
  }

  isSet(): boolean {
    return !this.#isScalar || this.#entries.size > 0;
  }

  /** The entry under a key that stands in memory. */
  find(memory: Memory, at: number): UserEntry | undefined {
    const key = this.#key(memory, at);
    const entry = this.#entries.get(key);
    if (this.#evicts && entry !== undefined) {
      this.#entries.delete(key);
      this.#entries.set(key, entry);
    }
    return entry;
  }

  /** Finds an entry; makes a missing entry of zeros; undefined if the map is full. */
  findOrMake(memory: Memory, at: number): UserEntry | undefined {
    const known = this.find(memory, at);
    if (known !== undefined) return known;
    if (this.#entries.size >= this.#layout.entries) {
      if (!this.#evicts) return undefined;
      const [oldest] = this.#entries.keys();
      this.#entries.delete(oldest);
    }
    return this.#make(
      this.#key(memory, at),
      memory.bytes.slice(at, at + this.#layout.keySize),
    );
  }

  /** Removes an entry; false if there was none. */
  delete(memory: Memory, at: number): boolean {
    return this.#entries.delete(this.#key(memory, at));
  }

  /** Entries as they are now; those that are removed meanwhile are passed over. */
  *snapshot(): Generator<UserEntry> {
    for (const [key, entry] of [...this.#entries]) {
      if (this.#entries.get(key) === entry) yield entry;
    }
  }

  *entries(): Generator<readonly [Uint8Array, Uint8Array]> {
    for (const { key, value } of this.#entries.values()) yield [key, value];
  }

  lookup(key: Uint8Array): Uint8Array | undefined {
    return this.#entries.get(this.#key(new Memory(key), 0))?.value;
  }

  clear(): void {
    this.#entries.clear();
  }

  zero(): void {
    for (const { value } of this.#entries.values()) value.fill(0);
  }

  #make(key: Key, bytes: Uint8Array): UserEntry {
    const words = new BigInt64Array(this.valueBytes / 8);
    const entry = { key: bytes, value: new Uint8Array(words.buffer), words };
    this.#entries.set(key, entry);
    return entry;
  }

  #key(memory: Memory, at: number): Key {
    if (this.#isScalar) return 0n;
    if (this.#layout.keySize === 8) return memory.i64(at);
    let text = "";
    for (let i = at; i < at + this.#layout.keySize; i++) {
      text += String.fromCharCode(memory.bytes[i]);
    }
    return text;
  }
}
