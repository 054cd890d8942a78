// Pure: no I/O, no FFI.
// All functions by name, and the check of a call.

import type { CallExpr } from "../../syntax/ast.ts";
import { AGGREGATIONS, isAggregationName } from "../../model/aggregations.ts";
import { isBuiltin } from "../../model/builtins.ts";
import { type Arity, type FunctionName, FUNCTIONS, isFunction } from "../../model/functions.ts";
import { didYouMean } from "../../syntax/diagnostics.ts";
import type { Node } from "../../model/ir.ts";
import type { Context } from "../context.ts";
import { broken } from "../nodes.ts";
import { isTaskField, name, taskField } from "../names.ts";
import type { Handler } from "./arguments.ts";
import { MAPS } from "./maps.ts";
import { OUTPUT } from "./output.ts";
import { STRINGS } from "./strings.ts";
import { SYSTEM } from "./system.ts";
import { TYPES } from "./types.ts";

export { aggregation, isAggregation } from "./maps.ts";

const HANDLERS: Readonly<Record<FunctionName, Handler>> = {
  ...OUTPUT,
  ...STRINGS,
  ...MAPS,
  ...SYSTEM,
  ...TYPES,
};

/** The node of the call `name(args)`. */
export function call(context: Context, expr: CallExpr): Node {
  const { span } = expr;
  const defined = context.functions.get(expr.name);
  if (defined !== undefined) {
    if (defined.params.length !== expr.args.length) {
      const wanted = defined.params.length;
      context.error(
        "arity",
        `${expr.name}() requires ${wanted} argument${wanted === 1 ? "" : "s"} ` +
          `(${expr.args.length} provided)`,
        span,
      );
    }
    return context.inline(defined, expr.args.map((arg) => context.value(arg)), span);
  }
  // Values can be written as calls: uid().
  const isValue = isBuiltin(expr.name) && !["args", "ctx"].includes(expr.name);
  if (expr.args.length === 0 && isValue && !isFunction(expr.name)) {
    return name(context, expr.name, span);
  }
  if (expr.args.length === 1 && isTaskField(expr.name)) {
    return taskField(context, expr.name, span, context.value(expr.args[0]));
  }
  if (!isAvailable(context, expr)) return broken(span);
  if (!isAggregationName(expr.name) && !checkArity(context, expr)) return broken(span);
  if (!isFunction(expr.name)) {
    context.error(
      "aggregation",
      `${expr.name}() must be assigned directly to a map`,
      span,
      `@name = ${expr.name}(…)`,
    );
    return broken(span);
  }
  return HANDLERS[expr.name](context, expr);
}

/** Functions that only probes with a certain context have; told before their arguments are. */
function isAvailable(context: Context, { name, span }: CallExpr): boolean {
  if (!["reg", "skboutput", "socket_cookie"].includes(name) || !context.probe.special) return true;
  const [type] = context.probe.name.split(":");
  context.error("not-here", `${name} can not be used with "${type}" probes`, span);
  return false;
}

/** Names that a call may be a spelling mistake of; typeof() is no function but part of a type. */
const CALLED_NAMES = [...Object.keys(FUNCTIONS), "typeof", ...Object.keys(AGGREGATIONS)];

function arityOf(name: string): Arity | undefined {
  if (isFunction(name)) return FUNCTIONS[name];
  return isAggregationName(name) ? AGGREGATIONS[name].arity : undefined;
}

/** Reports a function that does not exist, or a wrong number of arguments; their own errors then, too. */
export function checkArity(context: Context, expr: CallExpr): boolean {
  if (hasArity(context, expr)) return true;
  for (const arg of expr.args) context.any(arg);
  return false;
}

function hasArity(context: Context, expr: CallExpr): boolean {
  const limits = arityOf(expr.name);
  if (limits === undefined) {
    const near = didYouMean(expr.name, CALLED_NAMES);
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
  const { name, span } = expr;
  if (LIBRARY_FUNCTIONS.includes(name)) {
    const message = `Call to ${name}() has arguments that do not match any definition.`;
    context.error("arity", message, span);
    return false;
  }
  const wanted = minimum === maximum
    ? `requires ${argumentCount(minimum)}`
    : count < minimum
    ? `requires at least ${argumentCount(minimum)}`
    : `takes up to ${argumentCount(maximum)}`;
  context.error("arity", `${name}() ${wanted} (${count} provided)`, span);
  return false;
}

function argumentCount(count: number): string {
  return `${["no", "one"][count] ?? count} argument${count === 1 ? "" : "s"}`;
}

/** Functions that are macros of a library in bpftrace, chosen by their arguments. */
const LIBRARY_FUNCTIONS: readonly string[] = [
  ...["assert", "static_assert", "strcontains", "strstr", "str_concat", "strlen", "strcap"],
  ...["memcmp", "strerror", "signal_name", "syscall_name", "signal", "signal_thread", "override"],
  ...["write_user", "len", "has_key", "find", "delete", "container_of", "uaddr"],
  ...["is_ptr", "is_array", "is_str", "is_integer", "is_unsigned_integer", "is_literal", "is_err"],
  ...["kfunc_exist", "kfunc_allowed"],
];
