// Pure: no I/O, no FFI.
// Arguments of functions.

import type { CallExpr, Expr, MapExpr } from "../lang/ast.ts";
import { AGGREGATIONS, didYouMean, FUNCTIONS } from "../lang/builtins.ts";
import type { Span } from "../lang/diagnostics.ts";
import { type FormatPart, parseFormat } from "../lang/format.ts";
import {
  type AggregationName,
  type AggregationType,
  isNumeric,
  isScalar,
  lhistBuckets,
  string,
  type StringType,
  typeName,
  type ValueType,
} from "../lang/types.ts";
import type { MapTypes } from "./map_types.ts";

/** What checking a call needs of the clause around it. */
export interface CallContext {
  /** Maps of the program. */
  readonly maps: MapTypes;
  /** Settings that types depend on. */
  readonly options: { readonly maxStrlen: number };
  /** Checks an expression. */
  value(expr: Expr): ValueType;
  /** Checks the keys of a map. */
  keys(expr: MapExpr): ValueType[];
  /** Reports. */
  error(code: string, message: string, span: Span, hint?: string): void;
  /** Reports. */
  warning(code: string, message: string, span: Span, hint?: string): void;
}

const MAX_LHIST_BUCKETS = 1000;

/** True for functions that aggregate. */
export function isAggregation(name: string): name is AggregationName {
  return (AGGREGATIONS as readonly string[]).includes(name);
}

/** Arity, and whether the function exists. */
export function checkArity(context: CallContext, expr: CallExpr): boolean {
  const limits = FUNCTIONS[expr.name];
  if (limits === undefined) {
    const near = didYouMean(expr.name, Object.keys(FUNCTIONS));
    context.error(
      "unknown-function",
      `Unknown function: '${expr.name}'`,
      expr.span,
      near && `did you mean '${near}'?`,
    );
    return false;
  }
  const [minimum, maximum] = limits;
  const count = expr.args.length;
  if (count >= minimum && count <= maximum) return true;
  const wanted = minimum === maximum
    ? `${minimum} argument${minimum === 1 ? "" : "s"}`
    : count < minimum
    ? `at least ${minimum} argument${minimum === 1 ? "" : "s"}`
    : `up to ${maximum} argument${maximum === 1 ? "" : "s"}`;
  context.error("arity", `${expr.name}() requires ${wanted} (${count} provided)`, expr.span);
  return false;
}

/** `str(pointer[, length])` */
export function checkStr(context: CallContext, expr: CallExpr): StringType {
  const [pointer, length] = expr.args;
  const type = context.value(pointer);
  if (!isScalar(type) || type.kind === "probe") {
    context.error(
      "type-mismatch",
      `str() expects an integer or a pointer type as first argument (${typeName(type)} provided)`,
      pointer.span,
    );
  }
  const { maxStrlen } = context.options;
  if (length === undefined) return string(maxStrlen, true);
  const lengthType = context.value(length);
  if (!isNumeric(lengthType)) {
    context.error(
      "type-mismatch",
      `str() expects an integer as second argument (${typeName(lengthType)} provided)`,
      length.span,
    );
  }
  if (length.kind !== "integer") return string(maxStrlen, true);
  if (length.value < 1n) {
    context.error("range", "str() expects a length of at least 1", length.span);
    return string(8);
  }
  return length.value < BigInt(maxStrlen) ? string(Number(length.value)) : string(maxStrlen, true);
}

/** A call whose value is not used. */
export function checkCallStatement(context: CallContext, expr: CallExpr): void {
  if (isAggregation(expr.name) || expr.name === "str" || !checkArity(context, expr)) {
    context.value(expr);
    if (expr.name === "str") {
      context.warning("discarded", "Return value discarded.", expr.span);
    }
    return;
  }
  const [first, second] = expr.args;
  switch (expr.name) {
    case "printf":
      return checkPrintf(context, expr);
    case "print":
      return checkPrint(context, expr);
    case "exit":
      if (first !== undefined && !isNumeric(context.value(first))) {
        context.error("type-mismatch", "exit() expects an integer", first.span);
      }
      return;
    case "clear":
    case "zero":
      if (first.kind !== "map" || first.keys.length > 0) {
        context.error("map-expected", `${expr.name}() expects a map`, first.span);
      } else {
        context.maps.get(first.name);
      }
      return;
    case "delete": {
      if (first.kind !== "map") {
        context.error("map-expected", "delete() expects a map", first.span);
        return;
      }
      // delete(@m, k) is delete(@m[k]).
      const target = second === undefined ? first : { ...first, keys: [second] };
      const map = context.maps.get(first.name);
      const keys = context.keys(target);
      if (map.keys !== undefined || keys.length > 0) context.maps.unifyKeys(target, keys, context);
    }
  }
}

