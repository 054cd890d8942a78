// Pure: no I/O, no FFI.
// Types: of every expression, variable and map. Maps and variables take the widest type that any
// assignment gives them, so the program is walked until nothing grows, then once more to report.

import type { CallExpr, Expr, MapExpr, Stmt } from "../lang/ast.ts";
import type { Diagnostics, Span } from "../lang/diagnostics.ts";
import { ARGUMENT_NAME, ARGUMENT_TYPE, BUILTINS, didYouMean, NAMES } from "../lang/builtins.ts";
import {
  arithmeticType,
  BOOL,
  INT64,
  integer,
  isNumeric,
  literalType,
  type MapType,
  PROBE,
  string,
  typeName,
  UINT64,
  UNKNOWN,
  type ValueType,
  widen,
} from "../lang/types.ts";
import { parseCType } from "../../../core/c_type.ts";
import {
  type CallContext,
  checkAggregation,
  checkArity,
  checkCallStatement,
  checkStr,
  isAggregation,
} from "./calls.ts";
import type { ExpandedClause, ProbeInfo } from "./expand.ts";
import { MapTypes, type Sink } from "./map_types.ts";
import { operandTypes } from "./signedness.ts";

/** A clause for probes whose arguments lie alike. */
export interface CheckedClause {
  /** The clause with its probes: those of this variant. */
  readonly clause: ExpandedClause["clause"];
  /** Probes. */
  readonly probes: readonly ProbeInfo[];
  /** Type of each expression. */
  readonly types: ReadonlyMap<Expr, ValueType>;
  /** Type of each variable. */
  readonly variables: ReadonlyMap<string, ValueType>;
}

/** A program whose types are known. */
export interface CheckedProgram {
  /** In source order; the variants of one clause follow each other. */
  readonly clauses: readonly CheckedClause[];
  /** By name, sorted. */
  readonly maps: ReadonlyMap<string, MapType>;
}

/** Settings that types depend on. */
export interface CheckOptions {
  /** Most bytes of a string from str(). */
  readonly maxStrlen: number;
}

/** Checks all clauses; what it finds wrong goes to `diagnostics`. */
export function check(
  clauses: readonly ExpandedClause[],
  diagnostics: Diagnostics,
  options: CheckOptions,
): CheckedProgram {
  const maps = new MapTypes();
  const variants = clauses.flatMap((clause) => splitByArguments(clause));
  const variables = variants.map(() => new Map<string, ValueType>());
  const silent = { error() {}, warning() {} };
  let checked: CheckedClause[] = [];
  // Types only grow, and from a handful of sizes: a few rounds reach the end.
  const grow = () => {
    for (let before = ""; before !== snapshot(maps, variables);) {
      before = snapshot(maps, variables);
      variants.forEach((variant, i) =>
        new ClauseChecker(variant, maps, variables[i], silent, options).run()
      );
    }
  };
  grow();
  maps.settle();
  for (const types of variables) {
    for (const [name, type] of types) if (type === UNKNOWN) types.set(name, INT64);
  }
  grow();
  checked = variants.map((variant, i) =>
    new ClauseChecker(variant, maps, variables[i], diagnostics, options).run()
  );
  return { clauses: checked, maps: maps.finish() };
}

function snapshot(maps: MapTypes, variables: readonly Map<string, ValueType>[]) {
  return JSON.stringify(
    [maps.snapshot(), variables.map((one) => [...one])],
    (_key, value) => typeof value === "bigint" ? `${value}` : value,
  );
}

/** One variant per kind of arguments, if the clause looks at them at all. */
function splitByArguments({ clause, probes }: ExpandedClause): ExpandedClause[] {
  if (probes.length < 2 || !usesArguments(clause.predicate, clause.body)) {
    return [{ clause, probes }];
  }
  const groups = Map.groupBy(probes, ({ args, retval }) => JSON.stringify([args, retval]));
  return [...groups.values()].map((group) => ({ clause, probes: group }));
}

function usesArguments(predicate: Expr | undefined, body: readonly Stmt[]): boolean {
  const text = JSON.stringify(
    [predicate, body],
    (_key, value) => typeof value === "bigint" ? `${value}` : value,
  );
  return /"name":"(args|retval|arg[0-9])"/.test(text);
}

