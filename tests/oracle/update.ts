// By hand:
//
//   deno task oracle                       ask the oracle again about all, rewrite answers.jsonl
//   deno task oracle --failures            rewrite known_failures.txt, too
//   deno task oracle --show PATTERN        print where btrace differs in cases that match

import { askOracle, inPairs } from "./ask_oracle.ts";
import { askOurs } from "./ask_ours.ts";
import { differences, kindOf, lineOf, nameOf } from "./case.ts";
import { corpus } from "./corpus.ts";
import { readAnswers, writeAnswers } from "./answers.ts";
import { readDifferences, rowOf } from "./differences.ts";
import { writeFailures } from "./known_failures.ts";
import { fetchOracle, VERSION } from "./oracle.ts";

const [mode, pattern = ""] = Deno.args;
const cases = await corpus();

if (mode !== "--show") {
  const oracle = fetchOracle();
  if (oracle.version !== VERSION) {
    throw new Error(`the oracle is ${oracle.version}, not ${VERSION}`);
  }
  const answers = await inPairs(cases, (one) => askOracle(oracle, one));
  writeAnswers(cases, answers);
  const broken = answers.filter((answer) => "broken" in answer).length;
  console.log(`${cases.length - broken} cases, and ${broken} that the oracle breaks down on`);
}

if (mode !== undefined) {
  const answers = readAnswers();
  const chosen = cases.filter((one) => {
    const answer = answers.get(nameOf(one));
    const matches = mode === "--failures" || `${nameOf(one)} ${lineOf(one)}`.includes(pattern);
    return answer !== undefined && !("broken" in answer) && matches;
  });
  const ours = await askOurs(chosen);
  const table = readDifferences();
  const failing = chosen.flatMap((one, i) => {
    const expected = answers.get(nameOf(one))!;
    if ("broken" in expected) return [];
    const aspects = differences(expected, ours[i]);
    if (aspects.length === 0 || rowOf(table, one, aspects) !== undefined) return [];
    return [{ one, aspects, expected, got: ours[i] }];
  });
  if (mode === "--failures") writeFailures(failing);
  else {
    for (const { one, aspects, expected, got } of failing) {
      console.log(`${nameOf(one)} ${lineOf(one)}\n  btrace ${kindOf(expected, got)}`);
      for (const aspect of aspects) {
        const part = aspect === "status" ? "code" : aspect;
        console.log(`  expected ${JSON.stringify(expected[part])}`);
        console.log(`  got      ${JSON.stringify(got[part])}`);
      }
    }
  }
  console.log(`${failing.length} of ${chosen.length} cases differ`);
}