function checkPrint(context: CallContext, expr: CallExpr): void {
  const [first, top, div] = expr.args;
  for (const limit of [top, div]) {
    if (limit !== undefined && (limit.kind !== "integer" || limit.value < 0n)) {
      context.error("literal-expected", "print() expects positive numbers as limits", limit.span);
    }
  }
  if (first.kind === "map" && first.keys.length === 0) {
    const map = context.maps.get(first.name);
    if (top !== undefined && map.keys?.length === 0) {
      context.error("key-mismatch", `print(): ${first.name} has no keys to limit`, first.span);
    }
    return;
  }
  if (top !== undefined) {
    context.error("map-expected", "print() takes limits for a whole map only", top.span);
  }
  const map = first.kind === "map" ? context.maps.get(first.name) : undefined;
  if (map?.value?.kind === "aggregation" && first.kind === "map") {
    context.maps.unifyKeys(first, context.keys(first), context);
    return;
  }
  context.value(first);
}

function checkPrintf(context: CallContext, expr: CallExpr): void {
  const [format, ...values] = expr.args;
  const types = values.map((value) => context.value(value));
  if (format.kind !== "string") {
    context.error("literal-expected", "printf() expects a string literal as format", format.span);
    return;
  }
  const parts = parseFormat(format.value);
  if ("unknown" in parts) {
    context.error("format", `printf: Unknown format string token: ${parts.unknown}`, format.span);
    return;
  }
  const conversions = parts.filter((part: FormatPart) => typeof part !== "string");
  if (conversions.length !== values.length) {
    const relation = values.length < conversions.length ? "not enough" : "too many";
    context.error(
      "format",
      `printf: ${relation} arguments for format string (${values.length} supplied, ` +
        `${conversions.length} expected)`,
      expr.span,
    );
    return;
  }
  conversions.forEach(({ conversion }, i) => {
    if (conversion !== "s" && !isNumeric(types[i])) {
      context.error(
        "format",
        `printf: %${conversion} specifier expects a value of type integer ` +
          `(${typeName(types[i])} supplied)`,
        values[i].span,
      );
    }
  });
}

/** `count()` and the like: the type of the map that it is assigned to. */
export function checkAggregation(context: CallContext, expr: CallExpr): AggregationType {
  const name = expr.name as AggregationName;
  let signed = false;
  let params: bigint[] = [];
  if (checkArity(context, expr)) {
    const [value, ...bounds] = expr.args;
    if (value !== undefined) {
      const type = context.value(value);
      if (!isNumeric(type)) {
        context.error(
          "type-mismatch",
          `${name}() only supports integer arguments (${typeName(type)} provided)`,
          value.span,
        );
      }
      signed = type.kind === "integer" && type.signed;
    }
    if (name === "lhist") params = checkBounds(context, bounds);
  }
  return { kind: "aggregation", name, signed, params };
}

function checkBounds(context: CallContext, bounds: readonly Expr[]): bigint[] {
  const values = bounds.map((bound) => {
    if (bound.kind === "integer") return bound.value;
    context.error("literal-expected", "lhist() bounds must be literals", bound.span);
    return undefined;
  });
  const [min, max, step] = values;
  if (min === undefined || max === undefined || step === undefined) return [0n, 1n, 1n];
  let message: string | undefined;
  if (step <= 0n) message = `lhist() step must be >= 1 (${step} provided)`;
  else if (min > max) {
    message = `lhist() min must be less than max (provided min ${min} and max ${max})`;
  } else if (lhistBuckets([min, max, step]) - 2 > MAX_LHIST_BUCKETS) {
    message = `lhist() too many buckets, must be <= ${MAX_LHIST_BUCKETS} (would need ` +
      `${lhistBuckets([min, max, step]) - 2})`;
  }
  if (message === undefined) return [min, max, step];
  context.error("range", message, { start: bounds[0].span.start, end: bounds[2].span.end });
  return [0n, 1n, 1n];
}
