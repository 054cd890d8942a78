// Pure: no I/O, no FFI.
// Checks what a program asks for when it enables a probe. Types alone do not: requests come from
// JavaScript, from JSON and from arithmetic that has gone wrong.

import { DtError } from "../errors.ts";
import type { CaptureKind } from "./capture.ts";
import { PART_BYTES } from "./event_layout.ts";
import type { EnableRequest, EventFilter } from "./request.ts";

const VARIABLES: readonly unknown[] = ["pid", "tid", "tree"] satisfies EventFilter["variable"][];
const OPERATORS: readonly unknown[] = ["eq", "ne"] satisfies EventFilter["operator"][];
/** Greatest id of a process or thread: ids are int32 in the kernel. */
const MOST_ID = 2 ** 31 - 1;

/**
 * Checks a request before any provider sees the request.
 *
 * @param request The request, of which nothing is believed.
 * @param probe Full name of the probe, for messages.
 * @throws {DtError} EINVAL a state, a filter or a capture is none.
 */
export function checkRequest(request: EnableRequest, probe: string): void {
  const refuse = (what: string, given: unknown, expected: string): never => {
    throw new DtError(
      "EINVAL",
      `Cannot enable ${probe}: ${what} is ${shown(given)}, not ${expected}`,
      { operation: "enable", probe },
    );
  };
  const { states = [], filter, capture = {} } = request;
  const known = Object.keys(PART_BYTES);
  if (!Array.isArray(states)) refuse("the list of states", states, "an array");
  for (const state of states) {
    if (!known.includes(state)) refuse("a state", state, known.join(", "));
  }
  if (filter !== undefined) {
    const { variable, operator, value } = Object(filter) as EventFilter;
    if (!VARIABLES.includes(variable)) {
      refuse("the filter's variable", variable, VARIABLES.join(", "));
    }
    if (!OPERATORS.includes(operator)) {
      refuse("the filter's operator", operator, OPERATORS.join(", "));
    }
    if (variable === "tree" && operator !== "eq") refuse("the operator of tree", operator, "eq");
    if (!Number.isInteger(value) || value < 0 || value > MOST_ID) {
      refuse("the filter's value", value, `an integer from 0 to ${MOST_ID}`);
    }
  }
  for (const [name, kind] of Object.entries(Object(capture) as Record<string, unknown>)) {
    if (!isCapture(kind)) {
      refuse(`the capture of ${name}`, kind, "int, string, {string} or {bytes}");
    }
  }
}

function isCapture(kind: unknown): kind is CaptureKind {
  if (kind === "int" || kind === "string") return true;
  if (typeof kind !== "object" || kind === null) return false;
  const { string, bytes, upTo } = kind as Record<string, unknown>;
  if (typeof string === "number") return bytes === undefined && upTo === undefined;
  return typeof bytes === "number" && (upTo === undefined || typeof upTo === "string");
}

/** A value in a message: text in quotes, of anything else what JavaScript makes of it. */
function shown(value: unknown): string {
  if (typeof value === "string") return `'${value.slice(0, 40)}'`;
  return typeof value === "object" && value !== null ? "an object" : String(value);
}
