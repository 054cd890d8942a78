// Pure: no I/O, no FFI.
// Values and parts of maps as JSON, which has no bigints and no bytes. The same value always makes the same
// text, so texts of keys can be compared. What is read comes from a network: all of it is checked.

import {
  AGGREGATIONS,
  type AggregationType,
  aggregationWords,
  isAggregationName,
} from "../../language/model/aggregations.ts";
import type { MapPart } from "../../language/output/map_parts.ts";
import type { Value } from "../../language/output/values.ts";

/** JSON, as JSON.parse() makes it. */
export type Json = null | boolean | number | string | readonly Json[] | {
  readonly [name: string]: Json | undefined;
};

/** A message that does not say what it must. */
export class WireError extends Error {}

/** How deep values may be inside each other. */
const MOST_DEPTH = 32;
/** Most buckets of a histogram: more than the language allows. */
const MOST_WORDS = 1 << 16;

/** An integer: a number where that is exact, else its digits. */
export function integerToJson(value: bigint): Json {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}

/** Reads an integer of at most 64 bits. */
export function integerFromJson(json: Json | undefined): bigint {
  if (typeof json === "number" && Number.isSafeInteger(json)) return BigInt(json);
  if (typeof json === "string" && /^-?\d{1,20}$/.test(json)) {
    const value = BigInt(json);
    if (value >= -(1n << 63n) && value < 1n << 64n) return value;
  }
  throw new WireError(`expected an integer, not ${shown(json)}`);
}

/** Reads an object; names the wanted thing in the error. */
export function objectFromJson(json: Json | undefined, what: string): Record<string, Json> {
  if (typeof json === "object" && json !== null && !Array.isArray(json)) {
    return json as Record<string, Json>;
  }
  throw new WireError(`expected ${what}, not ${shown(json)}`);
}

/** Reads a list; names the wanted thing in the error. */
export function listFromJson(json: Json | undefined, what: string): readonly Json[] {
  if (Array.isArray(json)) return json;
  throw new WireError(`expected ${what}, not ${shown(json)}`);
}

/** Reads a text of at most so many characters. */
export function textFromJson(json: Json | undefined, what: string, most = 256): string {
  if (typeof json === "string" && json.length <= most) return json;
  throw new WireError(`expected ${what} of at most ${most} characters, not ${shown(json)}`);
}

/** Reads a whole number within bounds. */
export function countFromJson(json: Json | undefined, what: string, most: number): number {
  if (typeof json === "number" && Number.isInteger(json) && json >= 0 && json <= most) return json;
  throw new WireError(`expected ${what}, a whole number up to ${most}, not ${shown(json)}`);
}

