// Tests of reading perf maps.

import { assert, assertEquals } from "@std/assert";
import { cpuMs } from "../../tests/cpu_time.ts";
import { parsePerfMap } from "./perf_map.ts";

const parse = (text: string) => parsePerfMap(new TextEncoder().encode(text));

Deno.test("parsePerfMap() shows the last of the lines that cover an address", () => {
  const table = parse(
    "1000 100 first\n1000 100 second tier\n1080 10 middle\n0x2000 0x10 other\n10f0 20 across\n",
  );
  const name = (at: number) => table.resolve(at)?.name;
  assertEquals(name(0xfff), undefined);
  assertEquals(table.resolve(0x1004), { name: "second tier", offset: 4 });
  assertEquals(name(0x1080), "middle");
  assertEquals(name(0x108f), "middle");
  assertEquals(name(0x1090), "second tier");
  assertEquals(name(0x10f5), "across");
  assertEquals(name(0x110f), "across");
  assertEquals(name(0x1110), undefined);
  assertEquals(name(0x2000), "other");
});

Deno.test("parsePerfMap() passes over lines that it does not understand", () => {
  const table = parse("nonsense\n\n10 zz x\n3000 0 empty\n4000 10 name with spaces\n5000 10 cut");
  assertEquals(table.resolve(0x4001)?.name, "name with spaces");
  assertEquals(table.resolve(0x5001)?.name, "cut");
  assertEquals(table.size, 2);
});

Deno.test("parsePerfMap() reads 100,000 lines that overlap in a moment", () => {
  let text = "";
  for (let i = 0; i < 100_000; i++) {
    text += `${(0x10000 + i * 37 % 50_000 * 16).toString(16)} 40 f${i}\n`;
  }
  const before = cpuMs();
  const table = parse(text);
  assert(cpuMs() - before < 2000);
  // The result must equal that of a search through all lines.
  const lines = text.trim().split("\n").map((line) => line.split(" "));
  for (let at = 0x10008; at < 0x10000 + 50_000 * 16; at += 79_997) {
    const last = lines.findLast(([start]) => {
      const from = parseInt(start, 16);
      return at >= from && at < from + 0x40;
    });
    assertEquals(table.resolve(at)?.name, last?.[2]);
  }
});