class ClauseChecker implements CallContext {
  readonly #variant: ExpandedClause;
  readonly maps: MapTypes;
  readonly #variables: Map<string, ValueType>;
  readonly #diagnostics: Sink;
  readonly options: CheckOptions;
  readonly #types = new Map<Expr, ValueType>();
  /** Assigned so far on this walk. */
  readonly #assigned = new Set<string>();

  constructor(
    variant: ExpandedClause,
    maps: MapTypes,
    variables: Map<string, ValueType>,
    diagnostics: Sink,
    options: CheckOptions,
  ) {
    this.#variant = variant;
    this.maps = maps;
    this.#variables = variables;
    this.#diagnostics = diagnostics;
    this.options = options;
  }

  run(): CheckedClause {
    const { clause, probes } = this.#variant;
    if (clause.predicate !== undefined) this.#condition(clause.predicate);
    this.#block(clause.body);
    return { clause, probes, types: this.#types, variables: this.#variables };
  }

  #block(body: readonly Stmt[]): void {
    let left: Span | undefined;
    for (const statement of body) {
      if (left !== undefined) {
        this.warning("unreachable", "Unreachable code", statement.span);
        left = undefined;
      }
      this.#statement(statement);
      if (statement.kind === "expr" && isCall(statement.expr, "exit")) left = statement.span;
    }
  }