/** The beginning of a text of JSON, for messages. */
function shown(json: Json | undefined): string {
  const text = JSON.stringify(json) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** A value of a script as JSON. */
export function valueToJson(value: Value | undefined): Json {
  switch (typeof value) {
    case "bigint": {
      const json = integerToJson(value);
      return typeof json === "number" ? json : { integer: json };
    }
    case "object":
      if (value === null) return null;
      if (value instanceof Uint8Array) return { bytes: value.toBase64() };
      if (Array.isArray(value)) return value.map(valueToJson);
      return {
        members: Object.entries(value).map(([name, one]) => [name, valueToJson(one)]),
      };
    case "undefined":
      return null;
    default:
      return value;
  }
}

/** A value of a script out of JSON. */
export function valueFromJson(json: Json | undefined, depth = 0): Value {
  if (depth > MOST_DEPTH) throw new WireError(`values are more than ${MOST_DEPTH} deep`);
  if (json === undefined) throw new WireError("a value is missing");
  if (typeof json === "number" && !Number.isSafeInteger(json)) {
    throw new WireError(`expected an integer, not ${json}`);
  }
  if (typeof json !== "object" || json === null) return json;
  if (Array.isArray(json)) return json.map((one) => valueFromJson(one, depth + 1));
  const { integer, bytes, members } = json as Record<string, Json>;
  if (integer !== undefined) {
    const value = integerFromJson(integer);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }
  if (typeof bytes === "string") {
    try {
      return Uint8Array.fromBase64(bytes);
    } catch {
      throw new WireError("bytes are not in base64");
    }
  }
  return Object.fromEntries(
    listFromJson(members, "the members of a record").map((one) => {
      const [name, value] = listFromJson(one, "a member");
      return [textFromJson(name, "a name"), valueFromJson(value, depth + 1)];
    }),
  );
}

/** A part of a map's value as JSON; buckets ascend. */
export function partToJson(part: MapPart): Json {
  switch (part.kind) {
    case "sum":
      return integerToJson(part.total);
    case "mean":
      return [integerToJson(part.count), integerToJson(part.total)];
    case "extreme":
      return part.value === undefined ? null : integerToJson(part.value);
    case "histogram":
      return [...part.counts].sort(([a], [b]) =>
        a === undefined || b !== undefined && a < b ? -1 : 1
      )
        .map((
          [low, count],
        ) => [low === undefined ? null : integerToJson(low), integerToJson(count)]);
    case "value":
      return valueToJson(part.value);
  }
}

/** What the parts of a map are, by its aggregation. */
export function partKind(rule: AggregationType | undefined): MapPart["kind"] {
  switch (rule?.name) {
    case "count":
    case "sum":
      return "sum";
    case "avg":
    case "stats":
      return "mean";
    case "min":
    case "max":
      return "extreme";
    case "hist":
    case "lhist":
      return "histogram";
    case undefined:
      return "value";
    default:
      throw new WireError(`values of ${rule!.name}() cannot be merged`);
  }
}

/** A part of a map's value out of JSON. */
export function partFromJson(rule: AggregationType | undefined, json: Json | undefined): MapPart {
  const kind = partKind(rule);
  switch (kind) {
    case "sum":
      return { kind, total: integerFromJson(json) };
    case "mean": {
      const [count, total] = listFromJson(json, "a count and a total");
      return { kind, count: integerFromJson(count), total: integerFromJson(total) };
    }
    case "extreme":
      return { kind, value: json === null ? undefined : integerFromJson(json) };
    case "histogram": {
      const counts = new Map<bigint | undefined, bigint>();
      for (const one of listFromJson(json, "buckets")) {
        const [low, count] = listFromJson(one, "a bucket");
        counts.set(low === null ? undefined : integerFromJson(low), integerFromJson(count));
      }
      return { kind, counts };
    }
    case "value":
      return { kind, value: valueFromJson(json) };
  }
}

/** How a map aggregates, as JSON; null for plain values. */
export function ruleToJson(rule: AggregationType | undefined): Json {
  if (rule === undefined) return null;
  return [rule.name, rule.signed, rule.params.map(integerToJson)];
}

/** How a map aggregates, out of JSON. */
export function ruleFromJson(json: Json | undefined): AggregationType | undefined {
  if (json === null) return undefined;
  const [name, signed, params] = listFromJson(json, "an aggregation");
  if (typeof name !== "string" || !isAggregationName(name) || typeof signed !== "boolean") {
    throw new WireError(`expected an aggregation, not ${shown(json)}`);
  }
  const numbers = listFromJson(params, "parameters").map(integerFromJson);
  const rule: AggregationType = { kind: "aggregation", name, signed, params: numbers };
  partKind(rule);
  const valid = name === "hist"
    ? numbers.length === 1 && numbers[0] >= 0n && numbers[0] <= 5n
    : name === "lhist"
    ? numbers.length === 3 && numbers[2] > 0n && numbers[1] > numbers[0]
    : numbers.length <= AGGREGATIONS[name].arity[1];
  if (!valid || aggregationWords(rule) > MOST_WORDS) {
    throw new WireError(`parameters of ${name}() are out of range`);
  }
  return rule;
}
