// Tests of names of probes: wildcards.

import { assertEquals } from "@std/assert";
import { globMatcher } from "./probe_name.ts";

Deno.test("globMatcher() agrees with a regular expression", () => {
  const letters = ["a", "b", ":", "*", "."];
  const text = (n: number, from: readonly string[]) => {
    let made = "";
    for (; n > 0; n = Math.floor(n / from.length)) made += from[n % from.length];
    return made;
  };
  for (let p = 0; p < 5 ** 4; p++) {
    const pattern = text(p, letters);
    const expression = new RegExp(
      `^${pattern.split("*").map((part) => part.replaceAll(".", "\\.")).join(".*")}$`,
    );
    const matches = globMatcher(pattern);
    for (let n = 0; n < 4 ** 4; n++) {
      const name = text(n, ["a", "b", ":", "."]);
      assertEquals(matches(name), expression.test(name), `${pattern} and ${name}`);
    }
  }
});

Deno.test("globMatcher() takes no time for many wildcards", () => {
  const matches = globMatcher(`${"*a".repeat(50)}*b`);
  assertEquals(matches("a".repeat(10_000)), false);
  assertEquals(matches(`${"a".repeat(10_000)}b`), true);
});
