// Pure: no I/O, no FFI.
// The maps of a running script, as a program reads them.

import type { Loaded, ScriptMap } from "./model/loaded_script.ts";
import type { CompiledMap } from "./model/map_layout.ts";
import { Memory } from "./model/memory.ts";
import { elementOffsets, type MapType, type Type } from "./model/types.ts";
import type { AggregationType } from "./model/aggregations.ts";
import { type MapPart, partOf, portable } from "./output/map_parts.ts";
import { type Entry, readEntry, readMap } from "./output/map_values.ts";
import type { Names } from "./output/names.ts";
import { keyOf } from "./output/record_printer.ts";
import { integerOf, type Value, Values } from "./output/values.ts";

/** A key to look up: its parts, or its only part; none for a map without keys. */
export type MapKey = Value | readonly Value[];

/** An entry in a form that console.table() shows well. */
export interface MapRow {
  /** The key's only part, or all parts; absent for a map without keys. */
  readonly key?: Value;
  /** Value under the key; of an aggregation, what it came to. */
  readonly value: Value;
}

/**
 * A map of a script, read like a Map. Each look reads what the kernel has at that moment; when the trace has
 * ended, it shows what was there at the end. The types are what the caller knows of the script, and are not
 * checked.
 */
export class TraceMap<K extends readonly Value[] = readonly Value[], V extends Value = Value>
  implements Iterable<readonly [key: K, value: V]> {
  /** Name in the script, without `@`. */
  readonly name: string;
  #access?: { readonly compiled: CompiledMap; readonly map: ScriptMap; readonly values: Values };
  /** Entries at the end of the trace. */
  #ended: readonly (readonly [K, V])[] = [];
  /** The same as they were in memory, in the same order. */
  #endedRaw: readonly Entry[] = [];
  #type?: MapType;

  private constructor(name: string) {
    this.name = name;
  }

  /**
   * A map of a script that runs.
   *
   * @internal
   */
  static running(name: string, compiled: CompiledMap, map: ScriptMap, values: Values): TraceMap {
    const made = new TraceMap(name);
    made.#access = { compiled, map, values };
    made.#type = compiled.type;
    return made;
  }

  /**
   * A map that has only entries.
   *
   * @internal
   */
  static of(name: string, entries: readonly (readonly [readonly Value[], Value])[]): TraceMap {
    const made = new TraceMap(name);
    made.#ended = entries;
    return made;
  }

  /** Number of entries in the map. */
  get size(): number {
    return this.#entries().length;
  }

  /** Value of a map without keys; undefined if the script has given it none. */
  get value(): V | undefined {
    return this.get([] as unknown as K);
  }

  /** Value under a key, given by its parts or its only part; undefined if there is none. */
  get(key: K | K[0] | MapKey): V | undefined {
    const parts = (Array.isArray(key) ? key : [key]) as readonly Value[];
    if (this.#access === undefined) return findIn(this.#ended, parts);
    const { compiled: { type, layout }, map, values } = this.#access;
    if (!map.isSet()) return undefined;
    const bytes = encode(type.key, layout.keySize, parts);
    if (bytes === NO_KEY) return undefined;
    if (bytes === undefined) return findIn(this.#entries(), parts);
    const found = map.lookup(bytes);
    return found && values.ofMap(readEntry(type, bytes, found, layout.valueSize).value) as V;
  }

  /** True if there is a value under a key. */
  has(key: K | K[0] | MapKey): boolean {
    return this.get(key) !== undefined;
  }

  /** Keys in the order in which print() shows the map. */
  keys(): IteratorObject<K> {
    return this.#entries().values().map(([key]) => key);
  }

  /** Values in the order in which print() shows the map: numbers ascending. */
  values(): IteratorObject<V> {
    return this.#entries().values().map(([, value]) => value);
  }

  /** Keys with their values, in the order in which print() shows the map. */
  entries(): IteratorObject<readonly [key: K, value: V]> {
    return this.#entries().values();
  }

  /** The same as {@linkcode entries}. */
  [Symbol.iterator](): IteratorObject<readonly [key: K, value: V]> {
    return this.entries();
  }

  /** All entries as rows, for console.table() and JSON: a copy that does not change. */
  snapshot(): MapRow[] {
    return this.#entries().map(([key, value]) =>
      key.length === 0 ? { value } : { key: key.length === 1 ? key[0] : key, value }
    );
  }

  /**
   * How the map aggregates; undefined for a map of plain values.
   *
   * @internal
   */
  get aggregation(): AggregationType | undefined {
    return this.#type?.value.kind === "aggregation" ? this.#type.value : undefined;
  }

  /**
   * Entries in a form that can be merged with those of other machines; not for tseries().
   *
   * @internal
   */
  parts(): (readonly [key: readonly Value[], part: MapPart])[] {
    const raw = this.#raw();
    const entries = this.#access === undefined ? this.#ended : this.#converted(raw);
    if (raw.length === 0) return [];
    const { key: keyType, value: valueType } = this.#type!;
    const keyTypes = keyType?.kind === "tuple"
      ? keyType.elements.map(({ type }) => type)
      : [keyType];
    return entries.map(([key, value], i) => {
      const parts = key.map((one, j) => portable(keyTypes[j]!, one));
      const part = partOf(raw[i].value);
      if (part !== undefined) return [parts, part];
      return [parts, { kind: "value", value: portable(valueType as Type, value) }];
    });
  }

  /** Removes all entries, as clear() of the language does. What the script counts meanwhile may be lost. */
  clear(): void {
    this.#access?.map.clear();
    this.#ended = [];
    this.#endedRaw = [];
  }

  /**
   * Keeps the entries of now, because the map is about to be closed.
   *
   * @internal
   */
  end(): void {
    this.#endedRaw = this.#raw();
    this.#ended = this.#converted(this.#endedRaw);
    this.#access = undefined;
  }

  #entries(): readonly (readonly [K, V])[] {
    return this.#access === undefined ? this.#ended : this.#converted(this.#raw());
  }

  /** Entries as they are in memory. */
  #raw(): readonly Entry[] {
    if (this.#access === undefined) return this.#endedRaw;
    const { compiled, map } = this.#access;
    return map.isSet() ? readMap(compiled, map) : [];
  }

  #converted(raw: readonly Entry[]): (readonly [K, V])[] {
    const { compiled: { type }, values } = this.#access!;
    return raw.map(({ key, value }) =>
      [keyOf(type, key, values) as unknown as K, values.ofMap(value) as V] as const
    );
  }
}

