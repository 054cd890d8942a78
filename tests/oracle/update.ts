// By hand:
//
//   deno task oracle                       ask the oracle about what is new, rewrite answers.jsonl
//   deno task oracle --failures            rewrite known_failures.txt, too
//   deno task oracle --show PATTERN        print where btrace differs in cases that match
//   deno task oracle --random COUNT SEED   compare random programs, print where btrace differs

import { askOracle, inPairs, type OracleAnswer } from "./ask_oracle.ts";
import { askOurs } from "./ask_ours.ts";
import { type Answer, type Case, differences, kindOf, lineOf, nameOf } from "./case.ts";
import { sameButForOrder } from "./case.ts";
import { corpus } from "./corpus.ts";
import { readAnswers, writeAnswers } from "./answers.ts";
import { readDifferences, rowOf } from "./differences.ts";
import { writeFailures } from "./known_failures.ts";
import { fetchOracle, VERSION } from "./oracle.ts";
import { randomPrograms } from "./random_programs.ts";

/** A case in which btrace differs from the oracle. */
interface Failing {
  readonly one: Case;
  readonly expected: Answer;
  readonly got: Answer;
}

/** Asks both about cases. What differs is asked again: the oracle must say the same each time. */
async function compare(
  cases: readonly Case[],
  ask: (one: Case, times: number) => Promise<OracleAnswer>,
): Promise<Failing[]> {
  const ours = await askOurs(cases);
  const table = readDifferences();
  const found = await inPairs(cases, async (one, i): Promise<Failing[]> => {
    const got = ours[i];
    let expected = await ask(one, 1);
    if ("broken" in expected || differences(expected, got).length === 0) return [];
    if (expected.error.length === 0) {
      expected = await ask(one, sameButForOrder(expected, got) ? 7 : 2);
      if ("broken" in expected) return [];
    }
    const aspects = differences(expected, got);
    if (aspects.length === 0 || rowOf(table, one, aspects) !== undefined) return [];
    return [{ one, expected, got }];
  });
  return found.flat();
}

function show({ one, expected, got }: Failing): void {
  console.log(`${nameOf(one)} ${lineOf(one)}\n  btrace ${kindOf(expected, got)}`);
  for (const aspect of differences(expected, got)) {
    const part = aspect === "status" ? "code" : aspect;
    console.log(`  expected ${JSON.stringify(expected[part])}`);
    console.log(`  got      ${JSON.stringify(got[part])}`);
  }
}

const [mode, pattern = ""] = Deno.args;
const cases = await corpus();
if (mode === "--show") {
  const answers = readAnswers();
  const chosen = cases.filter((one) => `${nameOf(one)} ${lineOf(one)}`.includes(pattern));
  const failing = await compare(
    chosen,
    (one) => Promise.resolve(answers.get(nameOf(one)) ?? { broken: "not asked yet" }),
  );
  failing.forEach(show);
  console.log(`${failing.length} of ${chosen.length} cases differ`);
} else if (mode === "--random") {
  const programs = randomPrograms(Number(Deno.args[2] ?? 1), Number(pattern));
  const oracle = fetchOracle();
  const failing = await compare(
    programs.map((text) => ({ area: "random", args: ["-e", text] })),
    (one, times) => askOracle(oracle, one, times),
  );
  failing.forEach(show);
  console.log(`${failing.length} of ${programs.length} programs differ`);
} else {
  const oracle = fetchOracle();
  if (oracle.version !== VERSION) {
    throw new Error(`the oracle is ${oracle.version}, not ${VERSION}`);
  }
  const ask = (one: Case, times = 1) => askOracle(oracle, one, times);
  await inPairs(cases, (one) => ask(one));
  if (mode === "--failures") {
    const failing = await compare(cases, ask);
    writeFailures(failing);
    console.log(`${failing.length} of ${cases.length} cases differ`);
  }
  const answers = await inPairs(cases, (one) => ask(one));
  writeAnswers(cases, answers);
  const broken = answers.filter((answer) => "broken" in answer).length;
  console.log(`${cases.length} cases; the oracle has no steady answer to ${broken}`);
}
