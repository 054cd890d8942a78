// Pure: no I/O, no FFI.
// Functions on maps, and the aggregations.

import type { CallExpr, Expr, MapExpr } from "../../syntax/ast.ts";
import type { Local, MapVariable, Node } from "../../model/ir.ts";
import {
  type AggregationName,
  type AggregationType,
  isAggregationName,
  lhistBuckets,
  SERIES_FUNCTIONS,
  TSERIES_WORDS,
} from "../../model/aggregations.ts";
import { BOOL, INT64, isSigned, kindName, type Type, typeName, UINT64 } from "../../model/types.ts";
import type { Context } from "../context.ts";
import { assigned } from "../variable_types.ts";
import { broken, constant, mapNode } from "../nodes.ts";
import { reportUnstable } from "../config.ts";
import { type Handlers, literalNumber, literalText } from "./arguments.ts";

const MAX_LHIST_BUCKETS = 1000;
const MAX_TSERIES = 1_000_000;
/** A value of a per-CPU map has less than 32 KiB. */
const MAX_KEPT_INTERVALS = BigInt(32768 / 8 / TSERIES_WORDS - 1);

/** `f(@m, key)`, `f(@m[key])`, `f(@m)` of a scalar map: the entry that is meant. */
function entry(
  context: Context,
  call: CallExpr,
): { map: MapVariable; key?: Node } | undefined {
  const [first, second] = call.args;
  if (first.kind !== "map") {
    context.error("map-expected", `${call.name}() expects a map to be provided`, first.span);
    return undefined;
  }
  context.maps.read(context.maps.get(first.name), first.span);
  const target: MapExpr = second === undefined ? first : { ...first, keys: [second] };
  return { map: context.maps.get(first.name), key: context.key(target) };
}

function hasKey(context: Context, call: CallExpr): Node {
  const found = entry(context, call);
  if (found === undefined) return broken(call.span);
  if (found.key === undefined) {
    context.error(
      "map-expected",
      `call to ${call.name}() expects a map with explicit keys (non-scalar map)`,
      call.args[0].span,
    );
  }
  return { op: "has_key", ...found, type: BOOL, span: call.span };
}

function remove(context: Context, call: CallExpr): Node {
  const found = entry(context, call);
  if (found === undefined) return broken(call.span);
  return { op: "delete", ...found, type: BOOL, span: call.span };
}

/** find(@m, key, $v): true with the value in $v, if there is one. */
function find(context: Context, call: CallExpr): Node {
  const { span } = call;
  const [map, keyExpr, variable] = call.args;
  if (map.kind !== "map" || variable.kind !== "variable") {
    context.error("map-expected", "find() expects a map, a key and a variable", span);
    return broken(span);
  }
  const key = context.key({ ...map, keys: [keyExpr] });
  const known = context.maps.get(map.name);
  const type: Type = known.value === undefined || known.value.kind === "aggregation"
    ? UINT64
    : known.value;
  // What nobody can name afterwards is thrown away.
  const local: Local = context.variables.lookup(variable.name) ??
    context.variables.temporary(call, type);
  const value = assigned(context, local, mapNode(known, key, type, span), variable.span);
  return {
    op: "choose",
    condition: { op: "has_key", map: known, key, type: BOOL, span },
    then: {
      op: "block",
      body: [{ op: "assign", local, value, span }],
      value: constant(1n, BOOL, span),
      type: BOOL,
      span,
    },
    otherwise: constant(0n, BOOL, span),
    type: BOOL,
    span,
  };
}

/** Entries of a map, frames of a stack. */
function len(context: Context, call: CallExpr): Node {
  const { span } = call;
  const [first] = call.args;
  if (first.kind === "map") context.maps.read(context.maps.get(first.name), first.span);
  if (first.kind !== "map" || first.keys.length > 0) {
    const stack = context.value(first);
    if (stack.type.kind === "stack") {
      return { op: "call", name: "stack_len", stack, type: INT64, span };
    }
    context.error("map-expected", "call to len() expects a map, ustack, or kstack", first.span);
    return broken(span);
  }
  const map = context.maps.get(first.name);
  if (map.keyed === false && map.value?.kind === "stack") {
    const stack = mapNode(map, undefined, map.value, span);
    return { op: "call", name: "stack_len", stack, type: INT64, span };
  }
  if (map.keyed === false) {
    context.error(
      "map-expected",
      "call to len() expects a map with explicit keys (non-scalar map)",
      first.span,
    );
  }
  return { op: "len", map, type: INT64, span };
}

/** True for functions that aggregate. */
export function isAggregation(expr: Expr): expr is CallExpr & { name: AggregationName } {
  return expr.kind === "call" && isAggregationName(expr.name);
}

