// Tests of naming kernel addresses, on a made-up /proc/kallsyms.

import { assertEquals } from "@std/assert";
import { KernelSymbols } from "./kallsyms.ts";

const TEXT = `ffffffff81000100 T first
ffffffff81000300 t third\t[module]
ffffffff81000200 W second
ffffffff81000250 d data
`;

Deno.test("KernelSymbols resolves addresses to text symbols", () => {
  const symbols = new KernelSymbols(new TextEncoder().encode(TEXT));
  assertEquals(symbols.resolve(0xffffffff81000100n), { name: "first", offset: 0 });
  assertEquals(symbols.resolve(0xffffffff81000260n), { name: "second", offset: 0x60 });
  assertEquals(symbols.resolve(0xffffffff81000301n), { name: "third", offset: 1 });
  assertEquals(symbols.resolve(0xffffffff810000ffn), undefined);
  assertEquals(symbols.address("second"), 0xffffffff81000200n);
  assertEquals(symbols.address("data"), undefined);
});

Deno.test("KernelSymbols knows nothing where the kernel hides addresses", () => {
  const symbols = new KernelSymbols(
    new TextEncoder().encode("0000000000000000 T a\n0000000000000000 T b\n"),
  );
  assertEquals(symbols.resolve(5n), undefined);
  assertEquals(symbols.address("a"), undefined);
});
