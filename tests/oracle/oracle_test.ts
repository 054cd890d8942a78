// bpftrace as oracle of the language: every case of the corpus has the same text, exit status and first
// error. Answers of the oracle are checked in; some are asked for again in each run.
//
// What may differ stands in differences.json, with a reason that is good for users. What differs and
// should not stands in known_failures.txt, from which whoever mends it takes it off.

import { assert, assertEquals } from "@std/assert";
import { kernelTest, ROOT } from "../helpers.ts";
import { machine, machineOfAnswers, readAnswers } from "./answers.ts";
import { askOnce, askOracle, inPairs, type OracleAnswer } from "./ask_oracle.ts";
import { askOurs, askOurTool } from "./ask_ours.ts";
import { type Answer, type Case, differences, lineOf, nameOf, sameButForOrder } from "./case.ts";
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

/** On another machine the oracle itself may answer otherwise: what differs is asked for again there. */
async function askHere(one: Case, expected: Answer): Promise<Answer> {
  const oracle = findOracle();
  if (oracle === undefined || machine() === machineOfAnswers()) return expected;
  const live = await askOracle(oracle, one);
  return "broken" in live ? expected : live;
}

kernelTest("btrace answers what the oracle answers", ["gcc", "sdt.h", "tracefs"], async () => {
  const cases = await answered();
  assert(cases.length >= 1200);
  const answers = await askOurs(cases.map(({ one }) => one));
  const table = readDifferences();
  const unused = new Set(table);
  const known = readFailures();
  const wrong: string[] = [];
  await inPairs(cases, async ({ one, expected: stored }, i) => {
    const got = answers[i];
    const listed = known.delete(nameOf(one));
    const fails = differences(stored, got).length > 0;
    const expected = fails && !listed ? await askHere(one, stored) : stored;
    const aspects = differences(expected, got);
    const row = aspects.length === 0 ? undefined : rowOf(table, one, aspects);
    if (row !== undefined) unused.delete(row);
    const isWrong = aspects.length > 0 && row === undefined;
    if (isWrong && !listed) wrong.push(describe(one, expected, got));
    if (!isWrong && listed) wrong.push(`${nameOf(one)}: take it off known_failures.txt`);
  });
  wrong.push(
    ...[...known.keys()].map((name) => `${name}: no such case: take it off known_failures.txt`),
  );
  wrong.push(...[...unused].map(({ what }) => `differences.json: no case differs: ${what}`));
  if (wrong.length > 0) {
    throw new Error(`${wrong.length} of ${cases.length}:\n\n${wrong.join("\n\n")}`);
  }
});

Deno.test("README tells for how many cases btrace answers what the oracle answers", async () => {
  const cases = await answered();
  const known = readFailures();
  const kinds = (mistaken: boolean) =>
    cases.filter(({ expected }) => (expected.error.length > 0) === mistaken)
      .map(({ one }) => known.get(nameOf(one)));
  const count = (number: number) => number.toLocaleString("en-US");
  const share = (all: readonly unknown[], some: readonly unknown[]) =>
    `${Math.round(100 * some.length / all.length)} %`;
  const [valid, mistaken] = [kinds(false), kinds(true)];
  const figures = [
    ...[count(cases.length), count(valid.length)],
    share(valid, valid.filter((kind) => kind === undefined || kind === "warns otherwise")),
    share(valid, valid.filter((kind) => kind === undefined)),
    count(mistaken.length),
    share(
      mistaken,
      mistaken.filter((kind) => kind !== "takes what the oracle refuses" && kind !== "crashes"),
    ),
    share(mistaken, mistaken.filter((kind) => kind === undefined)),
  ];
  const paragraph = /`tests\/oracle` has[^]*?known_failures/.exec(
    Deno.readTextFileSync(`${ROOT}README.md`),
  )![0];
  assertEquals(paragraph.match(/\d+ %|\d,\d{3}/g), figures);
});

kernelTest(
  "the command line answers what many cases in a process answer",
  ["gcc", "sdt.h", "tracefs"],
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

kernelTest(
  "checked-in answers are the oracle's",
  ["gcc", "sdt.h", "tracefs", "oracle"],
  async () => {
    const oracle = findOracle()!;
    const chosen = sample(await answered(), 100);
    const live = await inPairs(chosen, async ({ one, expected }) => {
      let got = await askOnce(oracle, one);
      // What the oracle reads from memory that it has not set differs from time to time: no answer is stale
      // that it gives again within some times.
      for (let i = 0; i < 20 && !agrees(expected, got); i++) got = await askOnce(oracle, one);
      return got;
    });
    const stale = chosen.flatMap(({ one, expected }, i) => {
      const got = live[i];
      if (agrees(expected, got)) return [];
      return [
        "broken" in got
          ? `${nameOf(one)} ${lineOf(one)}: ${got.broken}`
          : describe(one, expected, got),
      ];
    });
    // What a newer version or another kernel says is worth reading, and no mistake of ours.
    if (oracle.version !== VERSION || machine() !== machineOfAnswers()) {
      console.log(`bpftrace ${oracle.version} on ${machine()}: ${stale.length} others of 100`);
      console.log(stale.join("\n"));
    } else assertEquals(stale.join("\n\n"), "", "run `deno task oracle`");
  },
);

/** Maps whose values are equal or narrow come in any order. */
function agrees(expected: Answer, got: OracleAnswer): boolean {
  return !("broken" in got) && sameButForOrder(expected, got);
}