  #statement(one: Stmt): void {
    switch (one.kind) {
      case "expr":
        if (one.expr.kind === "call") checkCallStatement(this, one.expr);
        else this.#discard(one.expr);
        return;
      case "if":
        this.#condition(one.condition);
        this.#block(one.then);
        this.#block(one.otherwise);
        return;
      case "assign": {
        const { target, value, operator } = one;
        if (target.kind === "map" && value.kind === "call" && isAggregation(value.name)) {
          if (operator !== undefined) {
            this.error(
              "aggregation",
              `${value.name}() can only be assigned with '='`,
              value.span,
            );
          }
          const keys = this.keys(target);
          this.maps.assign(target, keys, checkAggregation(this, value), {
            span: value.span,
            sink: this,
          });
          return;
        }
        let type = this.value(value);
        if (operator !== undefined) {
          const before = target.kind === "map"
            ? this.#mapRead(target)
            : this.#variable(target, value);
          type = this.#operands(before, type, operator, one.span);
        }
        if (target.kind === "map") {
          this.maps.assign(target, this.keys(target), type, { span: value.span, sink: this });
        } else {
          this.#assignVariable(target.name, type, value.span);
        }
      }
    }
  }

  #discard(expr: Expr): void {
    this.value(expr);
    if (expr.kind !== "step") {
      this.warning("discarded", "Return value discarded.", expr.span);
    }
  }

  #assignVariable(name: string, type: ValueType, span: Span): void {
    this.#assigned.add(name);
    const before = this.#variables.get(name);
    const wide = before === undefined ? type : widen(before, type);
    if (wide === undefined) {
      this.error(
        "type-mismatch",
        `Type mismatch for ${name}: trying to assign value of type '${typeName(type)}' when ` +
          `variable already has a type '${typeName(before!)}'`,
        span,
      );
    } else {
      this.#variables.set(name, wide);
    }
  }

  keys(expr: MapExpr): ValueType[] {
    return expr.keys.map((key) => {
      const type = this.value(key);
      // Literals of different widths make one kind of key.
      return type.kind === "integer" && type !== UNKNOWN ? integer(8, type.signed) : type;
    });
  }

  #mapRead(expr: MapExpr): ValueType {
    const keys = this.keys(expr);
    const map = this.maps.get(expr.name);
    this.maps.unifyKeys(expr, keys, this);
    const { value } = map;
    if (value?.kind === "aggregation") {
      this.error(
        "aggregation",
        `${expr.name} holds a ${value.name}(): it can be printed, cleared and zeroed, not read in ` +
          `an expression`,
        expr.span,
      );
      return UINT64;
    }
    return this.#note(expr, value ?? UNKNOWN);
  }

  #variable(expr: Expr & { kind: "variable" }, at: { span: Span }): ValueType {
    const type = this.#variables.get(expr.name);
    if (!this.#assigned.has(expr.name)) {
      const near = didYouMean(expr.name, this.#assigned);
      this.error(
        "undefined-variable",
        `Undefined or undeclared variable: ${expr.name}`,
        expr.span ?? at.span,
        near && `did you mean ${near}?`,
      );
    }
    return this.#note(expr, type ?? INT64);
  }

  #condition(expr: Expr): void {
    const type = this.value(expr);
    if (!isNumeric(type)) {
      this.error(
        "type-mismatch",
        `Invalid condition: expected an integer, a bool or a pointer, found '${typeName(type)}'`,
        expr.span,
      );
    }
  }

  /** Type of an expression, remembered for the code generator. */
  value(expr: Expr): ValueType {
    return this.#note(expr, this.#infer(expr));
  }

  #note<T extends ValueType>(expr: Expr, type: T): T {
    this.#types.set(expr, type);
    return type;
  }

  #infer(expr: Expr): ValueType {
    switch (expr.kind) {
      case "integer":
        return literalType(expr.value);
      case "bool":
        return BOOL;
      case "string":
        return string(expr.value.length + 1);
      case "name":
        return this.#name(expr.name, expr.span);
      case "variable":
        return this.#variable(expr, expr);
      case "map":
        return this.#mapRead(expr);
      case "field":
        return this.#field(expr);
      case "index":
        return this.#index(expr);
      case "call":
        return this.#callValue(expr);
      case "unary": {
        const type = this.value(expr.operand);
        if (expr.operator === "!") {
          this.#condition(expr.operand);
          return BOOL;
        }
        if (!isNumeric(type)) this.#notNumeric(expr.operator, type, expr.span);
        return expr.operator === "-" ? INT64 : UINT64;
      }
      case "step": {
        const { target } = expr;
        if (target.kind === "map") {
          const keys = this.keys(target);
          this.maps.assign(target, keys, INT64, { span: expr.span, sink: this });
          return this.#mapRead(target);
        }
        const type = this.#variable(target, expr);
        if (!isNumeric(type)) this.#notNumeric(expr.operator, type, expr.span);
        this.#assignVariable(target.name, INT64, expr.span);
        return type;
      }
      case "binary": {
        const [left, right] = operandTypes(expr, this.value(expr.left), this.value(expr.right));
        const probe = [left, right].some(({ kind }) => kind === "probe");
        const other = left.kind === "probe" ? expr.right : expr.left;
        if (probe && other.kind !== "string" && !(left.kind === right.kind)) {
          this.error(
            "type-mismatch",
            "probe can only be compared with a string literal or with probe",
            expr.span,
          );
        }
        return this.#operands(left, right, expr.operator, expr.span);
      }
      case "ternary": {
        this.#condition(expr.condition);
        const then = this.value(expr.then ?? expr.condition);
        const otherwise = this.value(expr.otherwise);
        const type = widen(then, otherwise);
        if (type === undefined) {
          this.error(
            "type-mismatch",
            `Ternary operator must return the same type: have '${typeName(then)}' and ` +
              `'${typeName(otherwise)}'`,
            expr.span,
          );
        }
        return type ?? then;
      }
    }
  }

  #operands(left: ValueType, right: ValueType, operator: string, span: Span): ValueType {
    if (operator === "==" || operator === "!=") {
      const texts = [left, right].filter((type) => type.kind === "string" || type.kind === "probe");
      if (texts.length === 2) return BOOL;
    }
    if (!isNumeric(left) || !isNumeric(right)) {
      this.error(
        "type-mismatch",
        `Type mismatch for '${operator}': comparing or computing '${typeName(left)}' with ` +
          `'${typeName(right)}'`,
        span,
      );
    }
    switch (operator) {
      case "==":
      case "!=":
      case "<":
      case ">":
      case "<=":
      case ">=":
      case "&&":
      case "||":
        return BOOL;
      case "-":
        return INT64;
      case "<<":
      case ">>":
        return arithmeticType(left, left);
      default:
        return arithmeticType(left, right);
    }
  }

  #notNumeric(operator: string, type: ValueType, span: Span): void {
    this.error(
      "type-mismatch",
      `The '${operator}' operator can not be used on expressions of type '${typeName(type)}'`,
      span,
    );
  }

  #name(name: string, span: Span): ValueType {
    const builtin = BUILTINS[name];
    if (builtin !== undefined) return builtin;
    if (name === "probe") return PROBE;
    if (name === "retval") {
      const { retval } = this.#probe();
      if (retval === undefined) this.#notHere(name, span);
      return cValue(retval ?? "long");
    }
    const argument = ARGUMENT_NAME.exec(name);
    if (argument !== null) {
      const found = this.#probe().args.some((arg) =>
        arg.at === name || elementOf(arg, name) !== undefined
      );
      if (!found) this.#notHere(name, span);
      return ARGUMENT_TYPE;
    }
    if (name === "args") {
      this.error("args", "args must be followed by the name of an argument: args.NAME", span);
      return UINT64;
    }
    const near = didYouMean(name, NAMES);
    this.error(
      "unknown-name",
      `Unknown identifier: '${name}'`,
      span,
      near && `did you mean '${near}'?`,
    );
    return UINT64;
  }

  #probe(): ProbeInfo {
    return this.#variant.probes[0] ?? { name: "", pbn: 0, args: [] };
  }

  #notHere(name: string, span: Span): void {
    if (this.#variant.probes.length === 0) return; // already reported: no match
    this.error("not-here", `The ${name} builtin is not available in ${this.#probe().name}`, span);
  }

  #field(expr: Expr & { kind: "field" }): ValueType {
    if (expr.object.kind !== "name" || expr.object.name !== "args") {
      const type = this.value(expr.object);
      this.error(
        "no-fields",
        `Can not access field '${expr.field}' of a '${typeName(type)}'`,
        expr.span,
      );
      return UINT64;
    }
    const { args, name } = this.#probe();
    const arg = args.find((one) => one.name === expr.field);
    if (arg === undefined && this.#variant.probes.length > 0) {
      const names = args.map((one) => one.name);
      const near = didYouMean(expr.field, names);
      this.error(
        "unknown-field",
        `${name} does not have an argument named '${expr.field}'`,
        expr.span,
        near !== undefined
          ? `did you mean '${near}'?`
          : `its arguments: ${names.join(", ") || "none"}`,
      );
    }
    if (arg?.count !== undefined) {
      this.error("array", `args.${expr.field} is an array: use args.${expr.field}[N]`, expr.span);
    }
    return cValue(arg?.type ?? "long");
  }

  #index(expr: Expr & { kind: "index" }): ValueType {
    const { object, index } = expr;
    const arg = object.kind === "field" && object.object.kind === "name" &&
        object.object.name === "args"
      ? this.#probe().args.find((one) => one.name === object.field)
      : undefined;
    if (arg?.count === undefined) {
      const type = this.value(object);
      this.error("not-an-array", `Can not index a '${typeName(type)}'`, expr.span);
      return UINT64;
    }
    if (index.kind !== "integer") {
      this.error("index", "The index must be a constant number", index.span);
    } else if (index.value < 0n || index.value >= BigInt(arg.count)) {
      this.error(
        "index",
        `the index ${index.value} is out of bounds for array of size ${arg.count}`,
        index.span,
      );
    }
    return cValue(arg.type);
  }

  #callValue(expr: CallExpr): ValueType {
    if (!checkArity(this, expr)) {
      expr.args.forEach((arg) => this.value(arg));
      return UINT64;
    }
    if (expr.name === "str") return checkStr(this, expr);
    if (isAggregation(expr.name)) {
      this.error(
        "aggregation",
        `${expr.name}() must be assigned directly to a map`,
        expr.span,
        `@name = ${expr.name}(…)`,
      );
    } else {
      this.error("no-value", `${expr.name}() does not return a value`, expr.span);
    }
    return UINT64;
  }

  error(code: string, message: string, span: Span, hint?: string): void {
    this.#diagnostics.error(code, message, span, hint);
  }

  warning(code: string, message: string, span: Span, hint?: string): void {
    this.#diagnostics.warning(code, message, span, hint);
  }
}

function isCall(expr: Expr, name: string): boolean {
  return expr.kind === "call" && expr.name === name;
}

/** The location name of element N of an array argument, if `argN` is one. */
function elementOf(arg: ProbeInfo["args"][number], name: string): string | undefined {
  if (arg.count === undefined) return undefined;
  const first = Number(arg.at.slice(3));
  const wanted = Number(name.slice(3));
  return wanted >= first && wanted < first + arg.count ? name : undefined;
}

function cValue(text: string): ValueType {
  const type = parseCType(text);
  return type.pointee !== undefined
    ? { kind: "pointer", to: type.pointee }
    : integer(type.size, type.signed);
}
