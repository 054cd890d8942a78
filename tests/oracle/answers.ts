// The oracle's answers as they are checked in: the machine, then a line of JSON for each case.

import { type Answer, type Case, lineOf, nameOf } from "./case.ts";
import type { OracleAnswer } from "./ask_oracle.ts";

const FILE = new URL("answers.jsonl", import.meta.url);

/** A loop over a map: the kernel hands out the entries in another order for each map. */
const LOOP = /for \(?\$\w+ : @/;

/** What answers depend on beside the scripts: the kernel and the number of processors. */
export function machine(): string {
  return `Linux ${Deno.osRelease()} ${Deno.build.arch}, ${navigator.hardwareConcurrency} processors`;
}

/** The machine that the answers were given on. */
export function machineOfAnswers(): string {
  return JSON.parse(Deno.readTextFileSync(FILE).split("\n", 1)[0]);
}

/** Answers by names of cases. */
export function readAnswers(): Map<string, OracleAnswer> {
  const answers = new Map<string, OracleAnswer>();
  for (const line of Deno.readTextFileSync(FILE).trimEnd().split("\n").slice(1)) {
    const [name, answer]: [string, Partial<Answer> | { broken: string }] = JSON.parse(line);
    const whole = { code: 0, stdout: "", error: [], notices: [] };
    answers.set(name, "broken" in answer ? answer : { ...whole, ...answer });
  }
  return answers;
}

/** Writes all answers; what is empty or 0 is left out. */
export function writeAnswers(cases: readonly Case[], answers: readonly OracleAnswer[]): void {
  const lines = cases.map((one, i) => {
    const answer = LOOP.test(lineOf(one)) ? { ...answers[i], unordered: true } : answers[i];
    const parts = Object.entries("broken" in answer ? answers[i] : answer).filter(([, value]) =>
      value !== 0 && (value as { length?: number }).length !== 0
    );
    return JSON.stringify([nameOf(one), Object.fromEntries(parts)]);
  });
  Deno.writeTextFileSync(FILE, `${JSON.stringify(machine())}\n${lines.sort().join("\n")}\n`);
}
