import { assertEquals } from "@std/assert";
import { integer, pointer, string, tuple, type Type, UINT64 } from "../model/types.ts";
import { histogramText, seriesText } from "./chart.ts";
import { Memory } from "../model/memory.ts";
import { gfpText, type Names } from "./names.ts";
import { Out } from "./output_buffer.ts";
import { inetText, printValue } from "./value_text.ts";
import { strftime } from "./strftime.ts";
import { readEntry, sortEntries } from "./map_values.ts";

const NAMES = { trailer: ".." } as unknown as Names;

function text(type: Type, ...bytes: number[]): string {
  let result = "";
  const out = new Out((part) => result += new TextDecoder().decode(part));
  printValue(out, type, new Memory(Uint8Array.from(bytes)), 0, NAMES);
  out.flush();
  return result;
}

const word = (value: number) => [value, 0, 0, 0, 0, 0, 0, 0];

Deno.test("printValue() prints each type in its own way", () => {
  assertEquals(text(UINT64, ...word(7)), "7");
  assertEquals(text(integer(8, true), ...new Array(8).fill(255)), "-1");
  assertEquals(text({ kind: "bool" }, ...word(1)), "true");
  assertEquals(text(pointer(UINT64), ...word(255)), "0xff");
  assertEquals(text(string(4, true), 97, 98, 99, 0, 0, 0, 0, 0), "abc..");
  assertEquals(text(tuple([UINT64, string(2)]), ...word(1), 97, 0, 0, 0, 0, 0, 0, 0), "(1, a)");
  assertEquals(text(tuple([UINT64]), ...word(1)), "(1)");
  assertEquals(text({ kind: "buffer", limit: 3 }, ...word(3), 97, 1, 98, 0, 0, 0, 0, 0), "a\\x01b");
  assertEquals(
    text({ kind: "array", of: integer(2, true), count: 2 }, 255, 255, 2, 0, 0, 0, 0, 0),
    "[-1,2]",
  );
  assertEquals(
    text({ kind: "special", as: "mac" }, 1, 2, 0xab, 4, 5, 6, 0, 0),
    "01:02:AB:04:05:06",
  );
});

Deno.test("inetText() writes addresses as inet_ntop does", () => {
  const six = (...groups: number[]) =>
    inetText(10, Uint8Array.from(groups.flatMap((one) => [one >> 8, one & 255])));
  assertEquals(inetText(2, Uint8Array.of(127, 0, 0, 1)), "127.0.0.1");
  assertEquals(six(0, 0, 0, 0, 0, 0, 0, 1), "::1");
  assertEquals(six(0, 0, 0, 0, 0, 0, 0, 0), "::");
  assertEquals(six(0x2001, 0xdb8, 0, 0, 1, 0, 0, 1), "2001:db8::1:0:0:1");
  assertEquals(six(0xfe80, 0, 1, 2, 3, 4, 5, 6), "fe80:0:1:2:3:4:5:6");
  assertEquals(six(0, 0, 0, 0, 0, 0xffff, 0x0a00, 1), "::ffff:10.0.0.1");
});

Deno.test("strftime() follows the C library, with parts of a second", () => {
  const ns = BigInt(new Date(2024, 1, 29, 13, 4, 5).getTime()) * 1_000_000n + 6_007_008n;
  assertEquals(
    strftime("%Y-%m-%d %H:%M:%S %I%p %j %a %b %e %y", ns),
    "2024-02-29 13:04:05 01PM 060 Thu Feb 29 24",
  );
  assertEquals(strftime("%f %l %k %% %Q", ns), "006007 006 006007008 % %Q");
});

Deno.test("gfpText() names allocation flags", () => {
  assertEquals(gfpText(0xcc0), "GFP_KERNEL");
  assertEquals(gfpText(0xcc0 | 0x100), "GFP_KERNEL|__GFP_ZERO");
  assertEquals(gfpText(0), "0");
});

Deno.test("histogramText() draws bars in proportion", () => {
  const bucket = (min: bigint, max: bigint, count: bigint) => ({ min, max, count });
  assertEquals(
    histogramText({
      kind: "histogram",
      abbreviate: true,
      linear: false,
      total: 3n,
      buckets: [bucket(1n, 1n, 1n), bucket(1024n, 2047n, 2n)],
    }),
    `[1]                    1 |${"@".repeat(26)}${" ".repeat(26)}|\n` +
      `[1K, 2K)               2 |${"@".repeat(52)}|\n`,
  );
});

Deno.test("seriesText() draws one row an interval and marks those without", () => {
  const type = {
    kind: "aggregation",
    name: "tseries",
    signed: true,
    params: [1_000_000_000n, 5n],
  } as const;
  const chart = seriesText(
    {
      kind: "series",
      type,
      intervalNs: 1_000_000_000n,
      points: [{ epoch: 1n, value: -1n }, { epoch: 3n, value: 1n }],
    },
    3n,
    (ns) => `00:00:0${ns / 1_000_000_000n}`,
  );
  const rows = chart.split("\n");
  assertEquals(rows[1], `hh:mm:ss |${"_".repeat(51)}|`);
  assertEquals(rows[2], `00:00:01 *${" ".repeat(25)}.${" ".repeat(25)}| -1`);
  assertEquals(rows[3], `00:00:02 |${" ".repeat(25)}.${" ".repeat(25)}| -`);
  assertEquals(rows[4], `00:00:03 |${" ".repeat(25)}.${" ".repeat(25)}* 1`);
});

Deno.test("sortEntries() orders by value, then by key", () => {
  const map = { name: "@", key: string(2), value: UINT64 } as const;
  const entry = (key: string, value: number) =>
    readEntry(
      map,
      Uint8Array.from([key.charCodeAt(0), 0, 0, 0, 0, 0, 0, 0]),
      Uint8Array.from(word(value)),
      8,
    );
  const sorted = sortEntries(map, [entry("b", 2), entry("c", 1), entry("a", 2)]);
  assertEquals(sorted.map(({ key }) => key!.text(0, 8)), ["c", "a", "b"]);
});
