// Loads what the corpus of tests/oracle compiles to, in this process: no verifier may refuse it. A
// kernel that lacks something says what.

import { assert, assertEquals } from "@std/assert";
import { UnsupportedError } from "../../../core/bpf/mod.ts";
import { openDevice } from "../../../core/mod.ts";
import { compile, ScriptError } from "../../../language/mod.ts";
import { loadScript } from "../../../language/run.ts";
import { allProviders } from "../../../providers/mod.ts";
import { kernelTest } from "../../helpers.ts";
import { readAnswers } from "../../oracle/answers.ts";
import { nameOf } from "../../oracle/case.ts";
import { corpus } from "../../oracle/corpus.ts";

/** Time for all programs, in ms. */
const LIMIT_MS = 200_000;
/** A step through the corpus that comes to each of its scripts; neighbours are alike. */
const STRIDE = 1009;

kernelTest("programs of the corpus pass the verifier", [], async () => {
  // Scripts of the corpus include files that lie there.
  Deno.chdir(new URL("../../oracle/fixtures", import.meta.url));
  const answers = readAnswers();
  const valid = (await corpus()).filter((one) => {
    const answer = answers.get(nameOf(one));
    return one.args.length === 2 && one.args[0] === "-e" && answer !== undefined &&
      "code" in answer && answer.code === 0;
  });
  assert(valid.length > 2500);
  const device = openDevice({ providers: allProviders() });
  const failures: string[] = [];
  let [tried, loaded] = [0, 0];
  const end = performance.now() + LIMIT_MS;
  for (; tried < valid.length && performance.now() < end; tried++) {
    const text = valid[tried * STRIDE % valid.length].args[1];
    try {
      const compiled = compile({ name: "stdin", text }, device);
      using script = await loadScript(compiled, device, { ringBytes: 65536 });
      script.fire("begin");
      script.fire("end");
      loaded++;
    } catch (error) {
      // What the compiler refuses on purpose stands in tests/oracle/differences.json.
      if (error instanceof ScriptError || error instanceof UnsupportedError) continue;
      failures.push(`${text}\n  ${(error as Error).message.split("\n")[0]}`);
    }
  }
  console.log(`${loaded} of ${valid.length} scripts`);
  assertEquals(failures, []);
  assert(loaded >= tried * 0.95);
}, { timeout: LIMIT_MS + 60_000 });
