import { assertEquals } from "@std/assert";
import { histBuckets } from "./aggregations.ts";
import {
  BOOL,
  cSize,
  elementOffsets,
  INT64,
  integer,
  NONE,
  pointer,
  storageSize,
  string,
  tuple,
  type TupleType,
  type Type,
  typeName,
  UINT64,
  widen,
} from "./types.ts";

const name = (type: Type | undefined) => type && typeName(type);

Deno.test("widen() finds the type that holds both", () => {
  assertEquals(name(widen(integer(1, true), integer(2, true))), "int16");
  assertEquals(name(widen(integer(4, false), integer(1, true))), "int64");
  assertEquals(name(widen(integer(8, false), integer(1, true))), "int64");
  assertEquals(name(widen(integer(2, false), integer(4, true))), "int32");
  assertEquals(name(widen(string(4), string(9))), "string[9]");
  assertEquals(name(widen(pointer(NONE), pointer(INT64))), "int64 *");
  assertEquals(
    name(widen(tuple([string(2), integer(1, true)]), tuple([string(5), UINT64]))),
    "(string[5],int64)",
  );
});

Deno.test("widen() refuses what has nothing in common", () => {
  assertEquals(widen(string(4), INT64), undefined);
  assertEquals(widen(BOOL, integer(1, true)), undefined);
  assertEquals(widen(tuple([INT64]), tuple([INT64, INT64])), undefined);
  assertEquals(widen(pointer(integer(4, true)), INT64), undefined);
});

Deno.test("records widen by name, whatever the order", () => {
  const record = (...elements: [string, Type][]): TupleType => ({
    kind: "tuple",
    elements: elements.map(([name, type]) => ({ name, type })),
  });
  const wide = widen(
    record(["a", integer(1, true)], ["b", string(2)]),
    record(["b", string(6)], ["a", integer(2, true)]),
  );
  assertEquals(name(wide), "record { .a = int16, .b = string[6] }");
  assertEquals(widen(record(["a", INT64]), record(["b", INT64])), undefined);
});

Deno.test("our memory has words, C has its own sizes", () => {
  const type = tuple([integer(1, true), string(3), integer(4, false)]);
  assertEquals(storageSize(type), 24);
  assertEquals(elementOffsets(type), [0, 8, 16]);
  assertEquals(cSize(type), 8);
  assertEquals(storageSize(string(16)), 16);
  assertEquals(storageSize({ kind: "buffer", limit: 5 }), 16);
});

Deno.test("hist() has a bucket for every number below 2^bits and 2^bits a power of two", () => {
  assertEquals(histBuckets([0n]), 66);
  assertEquals(histBuckets([2n]), 253);
});