/** The maps of a script by their names, with or without `@`. */
export class TraceMaps implements Iterable<TraceMap> {
  readonly #maps: ReadonlyMap<string, TraceMap>;

  private constructor(maps: Iterable<TraceMap>) {
    this.#maps = new Map([...maps].map((map) => [`@${map.name}`, map]));
  }

  /**
   * The maps of a script that runs.
   *
   * @internal
   */
  static running(
    compiled: ReadonlyMap<string, CompiledMap>,
    loaded: Loaded,
    names: Names,
  ): TraceMaps {
    const values = new Values(names);
    return new TraceMaps(
      compiled.entries().map(([name, one]) =>
        TraceMap.running(name.slice(1), one, loaded.maps.get(name)!, values)
      ),
    );
  }

  /**
   * Maps that have only entries, by their names without `@`.
   *
   * @internal
   */
  static of(
    maps: Iterable<readonly [string, readonly (readonly [readonly Value[], Value])[]]>,
  ): TraceMaps {
    return new TraceMaps(Array.from(maps, ([name, entries]) => TraceMap.of(name, entries)));
  }

  /**
   * A map of the script.
   *
   * @throws {RangeError} The script has no map of that name.
   */
  get<K extends readonly Value[] = readonly Value[], V extends Value = Value>(
    name: string,
  ): TraceMap<K, V> {
    const found = this.#maps.get(`@${name.replace(/^@/, "")}`);
    if (found === undefined) {
      const all = [...this.#maps.keys()].join(", ") || "none";
      throw new RangeError(`The script has no map @${name.replace(/^@/, "")}; it has ${all}`);
    }
    return found as unknown as TraceMap<K, V>;
  }

  /** True if the script has a map of that name. */
  has(name: string): boolean {
    return this.#maps.has(`@${name.replace(/^@/, "")}`);
  }

  /** Names of all maps, without `@`, in alphabetical order. */
  names(): string[] {
    return [...this.#maps.values()].map(({ name }) => name);
  }

  /** All maps, in the order of their names. */
  [Symbol.iterator](): IterableIterator<TraceMap> {
    return this.#maps.values();
  }
}

/** A key that no entry can have. */
const NO_KEY = Symbol();

/** Bytes of a key; undefined if its type is none that a program writes down. */
function encode(
  type: Type | undefined,
  size: number,
  parts: readonly Value[],
): Uint8Array | typeof NO_KEY | undefined {
  const memory = new Memory(new Uint8Array(size));
  const isTuple = type?.kind === "tuple";
  const types = type === undefined ? [] : isTuple ? type.elements.map((one) => one.type) : [type];
  const offsets = isTuple ? elementOffsets(type) : [0];
  if (parts.length !== types.length) return NO_KEY;
  for (const [i, part] of parts.entries()) {
    const [one, at] = [types[i], offsets[i]];
    switch (one.kind) {
      case "integer":
      case "pointer":
      case "bool":
        if (typeof part !== "number" && typeof part !== "bigint" && typeof part !== "boolean") {
          return NO_KEY;
        }
        if (typeof part === "number" && !Number.isInteger(part)) return NO_KEY;
        memory.setWord(at, BigInt.asIntN(64, BigInt(part)));
        break;
      case "string": {
        if (typeof part !== "string") return NO_KEY;
        const bytes = new TextEncoder().encode(part);
        if (bytes.length >= one.limit) return NO_KEY;
        memory.bytes.set(bytes, at);
        break;
      }
      default:
        return undefined;
    }
  }
  return memory.bytes;
}

/** Text that is equal for equal keys. */
function canonical(parts: readonly Value[]): string {
  return JSON.stringify(
    parts,
    (_, value) => typeof value === "bigint" ? `${integerOf(value)}n` : value,
  );
}

function findIn<V>(
  entries: readonly (readonly [readonly Value[], V])[],
  parts: readonly Value[],
): V | undefined {
  const integers = (all: readonly Value[]) =>
    all.map((one) => typeof one === "bigint" ? integerOf(one) : one);
  const wanted = canonical(integers(parts));
  return entries.find(([key]) => canonical(key) === wanted)?.[1];
}
