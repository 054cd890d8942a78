// Scripts broken at random, with a fixed seed: whatever the text, the compiler answers with a program
// or with diagnostics, and the verifier takes every program. Longer runs by hand:
//
//   FUZZ_SECONDS=600 FUZZ_SEED=5 deno test -A tests/lang/fuzz_test.ts

import { assert } from "@std/assert";
import { openDevice } from "../../core/mod.ts";
import { allProviders } from "../../providers/mod.ts";
import { compile, type Script, ScriptError } from "../../tools/btrace/mod.ts";
import { load } from "../../tools/btrace/run.ts";
import { kernelTest } from "../helpers.ts";

const HERE = new URL(".", import.meta.url).pathname;
const SECONDS = Number(Deno.env.get("FUZZ_SECONDS") ?? 0);
const ROUNDS = 10_000;

const FRAGMENTS = [
  ...["pid", "@x", "@x[1]", '@x["k"]', "$a", '"s"', "5", "-1", "comm", "nsecs", "probe", "retval"],
  ...[
    "str(args.filename)",
    "str(arg1, 9)",
    "args.args[1]",
    "arg0",
    "count()",
    "hist(5)",
    "avg(pid)",
  ],
  ...[
    "lhist(1, 0, 9, 3)",
    "min(1)",
    "if (1) { }",
    "else { }",
    "print(",
    'printf("%d %s\\n", 1, comm)',
  ],
  ...[
    "==",
    "!=",
    "&&",
    "||",
    "+",
    "-",
    "/",
    "%",
    "<<",
    ">>",
    "[",
    "]",
    "{",
    "}",
    "(",
    ")",
    ";",
    ",",
  ],
  ...["exit()", "delete(@x)", "clear(@x)", "zero(@x)", "? 1 : 2", "?:", "!", "~", "++", "--", "+="],
  ...[
    "interval:s:1",
    "syscall:openat:entry",
    "syscall:*:return",
    "tracepoint:raw_syscalls:*",
    "END",
  ],
];

/** Numbers from a seed: the same on every machine. */
function generator(seed: number): (limit: number) => number {
  return (limit) => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return (seed >>> 8) % limit;
  };
}

function mutate(seeds: readonly string[], random: (limit: number) => number): string {
  let text = seeds[random(seeds.length)];
  for (let i = random(4); i >= 0; i--) {
    const at = random(text.length + 1);
    const other = seeds[random(seeds.length)];
    const from = random(other.length);
    const [insert, remove] = [
      () => [FRAGMENTS[random(FRAGMENTS.length)], 0] as const,
      () => ["", 1 + random(8)] as const,
      () => [other.slice(from, from + random(40)), 0] as const,
      () => [String.fromCharCode(random(256)), 1] as const,
    ][random(4)]();
    text = text.slice(0, at) + insert + text.slice(at + remove);
  }
  return text;
}

kernelTest("no script crashes the compiler or is refused by the verifier", [], () => {
  const device = openDevice({ providers: allProviders() });
  const seeds = [...Deno.readDirSync(HERE)].map(({ name }) => name)
    .filter((name) => name.endsWith(".bt") && !/too-large|chain|deep|many_variables/.test(name))
    .sort().map((name) => Deno.readTextFileSync(HERE + name));
  const random = generator(Number(Deno.env.get("FUZZ_SEED") ?? 1));
  const end = Date.now() + SECONDS * 1000;
  let compiled = 0;
  let loaded = 0;
  for (let round = 0; SECONDS > 0 ? Date.now() < end : round < ROUNDS; round++) {
    const text = mutate(seeds, random);
    let script: Script;
    try {
      script = compile({ name: "stdin", text }, device);
    } catch (error) {
      if (error instanceof ScriptError) continue;
      throw new Error(`the compiler crashed on ${JSON.stringify(text)}`, { cause: error });
    }
    compiled++;
    if (SECONDS === 0 && random(8) > 0) continue;
    try {
      using running = load(script, device);
      running.fire("begin");
      running.fire("end");
      loaded++;
    } catch (error) {
      throw new Error(`the kernel refused ${JSON.stringify(text)}`, { cause: error });
    }
  }
  assert(compiled > 100 && loaded > 20, `${compiled} compiled, ${loaded} loaded`);
  if (SECONDS > 0) console.log(`${compiled} compiled, ${loaded} loaded`);
});
