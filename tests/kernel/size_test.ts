// How large scripts may become: each construct is doubled until the script is refused or has 1024 of
// the construct. btrace must go at least as far as bpftrace, and a refusal must be in words of ours.

import { assert } from "@std/assert";
import { openDevice } from "../../core/mod.ts";
import { VerifierError } from "../../core/bpf/mod.ts";
import { allProviders } from "../../providers/mod.ts";
import { compile, ScriptError } from "../../language/mod.ts";
import { load } from "../../language/kernel/load_script.ts";
import { kernelTest } from "../helpers.ts";

/** Where doubling ends: nobody writes more, and the test takes less than a minute. */
const MOST = 1024;

/** `n` pieces of text, made of their numbers. */
function times(n: number, make: (i: number) => string, between = " "): string {
  return Array.from({ length: n }, (_, i) => make(i)).join(between);
}

/** A statement that sets a bit of `$n` if a condition holds. */
const flag = (i: number) => `if (rand & ${2 ** (i % 31)}) { $n |= ${2 ** (i % 31)}; }`;

/**
 * Body of a BEGIN probe with `n` of a construct, and how many must load: at least as many as
 * bpftrace 0.27.1 loads, which was found by doubling; 1024 stands for 1024 and more. Of levels,
 * bpftrace takes 1024 and ends with a segmentation fault at some thousands; we refuse more than 600.
 */
const CONSTRUCTS: Record<string, readonly [least: number, make: (n: number) => string]> = {
  flags: [1024, (n) => `$n = (uint64)0; ${times(n, flag)} printf("%d", $n);`],
  "flags that a condition tests": [
    1024,
    (n) => `$n = (uint64)0; ${times(n, flag)} if ($n == 77) { @a = 1; } @b[$n] = count();`,
  ],
  "variables that conditions set and test": [
    1024,
    (n) =>
      times(n, (i) => `$v${i % 40} = nsecs % ${i + 2} == 0 ? 1 : 0;`) +
      times(Math.min(n, 40), (i) => `if ($v${i}) { @a += 1; }`),
  ],
  "else-if arms": [
    1024,
    (n) =>
      `$x = rand; $r = 0; ${times(n, (i) => `if ($x == ${i}) { $r = ${i}; }`, " else ")}
      else { $r = 7; } printf("%d", $r);`,
  ],
  "else-if arms with maps": [
    512,
    (n) => `$x = rand; ${times(n, (i) => `if ($x == ${i}) { @a = ${i}; }`, " else ")}`,
  ],
  "levels of if": [
    512,
    (n) => `$x = rand; ${times(n, (i) => `if ($x != ${i}) {`)} @a = 1; ${"}".repeat(n)}`,
  ],
  "levels of blocks": [512, (n) => `${"{ ".repeat(n)} @a = 1; ${"} ".repeat(n)}`],
  parentheses: [512, (n) => `@a = ${"(".repeat(n)}rand${")".repeat(n)};`],
  "minus signs": [512, (n) => `$x = (int64)rand; @a = ${"- ".repeat(n)}$x;`],
  "operands of +": [1024, (n) => `$x = rand; @a = ${times(n, () => "$x", " + ")};`],
  "operands of &&": [1024, (n) => `if (${times(n, (i) => `rand != ${i}`, " && ")}) { @a = 1; }`],
  "operands of ||": [1024, (n) => `if (${times(n, (i) => `rand == ${i}`, " || ")}) { @a = 1; }`],
  choices: [
    1024,
    (n) => `$x = rand; $n = (uint64)0; ${times(n, (i) => `$n = $x == ${i} ? ${i} : $n;`)} @a = $n;`,
  ],
  "map assignments": [1024, (n) => times(n, (i) => `@a = ${i};`)],
  "map assignments with keys": [1024, (n) => times(n, (i) => `@a[${i}] = ${i};`)],
  "+= of a map": [1024, (n) => times(n, (i) => `@a += ${i};`)],
  "+= of a map with keys": [1024, (n) => times(n, (i) => `@a[${i}] += ${i};`)],
  "+= of a variable": [1024, (n) => `$a = (uint64)0; ${times(n, (i) => `$a += ${i};`)} @a = $a;`],
  "counts": [1024, (n) => times(n, (i) => `@a[${i}] = count();`)],
  "printf statements": [1024, (n) => times(n, (i) => `printf("%d", ${i});`)],
  "printf statements under conditions": [
    1024,
    (n) => times(n, (i) => `if (pid == ${i}) { printf("%d", ${i}); }`),
  ],
  "printf arguments": [
    64,
    (n) => `printf("${"%d".repeat(n)}", ${times(n, (i) => `${i}`, ", ")});`,
  ],
  strings: [
    32,
    (n) => `${times(n, (i) => `$s${i} = "abc${i}";`)} ${times(n, (i) => `print($s${i});`)}`,
  ],
  "strings that are compared": [
    1024,
    (n) => times(n, (i) => `if (comm == "s${i}") { @a = ${i}; }`),
  ],
  variables: [
    64,
    (n) => `${times(n, (i) => `$v${i} = rand;`)} ${times(n, (i) => `print($v${i});`)}`,
  ],
  "parts of a key": [1024, (n) => `@a[${times(n, (i) => `${i}`, ", ")}] = 1;`],
  "rounds of rounds": [
    1024,
    (n) => `unroll(${Math.min(n, 100)}) { unroll(100) { if (rand & 1) { @a[rand % 5] = 1; } } }`,
  ],
  rounds: [64, (n) => `unroll(${n}) { if (rand & 1) { @a += 1; } }`],
};

const device = openDevice({ providers: allProviders() });

/** Loads and runs a script; returns the message of a refusal. */
function refusal(text: string): string | undefined {
  try {
    const script = compile({ name: "stdin", text }, device, {});
    using running = load(script, device);
    running.fire("begin");
    return undefined;
  } catch (error) {
    if (error instanceof ScriptError) return error.message;
    if (error instanceof VerifierError) return error.message;
    throw error;
  }
}

for (const [what, [least, make]] of Object.entries(CONSTRUCTS)) {
  kernelTest(`${what}: as many as in bpftrace at least`, [], () => {
    let taken = 0;
    for (let n = 32; n <= MOST; n *= 2) {
      const message = refusal(`BEGIN { ${make(n)} }`);
      if (message === undefined) {
        taken = n;
        continue;
      }
      assert(!message.includes("the verifier says"), message);
      break;
    }
    assert(taken >= least, `${taken} of ${least}`);
  });
}

kernelTest("as many clauses of a probe as in bpftrace at least", [], () => {
  assert(refusal(times(MOST, (i) => `BEGIN { @a = ${i}; }`)) === undefined);
});
