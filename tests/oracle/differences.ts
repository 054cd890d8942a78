// The table of deliberate differences from the oracle.

import { type Aspect, type Case, lineOf, nameOf } from "./case.ts";

const FILE = new URL("differences.json", import.meta.url);

/** A row of differences.json. */
export interface Difference {
  /** Name of a case, or a regular expression that command lines match. */
  readonly cases: string;
  /** Parts of the answer that differ. */
  readonly aspects: readonly Aspect[];
  /** What differs. */
  readonly what: string;
  /** Why that is better for who uses it. */
  readonly why: string;
}

/** All rows. */
export function readDifferences(): Difference[] {
  return JSON.parse(Deno.readTextFileSync(FILE));
}

/** The row that allows a case to differ in these parts of its answer. */
export function rowOf(
  rows: readonly Difference[],
  one: Case,
  aspects: readonly Aspect[],
): Difference | undefined {
  return rows.find((row) =>
    (row.cases === nameOf(one) || new RegExp(row.cases).test(lineOf(one))) &&
    aspects.every((aspect) => row.aspects.includes(aspect))
  );
}
