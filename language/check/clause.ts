// Pure: no I/O, no FFI.
// Checks one clause for probes whose arguments lie at the same places. Types of maps and variables are
// taken as they are known so far, and grow; check.ts walks all clauses until no type grows any more.
// The parts of the checker call each other through this class, so that their imports form no circle.

import type { Block, Clause, Expr, FunctionDefinition, MapExpr, TypeExpr } from "../syntax/ast.ts";
import type { Span } from "../syntax/diagnostics.ts";
import type { Action, Node } from "../model/ir.ts";
import { BOOL, isNumeric, kindName, tuple, type Type, UNKNOWN } from "../model/types.ts";
import { chain } from "../ctypes/scope.ts";
import type { CheckedClause } from "./checked_program.ts";
import type { Context, Flow, Shared } from "./context.ts";
import { append, broken, constant, warnOfCast } from "./nodes.ts";
import { programOf } from "./program.ts";
import type { ProbeInfo } from "./expand.ts";
import { expression } from "./expressions.ts";
import type { Sink } from "./maps.ts";
import { statements } from "./statements.ts";
import { assigned } from "./variable_types.ts";
import { type ClauseState, Variables } from "./variables.ts";
import { writtenType } from "./written_type.ts";

const NO_PROBE: ProbeInfo = { name: "", pbn: 0, args: [] };

/**
 * Checks that an error costs, also where the same error is told already: a function that is called often
 * has an error as often, and each looks for the name that was meant.
 */
const ERROR_COST = 100;

/** Checks one clause for probes whose arguments lie at the same places. */
export class ClauseChecker implements Context {
  /** Types of the script's maps, as far as they are known. */
  readonly maps: Context["maps"];
  /** C types that the clause may name. */
  readonly types: Context["types"];
  /** C types that the script itself defines. */
  readonly ownTypes: Context["ownTypes"];
  /** Budget of the script, which bounds how much there is to check. */
  readonly budget: Context["budget"];
  /** Settings of the script. */
  readonly config: Context["config"];
  /** Functions that the script defines, by name. */
  readonly functions: Context["functions"];
  /** Facts about the running system. */
  readonly environment: Context["environment"];
  /** Named parameters from the command line, by name. */
  readonly named: Context["named"];
  /** Named parameters that the program asks for. */
  readonly parameters: Context["parameters"];
  /** True if system() and the like are allowed. */
  readonly unsafe: boolean;
  /** True if `probe` is text, false if `probe` is a number. */
  readonly probeIsText: boolean;
  readonly probe: ProbeInfo;
  readonly #clause: Clause;
  readonly #probes: readonly ProbeInfo[];
  readonly #sink: Sink;
  readonly variables: Variables;
  readonly flow: Flow;
  #expansions: Span[] = [];

  constructor(
    shared: Shared,
    clause: Clause,
    probes: readonly ProbeInfo[],
    state: ClauseState,
    sink: Sink,
  ) {
    ({
      maps: this.maps,
      types: this.types,
      ownTypes: this.ownTypes,
      budget: this.budget,
      config: this.config,
      functions: this.functions,
      environment: this.environment,
      named: this.named,
      parameters: this.parameters,
      unsafe: this.unsafe,
      probeIsText: this.probeIsText,
    } = shared);
    this.#clause = clause;
    this.#probes = probes;
    this.probe = probes[0] ?? NO_PROBE;
    const program = programOf(this.probe, this.environment);
    if (program !== undefined) {
      const own = shared.ownTypes === undefined ? [] : [shared.ownTypes];
      this.types = chain(...own, program, shared.types);
    }
    this.variables = new Variables(state.locals);
    this.flow = { loops: 0, calls: [], uses: state.uses };
    this.#sink = sink;
  }

  /** Checks predicate and body of the clause. */
  run(): CheckedClause {
    const { predicate, body } = this.#clause;
    const slashes = predicate &&
      { start: predicate.span.start - 1, end: predicate.span.end + 1 };
    const condition = predicate && this.condition(predicate, slashes);
    const checked = this.block(body);
    for (const [{ name }, span] of this.variables.neverAssigned) {
      this.warning("unassigned", `Variable ${name} was never assigned to.`, span);
    }
    return {
      clause: this.#clause,
      probes: this.#probes,
      predicate: condition,
      body: checked.body,
      locals: this.variables.all(),
    };
  }

  get expansions(): readonly Span[] {
    return this.#expansions;
  }

  error(code: string, message: string, span: Span, hint?: string): void {
    this.budget.spend("checks", span, ERROR_COST);
    this.#sink.error(code, message, span, hint);
  }

  warning(code: string, message: string, span: Span, hint?: string): void {
    this.#sink.warning(code, message, span, hint);
  }

  // Blocks and statements.

  /** Statements of a block; its value, if there is one, becomes a statement too. */
  block(block: Block): { body: Action[]; value?: Node } {
    return this.variables.scoped(() => this.statements(block, false));
  }

  statements(block: Block, wantsValue: boolean): { body: Action[]; value?: Node } {
    return statements(this, block, wantsValue);
  }

  // Variables.

  type(written: TypeExpr): Type {
    return writtenType(this, written);
  }

  // Maps.

  rawKey(keys: readonly Expr[], span: Span): Node | undefined {
    if (keys.length === 0) return undefined;
    const nodes = keys.map((key) => this.value(key));
    if (nodes.length === 1) return nodes[0];
    return { op: "tuple", elements: nodes, type: tuple(nodes.map((one) => one.type)), span };
  }

  key(expr: MapExpr): Node | undefined {
    const key = this.rawKey(expr.keys, expr.span);
    const map = this.maps.get(expr.name);
    this.maps.use(map, key, expr.span, this);
    if (key !== undefined && map.key !== undefined) warnOfCast(this, key, map.key);
    return key;
  }

  // Expressions.

  value(expr: Expr): Node {
    const node = this.any(expr);
    if (node.type.kind !== "none") return node;
    this.error("no-value", `${describe(expr)} does not return a value`, expr.span);
    return broken(expr.span);
  }

  condition(expr: Expr, place = expr.span): Node {
    const node = this.any(expr);
    if (isNumeric(node.type) && node.op !== "aggregate") return node;
    // A literal is known to have a character or none.
    if (node.op === "text") return constant(node.value === "" ? 0n : 1n, BOOL, expr.span);
    const type = node.op === "aggregate" ? node.map.value! : node.type;
    this.error("type-mismatch", `Invalid condition: ${kindName(type)}`, place);
    return broken(expr.span);
  }

  any(expr: Expr): Node {
    return expression(this, expr);
  }

  /** Errors inside come from what stands at `span`. */
  expanding<T>(span: Span, inside: () => T): T {
    this.#expansions = [span, ...this.#expansions];
    const result = inside();
    this.#expansions = this.#expansions.slice(1);
    return result;
  }

  inline(definition: FunctionDefinition, args: readonly Node[], span: Span): Node {
    return inline(this, definition, args, span);
  }
}

function describe(expr: Expr): string {
  return expr.kind === "call" ? `${expr.name}()` : "This expression";
}

/** Most functions that stand inside each other. */
const MAX_INLINE = 20;

/** The body of a function in the place of a call: BPF has no stack for calls of any depth. */
function inline(
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
    append(actions, checked.body);
    const { value } = checked;
    if (value?.op === "block" && value.type.kind === "none") append(actions, value.body);
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
