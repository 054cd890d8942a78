// Pure: no I/O, no FFI.
// Checks one clause for probes whose arguments lie alike: its statements, and the functions of the
// script that stand in it. Types of maps and variables are taken as known so far and
// grow; check.ts walks until nothing does.

import type {
  AssignStmt,
  Block,
  Clause,
  Expr,
  FunctionDefinition,
  IfExpr,
  MapExpr,
  Stmt,
  TypeExpr,
  VariableExpr,
} from "../syntax/ast.ts";
import type { Span } from "../syntax/diagnostics.ts";
import type { Action, Arithmetic, Local, Node } from "../model/ir.ts";
import {
  INT64,
  isNumeric,
  NONE,
  tuple,
  type Type,
  typeName,
  UINT64,
  UNKNOWN,
} from "../model/types.ts";
import type { CheckedClause } from "./checked_program.ts";
import { broken, type Context, mapNode, type Shared } from "./context.ts";
import type { ProbeInfo } from "./expand.ts";
import { entry, expression, variableNode } from "./expressions.ts";
import { aggregation, checkArity, isAggregation } from "./functions/mod.ts";
import type { Sink } from "./maps.ts";
import { aggregateValue } from "./memory.ts";
import { binary, isConstant, isSignedOperation } from "./operators.ts";
import { type ClauseState, type FunctionUses, Variables } from "./variables.ts";
import { writtenType } from "./written_type.ts";

const MAX_UNROLL = 100n;
const MAX_INLINE = 20;
const NO_PROBE: ProbeInfo = { name: "", pbn: 0, args: [] };

