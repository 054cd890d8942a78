import { assertEquals } from "@std/assert";
import { codeOf } from "../../tests/helpers.ts";
import { parseRate } from "./rate.ts";

Deno.test("parseRate() reads both forms", () => {
  assertEquals(parseRate("hz:100"), { periodNs: 10_000_000n, normal: "hz:100" });
  assertEquals(parseRate("ms:250"), { periodNs: 250_000_000n, normal: "ms:250" });
  assertEquals(parseRate("us:1"), { periodNs: 1_000n, normal: "us:1" });
  assertEquals(parseRate("1s"), { periodNs: 1_000_000_000n, normal: "us:1000000" });
  assertEquals(parseRate("1000000"), { periodNs: 1_000_000n, normal: "us:1000" });
});

Deno.test("parseRate() refuses other forms and bad values", () => {
  for (const text of ["", "s", "s:", "s:x", "min:1", "hz:-1", "s:1:2"]) {
    assertEquals(parseRate(text), undefined, text);
  }
  for (const text of ["s:0", "0", "999", "hz:2000000", "s:4294967296"]) {
    assertEquals(codeOf(() => parseRate(text)), "EINVAL", text);
  }
});
