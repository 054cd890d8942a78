// bpftrace as oracle of the language: every case of the corpus has the same text, exit status and first
// error. Answers of the oracle are checked in; some are asked for again in each run.
//
// What may differ stands in differences.json, with a reason that is good for users. What differs and
// should not stands in known_failures.txt, from which whoever mends it takes it off.

import { assert, assertEquals } from "@std/assert";
import { kernelTest } from "../helpers.ts";
import { readAnswers } from "./answers.ts";
import { askOracle, inPairs } from "./ask_oracle.ts";
import { askOurs, askOurTool } from "./ask_ours.ts";
import { type Answer, type Case, differences, lineOf, nameOf } from "./case.ts";
import { corpus } from "./corpus.ts";
import { readDifferences, rowOf } from "./differences.ts";
import { readFailures } from "./known_failures.ts";
import { findOracle, VERSION } from "./oracle.ts";

/** Cases with the oracle's answer; those that it breaks down on specify nothing. */
async function answered(): Promise<{ one: Case; expected: Answer }[]> {
  const answers = readAnswers();
  return (await corpus()).flatMap((one) => {
    const expected = answers.get(nameOf(one));
    assert(expected !== undefined, `${lineOf(one)}: no answer yet: run \`deno task oracle\``);
    return "broken" in expected ? [] : [{ one, expected }];
  });
}

/** Some of them, other ones in each run. */
function sample<T>(items: readonly T[], count: number): T[] {
  const rest = [...items];
  return Array.from(
    { length: Math.min(count, rest.length) },
    () => rest.splice(Math.floor(Math.random() * rest.length), 1)[0],
  );
}

function describe(one: Case, expected: Answer, got: Answer): string {
  const parts = differences(expected, got).map((aspect) => {
    const key = aspect === "status" ? "code" : aspect;
    return `  ${aspect}: expected ${JSON.stringify(expected[key])}\n  got ${
      JSON.stringify(got[key])
    }`;
  });
  return `${nameOf(one)} ${lineOf(one)}\n${parts.join("\n")}`;
}

kernelTest("btrace answers what the oracle answers", ["gcc", "tracefs"], async () => {
  const cases = await answered();
  assert(cases.length >= 1200);
  const answers = await askOurs(cases.map(({ one }) => one));
  const table = readDifferences();
  const unused = new Set(table);
  const known = readFailures();
  const wrong: string[] = [];
  for (const [i, { one, expected }] of cases.entries()) {
    const aspects = differences(expected, answers[i]);
    const row = aspects.length === 0 ? undefined : rowOf(table, one, aspects);
    if (row !== undefined) unused.delete(row);
    const fails = aspects.length > 0 && row === undefined;
    const listed = known.delete(nameOf(one));
    if (fails && !listed) wrong.push(describe(one, expected, answers[i]));
    if (!fails && listed) wrong.push(`${nameOf(one)}: take it off known_failures.txt`);
  }
  wrong.push(...[...known].map((name) => `${name}: no such case: take it off known_failures.txt`));
  wrong.push(...[...unused].map(({ what }) => `differences.json: no case differs: ${what}`));
  assertEquals(wrong.join("\n\n"), "", `${wrong.length} of ${cases.length}`);
});

kernelTest(
  "the command line answers what many cases in a process answer",
  ["gcc", "tracefs"],
  async () => {
    const chosen = sample(await answered(), 40).map(({ one }) => one);
    const inProcess = await askOurs(chosen);
    const alone = await inPairs(chosen, askOurTool);
    const wrong = chosen.flatMap((one, i) =>
      differences(alone[i], inProcess[i]).length === 0
        ? []
        : [describe(one, alone[i], inProcess[i])]
    );
    assertEquals(wrong.join("\n\n"), "");
  },
);

kernelTest("checked-in answers are the oracle's", ["gcc", "tracefs", "oracle"], async () => {
  const oracle = findOracle()!;
  const chosen = sample(await answered(), 100);
  const live = await inPairs(chosen, ({ one }) => askOracle(oracle, one, { fresh: true }));
  const stale = chosen.flatMap(({ one, expected }, i) => {
    const got = live[i];
    if ("broken" in got) return [`${nameOf(one)} ${lineOf(one)}: ${got.broken}`];
    return differences(expected, got).length === 0 ? [] : [describe(one, expected, got)];
  });
  // What a newer version says is worth reading, and no mistake of ours.
  if (oracle.version !== VERSION) {
    console.log(`${oracle.version} differs from ${VERSION}: ${stale.length}\n${stale.join("\n")}`);
  } else assertEquals(stale.join("\n\n"), "", "run `deno task oracle`");
});