/** See the head of this file. */
export class ClauseChecker implements Context {
  readonly maps: Context["maps"];
  readonly types: Context["types"];
  readonly config: Context["config"];
  readonly functions: Context["functions"];
  readonly environment: Context["environment"];
  readonly named: Context["named"];
  readonly parameters: Context["parameters"];
  readonly unsafe: boolean;
  readonly probeIsText: boolean;
  readonly probe: ProbeInfo;
  readonly #clause: Clause;
  readonly #probes: readonly ProbeInfo[];
  readonly #sink: Sink;
  readonly variables: Variables;
  /** Uses of functions, kept from one walk to the next. */
  readonly #uses: FunctionUses;
  #expansions: Span[] = [];
  #loops = 0;
  #calls: { definition: FunctionDefinition; result: Local }[] = [];

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
    this.variables = new Variables(state.locals);
    this.#uses = state.uses;
    this.#sink = sink;
  }

  run(): CheckedClause {
    const { predicate, body } = this.#clause;
    const condition = predicate && this.condition(predicate);
    const checked = this.block(body);
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
    const body: Action[] = [];
    let left = false;
    const reach = (span: Span) => {
      if (left) this.warning("unreachable", "Unreachable code", span);
      left = false;
    };
    for (const statement of block.body) {
      reach(statement.span);
      this.#statement(statement, body);
      left ||= this.#leaves(statement);
    }
    let value: Node | undefined;
    if (block.value !== undefined) {
      reach(block.value.span);
      if (wantsValue) value = this.any(block.value);
      else this.#statement({ kind: "expr", expr: block.value, span: block.value.span }, body);
    }
    return { body, value };
  }

  #leaves(statement: Stmt): boolean {
    if (["return", "break", "continue"].includes(statement.kind)) return true;
    return statement.kind === "expr" && statement.expr.kind === "call" &&
      statement.expr.name === "exit";
  }

  #statement(one: Stmt, out: Action[]): void {
    const { span } = one;
    switch (one.kind) {
      case "expr":
        return this.#expression(one.expr, one.quiet === true, out);
      case "assign":
        return this.#assign(one, out);
      case "let":
        return this.#let(one, out);
      case "while": {
        const condition = this.condition(one.condition);
        if (isConstant(condition) && condition.value === 0n) return;
        out.push({ op: "while", condition, body: this.#loop(one.body), span });
        return;
      }
      case "unroll": {
        const count = this.value(one.count);
        if (!isConstant(count)) {
          this.error("literal-expected", "unroll() expects a literal", one.count.span);
        } else if (count.value < 1n) {
          this.error("range", "unroll minimum value is 1", one.count.span);
        } else if (count.value > MAX_UNROLL) {
          this.error("range", `unroll maximum value is ${MAX_UNROLL}`, one.count.span);
        } else {
          const { body } = this.block(one.body);
          out.push({ op: "repeat", count: Number(count.value), body, span });
        }
        return;
      }
      case "for":
        return this.#for(one, out);
      case "break":
      case "continue":
        if (this.#loops === 0) {
          this.error("loop", `${one.kind} statement must be inside a loop`, span);
        }
        out.push({ op: one.kind, span });
        return;
      case "return":
        return this.#return(one.value, span, out);
      case "import":
        return; // what it would bring is built in
    }
  }

  #loop(block: Block): Action[] {
    this.#loops++;
    const { body } = this.block(block);
    this.#loops--;
    return body;
  }

  #for(one: Stmt & { kind: "for" }, out: Action[]): void {
    const { span, variable, over } = one;
    this.#checkShadowing(variable);
    this.variables.scoped(() => {
      if ("kind" in over) {
        if (over.keys.length > 0) {
          this.error("map-expected", "for loops go over whole maps", over.span);
        }
        const map = this.maps.get(over.name);
        if (map.keyed === false) {
          this.error(
            "map-expected",
            `${over.name} has no explicit keys (scalar map), and cannot be used for iteration`,
            over.span,
          );
        }
        const value = map.value?.kind === "aggregation"
          ? this.#number(map.name, over.span)
          : map.value;
        const local = this.variables.declare(
          variable,
          tuple([map.key ?? INT64, value ?? INT64]),
          true,
        );
        out.push({ op: "each", local, map, body: this.#loop(one.body), span });
        return;
      }
      const from = this.#bound(over.from);
      const to = this.#bound(over.to);
      const local = this.variables.declare(variable, INT64, true);
      out.push({ op: "range", local, from, to, body: this.#loop(one.body), span });
    });
  }

  /** What an entry of an aggregating map is in a loop. */
  #number(map: string, span: Span): Type {
    const node = mapNode(this.maps.get(map), undefined, UINT64, span) as Node & { op: "map" };
    const value = aggregateValue(node, span);
    if (value === undefined) {
      this.error("aggregation", `for loops cannot go over ${map}: its values are no numbers`, span);
    }
    return value?.type ?? UINT64;
  }

  #bound(expr: Expr): Node {
    const node = this.value(expr);
    if (isNumeric(node.type)) return node;
    this.error("type-mismatch", "Loop range requires an integer", expr.span);
    return broken(expr.span);
  }

  #return(value: Expr | undefined, span: Span, out: Action[]): void {
    const inside = this.#calls.at(-1);
    if (inside === undefined) {
      const node = value && this.value(value);
      if (node !== undefined && !isNumeric(node.type)) {
        this.error("type-mismatch", "return expects an integer in a probe", node.span);
      }
      out.push({ op: "return", value: node, span });
      return;
    }
    if (value !== undefined) {
      const node = this.variables.assigned(this, inside.result, this.value(value), value.span);
      out.push({ op: "assign", local: inside.result, value: node, span });
    }
    out.push({ op: "return", span });
  }

  #expression(expr: Expr, quiet: boolean, out: Action[]): void {
    if (expr.kind === "if") return this.#ifStatement(expr, out);
    if (expr.kind === "block") {
      out.push(...this.block(expr.block).body);
      return;
    }
    if (expr.kind === "ternary" && expr.then !== undefined) {
      // c ? f() : g()
      const condition = this.condition(expr.condition);
      const then: Action[] = [];
      const otherwise: Action[] = [];
      this.#expression(expr.then, true, then);
      this.#expression(expr.otherwise, true, otherwise);
      out.push({ op: "if", condition, then, otherwise, span: expr.span });
      return;
    }
    const node = this.any(expr);
    if (node.op === "delete" && !quiet) {
      out.push({ op: "remove", map: node.map, key: node.key, span: expr.span });
      return;
    }
    if (node.op === "block") {
      out.push(...node.body);
      if (node.type === NONE) return;
      out.push({ op: "evaluate", value: node.value, span: expr.span });
    } else {
      out.push({ op: "evaluate", value: node, span: expr.span });
    }
    const wrong = node.op === "constant" && expr.kind === "call"; // reported already
    const acts = expr.kind === "step" || node.op === "inline" || node.op === "block";
    if (!quiet && !wrong && !acts) {
      this.warning("discarded", "Return value discarded.", expr.span);
    }
  }

  #ifStatement(expr: IfExpr, out: Action[]): void {
    const condition = this.condition(expr.condition);
    if (expr.comptime && !isConstant(condition)) {
      this.error("comptime", "Unable to evaluate at compile time.", expr.condition.span);
    }
    if (isConstant(condition)) {
      const taken = condition.value !== 0n ? expr.then : expr.otherwise;
      // What cannot run is checked all the same, unless it was asked to be left out.
      if (!expr.comptime) {
        const other = condition.value !== 0n ? expr.otherwise : expr.then;
        if (other !== undefined) this.block(other);
      }
      if (taken !== undefined) out.push(...this.block(taken).body);
      return;
    }
    const then = this.block(expr.then).body;
    const otherwise = expr.otherwise === undefined ? [] : this.block(expr.otherwise).body;
    out.push({ op: "if", condition, then, otherwise, span: expr.span });
  }

  #let(one: Stmt & { kind: "let" }, out: Action[]): void {
    const { variable, span } = one;
    const type = one.type && this.type(one.type);
    const value = one.value && this.value(one.value);
    this.#checkShadowing(variable);
    const local = this.variables.declare(
      variable,
      type ?? value?.type ?? UNKNOWN,
      type !== undefined,
    );
    out.push({
      op: "assign",
      local,
      value: value && this.variables.assigned(this, local, value, one.value!.span),
      span,
    });
  }

  #checkShadowing({ name, span }: VariableExpr): void {
    if (this.variables.lookup(name) === undefined) return;
    this.error(
      "shadowing",
      `Variable ${name} was already declared. Variable shadowing is not allowed.`,
      span,
    );
  }

  #assign(one: AssignStmt, out: Action[]): void {
    const { target, value, operator, span } = one;
    if (target.kind === "map" && isAggregation(value)) {
      if (operator !== undefined) {
        this.error("aggregation", `${value.name}() can only be assigned with '='`, value.span);
      }
      if (!checkArity(this, value)) return;
      const key = this.key(target);
      const map = this.maps.get(target.name);
      const { type, value: aggregated } = aggregation(this, value);
      this.maps.assign(map, type, value.span, this);
      out.push({
        op: "aggregated",
        map,
        key,
        name: type.name,
        value: aggregated,
        span,
      });
      return;
    }
    if (operator !== undefined) return this.#compound(one, operator as Arithmetic, out);
    const node = this.value(value);
    if (target.kind === "map") {
      const key = this.key(target);
      const map = this.maps.get(target.name);
      this.maps.assign(map, node.type, value.span, this);
      out.push({ op: "store", map, key, value: node, span });
      return;
    }
    const local = this.variables.lookup(target.name) ??
      this.variables.declare(target, node.type, false);
    out.push({
      op: "assign",
      local,
      value: this.variables.assigned(this, local, node, value.span),
      span,
    });
  }

  #compound(one: AssignStmt, operator: Arithmetic, out: Action[]): void {
    const { target, value, span } = one;
    const right = this.value(value);
    if (target.kind === "map") {
      const key = this.key(target);
      const map = this.maps.get(target.name);
      const left = entry(this, target, key);
      const result = binary(this, operator, left, right, span);
      this.maps.assign(map, result.type, value.span, this);
      const signed = isSignedOperation(operator, left, right);
      out.push({ op: "change", map, key, operator, value: right, signed, span });
      return;
    }
    const left = variableNode(this, target);
    const result = binary(this, operator, left, right, span);
    const local = this.variables.lookup(target.name);
    if (local === undefined) return;
    out.push({
      op: "assign",
      local,
      value: this.variables.assigned(this, local, result, value.span),
      span,
    });
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
    this.maps.use(this.maps.get(expr.name), key, expr.span, this);
    return key;
  }

  // Expressions.

  value(expr: Expr): Node {
    const node = this.any(expr);
    if (node.type.kind !== "none") return node;
    this.error("no-value", `${describe(expr)} does not return a value`, expr.span);
    return broken(expr.span);
  }

  condition(expr: Expr): Node {
    const node = this.value(expr);
    if (isNumeric(node.type)) return node;
    this.error(
      "type-mismatch",
      `Invalid condition: expected an integer, a bool or a pointer, found '${typeName(node.type)}'`,
      expr.span,
    );
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
    const { params, body, name } = definition;
    if (
      this.#calls.some((one) => one.definition === definition) || this.#calls.length > MAX_INLINE
    ) {
      this.error("recursion", `${name}() calls itself, which BPF cannot`, span);
      return broken(span);
    }
    // Every use has variables of its own: also the same one inside different uses of another.
    const use = this.#uses.get(
      [name, ...this.#calls.map((one) => one.definition.name), span.start].join(),
    );
    const variables = this.variables;
    const resultType = definition.result && this.type(definition.result);
    const loops = this.#loops;
    this.#loops = 0;
    const inlined = variables.apart(use.locals, () => {
      const result = variables.temporary(use, resultType ?? use.locals.get(use)?.type ?? UNKNOWN);
      if (resultType !== undefined) variables.fix(result, resultType);
      const actions: Action[] = params.map((param, i) => {
        const type = this.type(param.type);
        const variable = use.param(i, param.name, span);
        const local = variables.declare(variable, type, true);
        const arg = args[i] ?? broken(span);
        return { op: "assign", local, value: variables.assigned(this, local, arg, arg.span), span };
      });
      this.#calls.push({ definition, result });
      const checked = variables.scoped(() => this.statements(body, true));
      this.#calls.pop();
      actions.push(...checked.body);
      const { value } = checked;
      if (value?.op === "block" && value.type.kind === "none") actions.push(...value.body);
      else if (value !== undefined && value.type.kind !== "none") {
        const kept = variables.assigned(this, result, value, value.span);
        actions.push({ op: "assign", local: result, value: kept, span });
      }
      return { actions, result };
    });
    this.#loops = loops;
    const { actions, result } = inlined;
    return { op: "inline", body: actions, result, type: result.type, span };
  }
}

function describe(expr: Expr): string {
  return expr.kind === "call" ? `${expr.name}()` : "This expression";
}
