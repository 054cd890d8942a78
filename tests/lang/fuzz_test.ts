// Compiles scripts that are broken at random, from a fixed seed. Whatever the text, the compiler
// must answer with a program or with diagnostics, the verifier must accept every program, and both
// planes must print the same. A longer run by hand:
//
//   FUZZ_SECONDS=600 FUZZ_SEED=5 deno test -A tests/lang/fuzz_test.ts

import { assert, assertEquals } from "@std/assert";
import { errorCode, openDevice, type PlaneName } from "../../core/mod.ts";
import { allProviders } from "../../providers/mod.ts";
import { compile, run, type Script, ScriptError } from "../../language/mod.ts";
import { interpret } from "../../language/user/interpret.ts";
import { load } from "../../language/kernel/load_script.ts";
import { cPart } from "../../language/lazy_parts.ts";
import { kernelTest } from "../helpers.ts";
import { mutateScript, scriptSeeds } from "../fuzz/mutate_script.ts";
import { Random } from "../fuzz/random.ts";
import { ProgramGenerator } from "./grammar.ts";

const SECONDS = Number(Deno.env.get("FUZZ_SECONDS") ?? 0);
const SEED = Number(Deno.env.get("FUZZ_SEED") ?? 1);

const device = openDevice({ providers: allProviders() });
// Unsafe functions such as system() and signal() are refused, so that random programs do no harm.
const OPTIONS = { unsafe: false } as const;

/**
 * Compiles a text, and loads and runs the program if asked to.
 *
 * @returns How far the text came: a refusal with diagnostics is a good end, too.
 * @throws {Error} The compiler or the interpreter crashed, or the kernel refused the program.
 */
function attempt(text: string, wantsLoad: boolean): "refused" | "compiled" | "loaded" {
  let script: Script;
  try {
    script = compile({ name: "stdin", text }, device, OPTIONS);
  } catch (error) {
    if (error instanceof ScriptError) return "refused";
    throw new Error(`the compiler crashed on ${JSON.stringify(text)}`, { cause: error });
  }
  if (!wantsLoad) return "compiled";
  try {
    interpret(script);
  } catch (error) {
    // The script may ask for something that the user plane does not have.
    if (!(error instanceof ScriptError)) {
      throw new Error(`the interpreter crashed on ${JSON.stringify(text)}`, { cause: error });
    }
  }
  try {
    using running = load(script, device);
    running.fire("begin");
    running.fire("end");
  } catch (error) {
    if (error instanceof ScriptError) return "refused"; // the program is too large
    if (errorCode(error) === "EOPNOTSUPP") return "refused"; // this kernel has no such probes
    throw new Error(`the kernel refused ${JSON.stringify(text)}`, { cause: error });
  }
  return "loaded";
}

/** Longest time in milliseconds that a text may take on a busy machine. */
const MOST_MS = 20_000;

/** Tries texts until the given number of rounds, or FUZZ_SECONDS, are over. */
function rounds(make: (random: Random) => string, limit: number, share: number) {
  const random = new Random(SEED);
  const end = Date.now() + SECONDS * 500;
  const counts = { refused: 0, compiled: 0, loaded: 0 };
  for (let round = 0; SECONDS > 0 ? Date.now() < end : round < limit; round++) {
    const text = make(random);
    const start = performance.now();
    counts[attempt(text, SECONDS > 0 || random.once(share))]++;
    const ms = performance.now() - start;
    assert(ms < MOST_MS, `${ms} ms for ${JSON.stringify(text)}`);
  }
  if (SECONDS > 0) console.log(counts);
  return counts;
}

kernelTest(
  "no mutated script crashes the compiler or is refused by the verifier",
  ["tracefs"],
  async () => {
    await cPart.load();
    const seeds = await scriptSeeds();
    const { compiled, loaded } = rounds((random) => mutateScript(seeds, random), 10_000, 8);
    assert(compiled + loaded > 500 && loaded > 40, `${compiled} compiled, ${loaded} loaded`);
  },
);

kernelTest("no program of the grammar crashes the compiler or is refused by the verifier", [
  "tracefs",
], () => {
  const { compiled, loaded } = rounds(
    (random) => new ProgramGenerator((limit) => random.below(limit)).program(),
    1000,
    4,
  );
  assert(compiled + loaded > 300 && loaded > 80, `${compiled} compiled, ${loaded} loaded`);
});

/** Runs a program on a plane and returns everything that it prints; undefined if it fails. */
async function printed(text: string, plane: PlaneName): Promise<string | undefined> {
  let out = "";
  let notices = "";
  const decoder = new TextDecoder();
  try {
    await run(compile({ name: "stdin", text }, device, { plane }), device, {
      stdout: (bytes) => out += decoder.decode(bytes, { stream: true }),
      stderr: (bytes) => notices += new TextDecoder().decode(bytes),
    });
  } catch (error) {
    if (error instanceof ScriptError) return undefined;
    throw new Error(`${plane}: ${JSON.stringify(text)}`, { cause: error });
  }
  return out + notices;
}

kernelTest("programs of the grammar print the same on both planes", [], async () => {
  const random = new Random(SEED);
  const end = Date.now() + SECONDS * 1000;
  let compared = 0;
  for (let round = 0; SECONDS > 0 ? Date.now() < end : round < 250; round++) {
    const text = new ProgramGenerator((limit) => random.below(limit), { steady: true }).program();
    const kernel = await printed(text, "kernel");
    if (kernel === undefined) continue;
    assertEquals(await printed(text, "user"), kernel, text);
    compared++;
  }
  if (SECONDS > 0) console.log({ compared });
  assert(compared > 100, `${compared}`);
});
