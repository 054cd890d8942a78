import { assertEquals } from "@std/assert";
import { integer, UINT64 } from "../model/types.ts";
import { mapLayout } from "../model/map_layout.ts";
import { Memory } from "../model/memory.ts";
import { comparison, extract, narrow, operation } from "./arithmetic.ts";
import { Stacks } from "./stacks.ts";
import { UserMap } from "./user_map.ts";

const MIN = -(1n << 63n);
const MAX = (1n << 63n) - 1n;

Deno.test("arithmetic is that of 64-bit registers", () => {
  assertEquals(operation("+", true)(MAX, 1n), MIN);
  assertEquals(operation("*", false)(MAX, 2n), -2n);
  assertEquals(operation("/", true)(MIN, -1n), MIN);
  assertEquals(operation("/", true)(-7n, 2n), -3n);
  assertEquals(operation("/", false)(-1n, 2n), MAX);
  assertEquals(operation("%", true)(-7n, 3n), -1n);
  assertEquals(operation("%", false)(-1n, 10n), 5n);
  assertEquals(operation("<<", true)(1n, 63n), MIN);
  assertEquals(operation("<<", true)(1n, 65n), 2n);
  assertEquals(operation(">>", true)(MIN, 63n), -1n);
  assertEquals(operation(">>", false)(MIN, 63n), 1n);
  assertEquals(operation(">>", false)(5n, -64n), 5n);
});

Deno.test("comparisons know signs", () => {
  assertEquals(comparison("<", true)(-1n, 1n), true);
  assertEquals(comparison("<", false)(-1n, 1n), false);
  assertEquals(comparison("==", false)(-1n, -1n), true);
});

Deno.test("values are widened from their C type, bit fields from their unit", () => {
  assertEquals(narrow(integer(1, true))(0xffn), -1n);
  assertEquals(narrow(integer(1, false))(-1n), 255n);
  assertEquals(narrow(integer(4, false))(-1n), 0xffffffffn);
  assertEquals(narrow({ kind: "bool" })(0x100n), 0n);
  assertEquals(extract(integer(4, true), { shift: 3, width: 3 })(0b111000n), -1n);
  assertEquals(extract(integer(4, false), { shift: 3, width: 3 })(0b101000n), 5n);
});

function keyed(kind: "hash" | "lruhash", entries: number): UserMap {
  const declared = { kind, entries };
  return new UserMap(mapLayout({ name: "@", key: UINT64, value: UINT64, declared }, 4096));
}

function keys(map: UserMap): bigint[] {
  return [...map.entries()].map(([key]) => new Memory(key).u64(0)).sort();
}

const key = (value: bigint) => new Memory(new Uint8Array(new BigUint64Array([value]).buffer));

Deno.test("a full map refuses, an LRU one makes room", () => {
  const hash = keyed("hash", 2);
  for (const value of [1n, 2n, 3n]) hash.findOrMake(key(value), 0);
  assertEquals(keys(hash), [1n, 2n]);
  const lru = keyed("lruhash", 2);
  lru.findOrMake(key(1n), 0);
  lru.findOrMake(key(2n), 0);
  lru.find(key(1n), 0);
  lru.findOrMake(key(3n), 0);
  assertEquals(keys(lru), [1n, 3n]);
});

Deno.test("going over a map passes over what is removed meanwhile", () => {
  const map = keyed("hash", 9);
  for (const value of [1n, 2n, 3n]) map.findOrMake(key(value), 0)!.words[0] = value;
  const seen: bigint[] = [];
  for (const { words } of map.snapshot()) {
    seen.push(words[0]);
    map.delete(key(2n), 0);
    map.findOrMake(key(9n), 0);
  }
  assertEquals(seen, [1n, 3n]);
});

Deno.test("equal stacks have one number, and there is an end to them", () => {
  const stacks = new Stacks(2);
  const [a, b] = [stacks.number([1n, 2n]), stacks.number([1n, 3n])];
  assertEquals([a === b, stacks.number([1n, 2n])], [false, a]);
  assertEquals(stacks.frames(b), [1n, 3n]);
  assertEquals([stacks.number([4n]), stacks.frames(0n)], [0n, []]);
});
