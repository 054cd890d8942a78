// Debug information that is made to use up time and memory: small sections whose parts point to the same
// long list, text or program again and again.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { DamagedError } from "./byte_reader.ts";
import { DwarfFile } from "./dwarf_file.ts";
import { CallFrames } from "./frames.ts";
import { findLine } from "./lines.ts";

/** A byte, a little-endian number of some bytes, or bytes. */
type Part = number | readonly [value: number, width: number] | Uint8Array;

function bytesOf(...parts: readonly Part[]): Uint8Array {
  const out: number[] = [];
  for (const part of parts) {
    if (typeof part === "number") out.push(part);
    else if (part instanceof Uint8Array) { for (const byte of part) out.push(byte); }
    else for (let i = 0; i < part[1]; i++) out.push(Math.floor(part[0] / 2 ** (8 * i)) % 256);
  }
  return Uint8Array.from(out);
}

/** Bytes repeated `n` times. */
function times(n: number, bytes: Uint8Array): Uint8Array {
  const all = new Uint8Array(n * bytes.length);
  for (let i = 0; i < n; i++) all.set(bytes, i * bytes.length);
  return all;
}

const withLength = (...parts: readonly Part[]) => {
  const bytes = bytesOf(...parts);
  return bytesOf([bytes.length, 4], bytes);
};

/** A file of these sections. */
const fileOf = (sections: Record<string, Uint8Array>) =>
  new DwarfFile((name) => sections[name] ?? new Uint8Array());

function soon<T>(what: () => T): T {
  const start = performance.now();
  const before = Deno.memoryUsage().rss;
  const result = what();
  const [ms, mib] = [performance.now() - start, (Deno.memoryUsage().rss - before) / 2 ** 20];
  assert(ms < 5000, `${ms} ms`);
  assert(mib < 700, `${mib} MiB`);
  return result;
}

/** compile_unit: stmt_list; subprogram: ranges. */
const ABBREVIATIONS = bytesOf(1, 0x11, 1, 0x10, 0x17, 0, 0, 2, 0x2e, 0, 0x55, 0x17, 0, 0, 0);

const unit = (lines: number, children: Uint8Array) =>
  withLength([5, 2], 1, 8, [0, 4], 1, [lines, 4], children, 0);

/** A table of version 4 with one file, and a program that makes `rows` rows of line 1. */
const table = (rows: number) => {
  const names = bytesOf(0, 97, 46, 99, 0, 0, 0, 0, 0);
  const rest = bytesOf(1, 1, 1, 0xff, 1, 10, ...[0, 1, 1, 1, 1, 0, 0, 0, 1], names);
  const address = bytesOf(0, 9, 2, [0x1000, 8]);
  return withLength([4, 2], [rest.length, 4], rest, address, times(rows, bytesOf(2, 1, 1)));
};

Deno.test("many functions of the same long list of ranges are given up", () => {
  const list = bytesOf(times(100_000, bytesOf(4, 1, 2)), 0);
  const file = fileOf({
    debug_abbrev: ABBREVIATIONS,
    debug_info: unit(0, times(20_000, bytesOf(2, [0, 4]))),
    debug_rnglists: list,
    debug_line: table(10),
  });
  assertEquals(soon(() => findLine(file, "a.c", 1)).addresses, []);
});

Deno.test("many places in many functions are told apart soon", () => {
  const file = fileOf({
    debug_abbrev: ABBREVIATIONS,
    debug_info: unit(0, times(2000, bytesOf(2, [0, 4]))),
    // All ranges cover all places.
    debug_rnglists: bytesOf(times(1000, bytesOf(4, 0, 0xff, 0xff, 0xff, 0x7f)), 0),
    debug_line: table(200_000),
  });
  assertEquals(soon(() => findLine(file, "a.c", 1)).addresses, [0x1001]);
});

Deno.test("tables of lines that overlap are run only as far as they can be true", () => {
  const count = 20_000;
  const { length: size } = table(0);
  const section = bytesOf(times(count, table(0)), times(200_000, bytesOf(2, 1, 1)));
  const view = new DataView(section.buffer);
  // The program of each table is what stands behind the last table.
  for (let i = 0; i < count; i++) {
    view.setUint32(i * size, section.length - i * size - 4, true);
    view.setUint32(i * size + 6, (count - i) * size - 10, true);
  }
  const units = Array.from({ length: count }, (_, i) => unit(i * size, new Uint8Array()));
  const file = fileOf({
    debug_abbrev: ABBREVIATIONS,
    debug_info: bytesOf(...units),
    debug_line: section,
  });
  assertEquals(soon(() => findLine(file, "a.c", 77)).files, ["a.c"]);
});

Deno.test("names of files that are one long text are given up", () => {
  const count = 100_000;
  const rest = bytesOf(
    ...[1, 1, 1, 0xff, 1, 10, 0, 1, 1, 1, 1, 0, 0, 0, 1],
    ...[0, 0, 1, 1, 0x1f, 0xa0, 0x8d, 6],
    times(count, bytesOf([0, 4])),
  );
  const file = fileOf({
    debug_abbrev: ABBREVIATIONS,
    debug_info: unit(0, new Uint8Array()),
    debug_line: withLength([5, 2], 8, 0, [rest.length, 4], rest),
    debug_line_str: new Uint8Array(1 << 20).fill(0x41),
  });
  assertEquals(soon(() => findLine(file, "a.c", 1)), { files: [], addresses: [] });
});

Deno.test("frames with thousands of registers in thousands of rows are given up", () => {
  const common = withLength([0, 4], 1, 0, 1, 1, 16);
  // DW_CFA_undefined of 10,000 registers, then rows.
  const registers = bytesOf(
    ...Array.from({ length: 10_000 }, (_, i) => bytesOf(7, 0x80 | i & 127, i >> 7)),
  );
  const rows = times(50_000, bytesOf(0x41));
  const place = [common.length + 4, 4] as const;
  const frames = (instructions: Uint8Array) =>
    new CallFrames({
      bytes: bytesOf(common, withLength(place, [0x1000, 8], [1 << 20, 8], instructions)),
      address: 0,
      isEh: true,
    });
  const error = soon(() =>
    assertThrows(() => frames(bytesOf(registers, rows)).rowAt(0x1001), DamagedError)
  );
  assertEquals(error.message, "frames of too many rows");
  const remember = times(200, bytesOf(0x0a));
  soon(() => assertThrows(() => frames(bytesOf(registers, remember)).rowAt(0x1001), DamagedError));
  assertEquals(frames(rows).rowAt(0x1001)?.start, 0x1001);
});