/** `count()` and the like: the type of the map that it is assigned to, and what is aggregated. */
export function aggregation(
  context: Context,
  call: CallExpr & { name: AggregationName },
): { type: AggregationType; value?: Node } {
  const { name } = call;
  const [first] = call.args;
  let value: Node | undefined;
  let signed = false;
  if (first !== undefined) {
    value = context.value(first);
    if (value.type.kind !== "integer") {
      const message = /hist$|tseries/.test(name)
        ? `${name}() only supports int arguments (${kindName(value.type)} provided)`
        : `${name}() only supports integer arguments (${typeName(value.type)} provided)`;
      context.error("type-mismatch", message, call.span);
      value = broken(first.span);
    }
    signed = isSigned(value.type);
  }
  const { params, inner } = PARAMETERS[name](context, call);
  return { type: { kind: "aggregation", name, signed, params, inner }, value };
}

/** What an aggregation is told beside the number that it aggregates. */
type Parameters = Pick<AggregationType, "params" | "inner">;

const none = (): Parameters => ({ params: [] });

/** Parameters of each aggregation, checked. */
const PARAMETERS: Readonly<
  Record<AggregationName, (context: Context, call: CallExpr) => Parameters>
> = {
  count: none,
  sum: none,
  min: none,
  max: none,
  avg: none,
  stats: none,
  hist: histBits,
  lhist: (context, call) => ({ params: lhistBounds(context, call) }),
  tseries,
};

function histBits(context: Context, call: CallExpr): Parameters {
  const bits = call.args.length > 1 ? literalNumber(context, call, 1) ?? 0n : 0n;
  if (bits >= 0n && bits <= 5n) return { params: [bits] };
  context.error("range", `hist: bits ${bits} must be 0..5`, call.span);
  return { params: [0n] };
}

function lhistBounds(context: Context, call: CallExpr): bigint[] {
  const [min, max, step] = ["min", "max", "step"].map((name, i) =>
    literalNumber(
      context,
      call,
      i + 1,
      `lhist: invalid ${name} value (must be non-negative literal)`,
    )
  );
  if (min === undefined || max === undefined || step === undefined) return [0n, 1n, 1n];
  let message: string | undefined;
  const range = max - min;
  if (step <= 0n) message = `lhist() step must be >= 1 (${step} provided)`;
  else if (min > max) {
    message = `lhist() min must be less than max (provided min ${min} and max ${max})`;
  } else if (step > range) {
    message = "lhist() step is too large for the given range (provided step " +
      `${step} for range ${range})`;
  } else if (lhistBuckets([min, max, step]) - 2 > MAX_LHIST_BUCKETS) {
    message = `lhist() too many buckets, must be <= ${MAX_LHIST_BUCKETS} (would need ` +
      `${lhistBuckets([min, max, step]) - 2})`;
  }
  if (message === undefined) return [min, max, step];
  context.error("range", message, call.span);
  return [0n, 1n, 1n];
}

function isSeriesFunction(name: string): name is NonNullable<AggregationType["inner"]> {
  return (SERIES_FUNCTIONS as readonly string[]).includes(name);
}

function tseries(
  context: Context,
  call: CallExpr,
): Parameters {
  reportUnstable(context.config.unstableTseries, "tseries", call.span, context);
  const wanted = (name: string) => `tseries: invalid ${name} value (must be non-negative literal)`;
  const interval = literalNumber(context, call, 1, wanted("interval_ns")) ?? 1n;
  const count = literalNumber(context, call, 2, wanted("num_intervals")) ?? 1n;
  const inner = call.args.length > 3 ? literalText(context, call, 3) ?? "last" : "last";
  if (interval < 1n) {
    context.error(
      "range",
      `tseries() interval_ns must be >= 1 (${interval} provided)`,
      call.span,
    );
  } else if (count < 1n || count > MAX_TSERIES) {
    context.error(
      "range",
      `tseries() num_intervals must be ${
        count < 1n ? ">= 1" : `<= ${MAX_TSERIES}`
      } (${count} provided)`,
      call.span,
    );
  } else if (count > MAX_KEPT_INTERVALS) {
    const message = `tseries() can keep ${MAX_KEPT_INTERVALS} intervals (${count} provided)`;
    context.error("range", message, call.span);
  } else if (!isSeriesFunction(inner)) {
    context.error(
      "range",
      `tseries() expects one of the following aggregation functions: avg, max, min, sum ` +
        `("${inner}" provided)`,
      call.span,
    );
  } else {
    return { params: [interval, count], inner };
  }
  return { params: [1n, 1n], inner: "last" };
}

/** The functions of this file that have a value. */
export const MAPS = {
  has_key: hasKey,
  delete: remove,
  find,
  len,
} satisfies Handlers;
