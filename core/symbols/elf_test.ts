// Files that are made to use up time and memory: each is small, or has holes, and points to the same bytes
// again and again.

import { assert, assertEquals } from "@std/assert";
import { ElfFile } from "./elf.ts";
import { SymbolTable } from "./symbol_table.ts";

const SHT_STRTAB = 3;
const SHT_SYMTAB = 2;
const HEADERS = 65_535;

/** A file of 2 GiB of a byte, in front of which stand the headers of sections; counts what is read. */
function elfWith(
  sections: readonly { type: number; name: number; offset: number; size: number; link: number }[],
  fill: number,
  place: (bytes: Uint8Array, offset: number) => void = () => {},
) {
  const front = new Uint8Array(64 + sections.length * 64);
  const view = new DataView(front.buffer);
  view.setUint32(0, 0x7f454c46);
  front.set([2, 1, 1], 4);
  view.setBigUint64(40, 64n, true);
  [64, 56, 0, 64, sections.length, 0].forEach((value, i) =>
    view.setUint16(52 + i * 2, value, true)
  );
  sections.forEach(({ type, name, offset, size, link }, i) => {
    const at = 64 + i * 64;
    view.setUint32(at, name, true);
    view.setUint32(at + 4, type, true);
    view.setBigUint64(at + 24, BigInt(offset), true);
    view.setBigUint64(at + 32, BigInt(size), true);
    view.setUint32(at + 40, link, true);
  });
  const count = { bytes: 0 };
  const elf = new ElfFile((offset, length) => {
    count.bytes += length;
    const bytes = new Uint8Array(length).fill(fill);
    bytes.set(front.subarray(offset, offset + length));
    place(bytes, offset);
    return bytes;
  });
  return { elf, count };
}

function soon<T>(what: () => T): T {
  const start = performance.now();
  const result = what();
  const ms = performance.now() - start;
  assert(ms < 5000, `${ms} ms`);
  return result;
}

Deno.test("a file of many large tables of symbols is not read whole", () => {
  const names = { type: SHT_STRTAB, name: 0, offset: 1 << 24, size: 1 << 28, link: 0 };
  for (const size of [1 << 20, 1 << 26, 1 << 30, 2 ** 40]) {
    const table = { type: SHT_SYMTAB, name: 0, offset: 1 << 24, size, link: 0 };
    const { elf, count } = elfWith([names, ...Array(HEADERS - 1).fill(table)], 0);
    soon(() => assertEquals(elf.symbols("code").count, 0));
    assert(count.bytes < 2 ** 29, `${count.bytes} bytes`);
  }
});

Deno.test("names of sections that are one long text are cut", () => {
  const sections = Array.from({ length: HEADERS }, (_, i) => (
    { type: SHT_STRTAB, name: i, offset: 1 << 23, size: 1 << 23, link: 0 }
  ));
  soon(() => assertEquals(elfWith(sections, 0x41).elf.section(".text"), undefined));
});

Deno.test("symbols with one address and one long text as their names are sorted soon", () => {
  const count = 100_000;
  const names = { type: SHT_STRTAB, name: 0, offset: 1 << 24, size: 1 << 24, link: 0 };
  const table = { type: SHT_SYMTAB, name: 0, offset: 1 << 25, size: count * 24, link: 0 };
  const { elf } = elfWith([names, table], 0x41, (bytes, offset) => {
    if (offset !== 1 << 25) return;
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < count; i++) {
      view.setUint32(i * 24, i, true);
      bytes[i * 24 + 4] = 2; // a function
    }
  });
  const symbols = elf.symbols("code");
  assertEquals(symbols.count, count);
  const resolved = soon(() => new SymbolTable(symbols).resolve(symbols.start(0)));
  assertEquals(resolved?.offset, 0);
  assert(resolved!.name.length < 100_000);
});
