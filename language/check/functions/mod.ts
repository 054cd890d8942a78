// Pure: no I/O, no FFI.
// All functions by name.

import type { CallExpr } from "../../syntax/ast.ts";
import { AGGREGATIONS, didYouMean, FUNCTIONS } from "../../model/names.ts";
import type { Node } from "../../model/ir.ts";
import { broken, type Context } from "../context.ts";
import { name, taskField } from "../names.ts";
import type { Handler } from "./arguments.ts";
import { MAPS } from "./maps.ts";
import { OUTPUT } from "./output.ts";
import { STRINGS } from "./strings.ts";
import { SYSTEM } from "./system.ts";
import { TYPES } from "./types.ts";

export { aggregation, isAggregation } from "./maps.ts";

const HANDLERS: Readonly<Record<string, Handler>> = {
  ...OUTPUT,
  ...STRINGS,
  ...MAPS,
  ...SYSTEM,
  ...TYPES,
};

/** `name(args)` */
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
  // Values can be written as calls: pid().
  if (expr.args.length === 0 && VALUES.has(expr.name)) return name(context, expr.name, span);
  if (expr.args.length === 1) {
    const field = TASK_VALUES.has(expr.name)
      ? taskField(context, expr.name, span, context.value(expr.args[0]))
      : undefined;
    if (field !== undefined) return field;
  }
  if (!checkArity(context, expr)) {
    for (const arg of expr.args) context.any(arg);
    return broken(span);
  }
  if (AGGREGATIONS.includes(expr.name)) {
    context.error(
      "aggregation",
      `${expr.name}() must be assigned directly to a map`,
      span,
      `@name = ${expr.name}(…)`,
    );
    return broken(span);
  }
  const handler = HANDLERS[expr.name];
  return handler(context, expr);
}

const VALUES = new Set(
  ("args ctx retval probe probetype func curtask pcomm ppid leader_comm leader_tid uid gid username " +
    "cpu ncpus numaid cgroup cpid has_cpid elapsed jiffies rand usermode config " +
    "arg0 arg1 arg2 arg3 arg4 arg5 arg6 arg7 arg8 arg9").split(" "),
);

/** Values that a task may be given for. */
const TASK_VALUES = new Set(["pcomm", "ppid", "leader_comm", "leader_tid"]);

/** Arity, and whether the function exists. */
function checkArity(context: Context, expr: CallExpr): boolean {
  const limits = Object.hasOwn(FUNCTIONS, expr.name) ? FUNCTIONS[expr.name] : undefined;
  if (limits === undefined || expr.name === "typeof") {
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
