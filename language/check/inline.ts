// Pure: no I/O, no FFI.
// Functions of the script: BPF has no stack for calls of any depth, so each use gets a copy of the body.

import type { FunctionDefinition } from "../syntax/ast.ts";
import type { Span } from "../syntax/diagnostics.ts";
import type { Action, Node } from "../model/ir.ts";
import { UNKNOWN } from "../model/types.ts";
import { assigned } from "./variable_types.ts";
import type { Context } from "./context.ts";
import { broken } from "./nodes.ts";

/** Most functions that stand inside each other. */
const MAX_INLINE = 20;

/** The body of a function in the place of a call. */
export function inline(
  context: Context,
  definition: FunctionDefinition,
  args: readonly Node[],
  span: Span,
): Node {
  const { params, body, name } = definition;
  if (
    context.flow.calls.some((one) => one.definition === definition) ||
    context.flow.calls.length > MAX_INLINE
  ) {
    context.error("recursion", `${name}() calls itself, which BPF cannot`, span);
    return broken(span);
  }
  // Every use has variables of its own: also the same one inside different uses of another.
  const use = context.flow.uses.get(
    [name, ...context.flow.calls.map((one) => one.definition.name), span.start].join(),
  );
  const variables = context.variables;
  const resultType = definition.result && context.type(definition.result);
  const loops = context.flow.loops;
  context.flow.loops = 0;
  const inlined = variables.apart(use.locals, () => {
    const result = variables.temporary(use, resultType ?? use.locals.get(use)?.type ?? UNKNOWN);
    if (resultType !== undefined) variables.fix(result, resultType);
    const actions: Action[] = params.map((param, i) => {
      const type = context.type(param.type);
      const variable = use.param(i, param.name, span);
      const local = variables.declare(variable, type, true);
      const arg = args[i] ?? broken(span);
      return { op: "assign", local, value: assigned(context, local, arg, arg.span), span };
    });
    context.flow.calls.push({ definition, result });
    const checked = variables.scoped(() => context.statements(body, true));
    context.flow.calls.pop();
    actions.push(...checked.body);
    const { value } = checked;
    if (value?.op === "block" && value.type.kind === "none") actions.push(...value.body);
    else if (value !== undefined && value.type.kind !== "none") {
      const kept = assigned(context, result, value, value.span);
      actions.push({ op: "assign", local: result, value: kept, span });
    }
    return { actions, result };
  });
  context.flow.loops = loops;
  const { actions, result } = inlined;
  return { op: "inline", body: actions, result, type: result.type, span };
}
