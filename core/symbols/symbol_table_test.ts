// Tests of the table of symbols.

import { assertEquals } from "@std/assert";
import { addressNumber, SymbolTable } from "./symbol_table.ts";

/** Makes a table from rows. */
function table(rows: readonly [start: number, size: number, name: string][]) {
  return new SymbolTable({
    count: rows.length,
    start: (index) => rows[index][0],
    size: (index) => rows[index][1],
    name: (index) => rows[index][2],
  });
}

Deno.test("SymbolTable resolves in any order, in gaps, and inside others", () => {
  const symbols = table([[300, 0, "open"], [100, 100, "outer"], [120, 10, "inner"], [
    250,
    10,
    "c",
  ]]);
  const at = (address: number) => symbols.resolve(address)?.name;
  assertEquals([99, 100, 125, 130, 199, 200].map(at), [
    ...[undefined, "outer", "inner", "outer", "outer", undefined],
  ]);
  assertEquals([259, 260, 300, 5000].map(at), ["c", undefined, "open", "open"]);
  assertEquals(symbols.resolve(135), { name: "outer", offset: 35 });
});

Deno.test("addressNumber() keeps addresses of programs and of the kernel exact", () => {
  assertEquals(addressNumber(0x7fff_ffff_f000n), 0x7fff_ffff_f000);
  assertEquals(addressNumber(0xffff_ffff_8100_0001n) - addressNumber(0xffff_ffff_8100_0000n), 1);
});
