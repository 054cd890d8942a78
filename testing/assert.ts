// The few assertions that this module needs, without a package.

import { deepStrictEqual, ok } from "node:assert/strict";
import { errorCode } from "../core/errors.ts";

/** Fails if a condition does not hold. */
export function assert(condition: unknown, message?: string): asserts condition {
  ok(condition, message);
}

/** Fails if two values are not deeply equal. */
export function assertEquals(actual: unknown, expected: unknown, message?: string): void {
  deepStrictEqual(actual, expected, message);
}

/** Code of the error that a call throws; fails if the call throws none. */
export function codeOf(fn: () => unknown): string {
  try {
    fn();
  } catch (error) {
    const code = errorCode(error);
    if (code !== undefined) return code;
    throw error;
  }
  throw new Error("It should have thrown");
}
