// Pure: no I/O, no FFI.
// Reading and writing maps.

import type { Action, MapVariable, Node } from "../model/ir.ts";
import { stepSize, storageSize, type Type } from "../model/types.ts";
import { FAULT } from "../model/plan.ts";
import { aggregateValue } from "./aggregate.ts";
import { divide, narrow, operation } from "./arithmetic.ts";
import {
  type Build,
  FLOW,
  mapOf,
  type Scalar,
  type ScriptMapEntry,
  signed,
  type Step,
} from "./builder.ts";
import { type Located, place } from "./memory.ts";
import { fault } from "./records.ts";
import { evaluate } from "./scalar.ts";
import type { UserEntry } from "./user_map.ts";

const E2BIG = -7n;

/** Builds a key in memory. */
export function placeKey(b: Build, map: MapVariable, key: Node | undefined): Located {
  const { type, layout } = mapOf(b, map);
  const at = b.scratch.take(layout.keySize);
  if (key === undefined || type.key === undefined || storageSize(type.key) === 0) {
    return { at, fill: () => {} };
  }
  return { at, fill: place(b, key, at, type.key) };
}

/** The entry of `@m[k]`, if there is one. */
function finder(b: Build, map: MapVariable, key: Node | undefined): () => UserEntry | undefined {
  const { map: entries } = mapOf(b, map);
  const { at, fill } = placeKey(b, map, key);
  const { scratch } = b;
  return () => {
    fill();
    return entries.find(scratch.memory, at);
  };
}

/** The same for reading, which may be reported if it fails. */
function reader(b: Build, node: Node & { op: "map" }): () => UserEntry | undefined {
  const find = finder(b, node.map, node.key);
  if (!b.reportsFailures || node.key === undefined) return find;
  const missing = fault(b, node, FAULT.noLookup);
  return () => {
    const entry = find();
    if (entry === undefined) missing();
    return entry;
  };
}

/** The entry, made of zeros if it was missing; a full map is reported. */
export function maker(
  b: Build,
  map: MapVariable,
  key: Located,
  at: Pick<Node, "span">,
): () => UserEntry | undefined {
  const { map: entries } = mapOf(b, map);
  const { scratch, state } = b;
  const full = fault(b, at, FAULT.full);
  return () => {
    const entry = entries.findOrMake(scratch.memory, key.at);
    if (entry !== undefined) return entry;
    state.site.failedUpdates++;
    full(E2BIG);
    return undefined;
  };
}

/** `@m[k]`, 0 where there is none. */
export function readMap(b: Build, node: Node & { op: "map" }): Scalar {
  const find = reader(b, node);
  return () => find()?.words[0] ?? 0n;
}

/** The value of an entry, or zeros. */
export function locateEntry(b: Build, node: Node & { op: "map" }): Located {
  const find = reader(b, node);
  const { layout } = mapOf(b, node.map);
  const at = b.scratch.take(layout.valueSize);
  const { scratch } = b;
  const fill = () => {
    const entry = find();
    const { bytes } = scratch.memory;
    if (entry === undefined) bytes.fill(0, at, at + layout.valueSize);
    else bytes.set(entry.value, at);
  };
  return { at, fill };
}

/** `@m[k]` of an aggregation. */
export function readAggregate(b: Build, node: Node & { op: "aggregate" }): Scalar {
  const find = finder(b, node.map, node.key);
  const value = aggregateValue(mapOf(b, node.map).type.value);
  return () => {
    const entry = find();
    return entry === undefined ? 0n : value(entry.words);
  };
}

/** Is there an entry? */
export function hasKey(b: Build, node: Node & { op: "has_key" | "delete" }): Scalar {
  const find = finder(b, node.map, node.key);
  return () => find() === undefined ? 0n : 1n;
}

/** `@m[k] = value`: the value first, as it is written. */
export function store(b: Build, action: Action & { op: "store" }): Step {
  const { scratch } = b;
  const type = mapOf(b, action.map).type.value as Type;
  const size = Math.max(8, storageSize(type));
  const at = scratch.take(size);
  const value = place(b, action.value, at, type);
  const key = placeKey(b, action.map, action.key);
  const make = maker(b, action.map, key, action);
  return () => {
    value();
    key.fill();
    make()?.value.set(scratch.memory.bytes.subarray(at, at + size));
    return FLOW.next;
  };
}

/** `@m[k] op= value`: the key is made once, the value before the map is read. */
export function change(b: Build, action: Action & { op: "change" }): Step {
  const { operator } = action;
  const { map: entries } = mapOf(b, action.map);
  const { scratch } = b;
  const key = placeKey(b, action.map, action.key);
  const make = maker(b, action.map, key, action);
  const right = evaluate(b, action.value);
  const apply = operator === "/" || operator === "%"
    ? divide(b, operator, action.signed, action)
    : operation(operator, action.signed);
  return () => {
    key.fill();
    const operand = right();
    const old = entries.find(scratch.memory, key.at)?.words[0] ?? 0n;
    const result = apply(old, operand);
    const entry = make();
    if (entry !== undefined) entry.words[0] = result;
    return FLOW.next;
  };
}

/** `@m[k]++` and the like. */
export function stepMap(
  b: Build,
  node: Node & { op: "map" },
  by: 1 | -1,
  prefix: boolean,
): Scalar {
  const key = placeKey(b, node.map, node.key);
  const make = maker(b, node.map, key, node);
  const size = BigInt(by * stepSize(node.type));
  const widen = narrow(node.type);
  return () => {
    key.fill();
    const entry = make();
    if (entry === undefined) return 0n;
    const old = entry.words[0];
    entry.words[0] = old + size;
    return widen(prefix ? signed(old + size) : old);
  };
}

/** `delete(@m[k])`; of a scalar map: back to zero. Tells whether there was one. */
export function deleteKey(
  b: Build,
  { map, key }: { readonly map: MapVariable; readonly key?: Node },
): Scalar {
  const { map: entries } = mapOf(b, map);
  const { at, fill } = placeKey(b, map, key);
  const { scratch } = b;
  return () => {
    fill();
    return entries.delete(scratch.memory, at) ? 1n : 0n;
  };
}

/** `for ($kv : @map)`: key and value, one entry after the other. */
export function eachEntry(
  b: Build,
  { type, layout, map }: ScriptMapEntry,
  at: number,
  valueAt: number,
): Iterable<void> {
  const { scratch } = b;
  const aggregation = type.value.kind === "aggregation" ? aggregateValue(type.value) : undefined;
  return {
    *[Symbol.iterator]() {
      for (const entry of map.snapshot()) {
        const { memory } = scratch;
        memory.bytes.set(entry.key.subarray(0, valueAt), at);
        if (aggregation === undefined) {
          memory.bytes.set(entry.value.subarray(0, layout.valueSize), at + valueAt);
        } else {
          memory.setWord(at + valueAt, aggregation(entry.words));
        }
        yield;
      }
    },
  };
}
