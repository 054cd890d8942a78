// Pure: no I/O, no FFI.
// Checks what a program asks for when it enables a probe. Types alone do not: requests come from
// JavaScript, from JSON and from arithmetic that has gone wrong.

import { DtError } from "../errors.ts";
import type { CaptureKind } from "./capture.ts";
import { PART_BYTES } from "./event_layout.ts";
import type { CgroupFilter, EnableRequest, IdFilter, TreeFilter } from "./request.ts";

const VARIABLES: readonly unknown[] = ["pid", "tid"] satisfies IdFilter["variable"][];
const OPERATORS: readonly unknown[] = ["eq", "ne"] satisfies IdFilter["operator"][];
/** Greatest id of a process or thread: ids are int32 in the kernel. */
const MOST_ID = 2 ** 31 - 1;
const ID = `an integer from 0 to ${MOST_ID}`;

function isId(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MOST_ID;
}

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
  if (filter !== undefined && "descendantsOf" in Object(filter)) {
    const { descendantsOf } = filter as TreeFilter;
    if (!isId(descendantsOf)) refuse("the filter's process", descendantsOf, ID);
  } else if (filter !== undefined && "inCgroup" in Object(filter)) {
    const { inCgroup } = filter as CgroupFilter;
    if (typeof inCgroup !== "string" || inCgroup === "") {
      refuse("the filter's cgroup", inCgroup, "a path");
    }
  } else if (filter !== undefined) {
    const { variable, operator, value } = Object(filter) as IdFilter;
    if (!VARIABLES.includes(variable)) {
      refuse("the filter's variable", variable, VARIABLES.join(", "));
    }
    if (!OPERATORS.includes(operator)) {
      refuse("the filter's operator", operator, OPERATORS.join(", "));
    }
    if (!isId(value)) refuse("the filter's value", value, ID);
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
