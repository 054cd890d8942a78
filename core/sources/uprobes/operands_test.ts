import { assertEquals } from "@std/assert";
import { parseOperands } from "./operands.ts";

const CONTEXT = {
  registers: { ax: 80, bx: 40, cx: 88, bp: 32, sp: 152, di: 112, r8: 72, r0: 0, ip: 128 },
  address: 0x1000,
  symbol: (name: string) => name === "counter" ? 0x4010 : undefined,
};

const one = (text: string) => parseOperands(text, CONTEXT)[0];

Deno.test("parseOperands() reads registers of every width", () => {
  assertEquals(one("-4@%edi"), { type: "int", location: { path: [112], size: 4 } });
  assertEquals(one("8@%rax"), { type: "unsigned long", location: { path: [80], size: 8 } });
  assertEquals(one("1@%al").location, { path: [80], size: 1 });
  assertEquals(one("1@%ah").location, { path: [81], size: 1 });
  assertEquals(one("-2@%ax"), { type: "short", location: { path: [80], size: 2 } });
  for (const [name, size] of [["r8", 8], ["r8d", 4], ["r8w", 2], ["r8b", 1]] as const) {
    assertEquals(one(`${size}@%${name}`).location, { path: [72], size });
  }
  assertEquals(one("%rax").location, { path: [80], size: 8 });
});

Deno.test("parseOperands() reads constants and memory", () => {
  assertEquals(one("-4@$-5").location, { path: [0], size: 4, constant: -5n });
  assertEquals(one("8@$0x10").location.constant, 16n);
  assertEquals(one("4@-20(%rbp)").location, {
    path: [32],
    size: 4,
    memory: { displacement: -20, index: undefined, scale: 1 },
  });
  assertEquals(one("8@(%rax)").location.memory!.displacement, 0);
  assertEquals(one("8@16(%rax,%rbx,8)").location, {
    path: [80],
    size: 8,
    memory: { displacement: 16, index: 40, scale: 8 },
  });
  assertEquals(one("4@counter+4(%rip)").location, {
    path: [128],
    size: 4,
    memory: { displacement: 0x3014 },
  });
});

Deno.test("parseOperands() reads those of aarch64, and goes on after what it does not know", () => {
  const args = parseOperands("8@x0 -4@[sp, 12] 4@5 8@[r0]", CONTEXT);
  assertEquals(args.map(({ location }) => location), [
    { path: [0], size: 8 },
    { path: [152], size: 4, memory: { displacement: 12 } },
    { path: [0], size: 4, constant: 5n },
    { path: [0], size: 8, memory: { displacement: 0 } },
  ]);
  const odd = parseOperands("8f@%xmm0 -4@%edi 8@nowhere(%rip)", CONTEXT);
  assertEquals(odd.length, 3);
  assertEquals([odd[0].location.constant, odd[2].location.constant], [0n, 0n]);
  assertEquals(odd[1].location, { path: [112], size: 4 });
});
