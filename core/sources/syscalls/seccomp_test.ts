import { assertEquals } from "@std/assert";
import { arch } from "../../sys/arch/mod.ts";
import { seccompFilter } from "./seccomp.ts";

const ALLOW = 0x7fff0000;
const TRACE = 0x7ff00000;

/** Runs the classic BPF that filters are made of. */
function decide(filter: Uint8Array<ArrayBuffer>, number: number, architecture: number): number {
  const view = new DataView(filter.buffer);
  let accumulator = 0;
  for (let at = 0;;) {
    const [op, yes, no] = [view.getUint16(at, true), filter[at + 2], filter[at + 3]];
    const k = view.getUint32(at + 4, true);
    at += 8;
    if (op === 0x20) accumulator = k === 0 ? number : architecture;
    else if (op === 0x15) at += (accumulator === k ? yes : no) * 8;
    else if (op === 0x06) return k;
    else throw new Error(`unknown instruction ${op}`);
  }
}

Deno.test("a seccomp filter stops its calls, of its architecture, and no others", () => {
  const filter = seccompFilter([257, 0, 59]);
  for (let number = 0; number < 400; number++) {
    const expected = [257, 0, 59].includes(number) ? TRACE : ALLOW;
    assertEquals(decide(filter, number, arch.audit), expected, `${number}`);
  }
  assertEquals(decide(filter, 59, arch.audit ^ 1), ALLOW);
  assertEquals(decide(seccompFilter(), 3, arch.audit), TRACE);
  assertEquals(decide(seccompFilter([]), 3, arch.audit), ALLOW);
});
