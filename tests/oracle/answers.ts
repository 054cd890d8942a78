// The oracle's answers as they are checked in: a line of JSON for each case, sorted by name.

import { type Answer, type Case, nameOf } from "./case.ts";
import type { OracleAnswer } from "./ask_oracle.ts";

const FILE = new URL("answers.jsonl", import.meta.url);

/** Answers by names of cases. */
export function readAnswers(): Map<string, OracleAnswer> {
  const answers = new Map<string, OracleAnswer>();
  for (const line of Deno.readTextFileSync(FILE).trimEnd().split("\n")) {
    const [name, answer]: [string, Partial<Answer> | { broken: string }] = JSON.parse(line);
    const whole = { code: 0, stdout: "", error: [], notices: [] };
    answers.set(name, "broken" in answer ? answer : { ...whole, ...answer });
  }
  return answers;
}

/** Writes all answers; what is empty or 0 is left out. */
export function writeAnswers(cases: readonly Case[], answers: readonly OracleAnswer[]): void {
  const lines = cases.map((one, i) => {
    const parts = Object.entries(answers[i]).filter(([, value]) =>
      value !== 0 && (value as { length?: number }).length !== 0
    );
    return JSON.stringify([nameOf(one), Object.fromEntries(parts)]);
  });
  Deno.writeTextFileSync(FILE, `${lines.sort().join("\n")}\n`);
}
