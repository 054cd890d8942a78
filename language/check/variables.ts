// Pure: no I/O, no FFI.
// Variables of one clause: scopes, types that grow with what is assigned, and what is kept of them
// from one walk to the next.

import type { VariableExpr } from "../syntax/ast.ts";
import type { Span } from "../syntax/diagnostics.ts";
import type { Local } from "../model/ir.ts";
import type { Type } from "../model/types.ts";

/** Variables by the syntax node that makes them: the same on every walk. */
export type Locals = Map<object, Local>;

/** Variables and uses of functions of one clause, kept from one walk to the next. */
export class ClauseState {
  /** Variables that the clause makes. */
  readonly locals: Locals = new Map();
  /** Uses of functions in the clause. */
  readonly uses: FunctionUses = new FunctionUses();
}

/** One use of a function of the script. */
class FunctionUse {
  readonly locals: Locals = new Map();
  readonly #params: VariableExpr[] = [];

  /** The variable that stands for a parameter: the same object on every walk. */
  param(index: number, name: string, span: Span): VariableExpr {
    return this.#params[index] ??= { kind: "variable", name, span };
  }
}

/** Uses of functions by where they stand. */
export class FunctionUses {
  readonly #uses = new Map<string, FunctionUse>();

  /** The use at a place, made when first asked for. */
  get(place: string): FunctionUse {
    let use = this.#uses.get(place);
    if (use === undefined) this.#uses.set(place, use = new FunctionUse());
    return use;
  }
}

/** Variables of one clause by scope, with types that grow with what is assigned. */
export class Variables {
  readonly #all: Locals;
  #locals: Locals;
  #scopes: Map<string, Local>[] = [new Map()];
  readonly #fixed = new Set<Local>();
  /** Variables that nothing has been assigned to so far, with their declarations. */
  readonly #unassigned = new Map<Local, Span>();

  /** @param locals Kept from one walk to the next. */
  constructor(locals: Locals) {
    this.#all = locals;
    this.#locals = locals;
  }

  /** Every variable of the clause. */
  all(): Local[] {
    return [...this.#all.values()];
  }

  /** Runs `inside` in a scope of its own. */
  scoped<T>(inside: () => T): T {
    this.#scopes.push(new Map());
    const result = inside();
    this.#scopes.pop();
    return result;
  }

  /** Runs `inside` without the variables around, with those of one use of a function. */
  apart<T>(locals: Locals, inside: () => T): T {
    const [outerScopes, outerLocals] = [this.#scopes, this.#locals];
    [this.#scopes, this.#locals] = [[new Map()], locals];
    const result = inside();
    [this.#scopes, this.#locals] = [outerScopes, outerLocals];
    // By themselves: another use of the function has others for the same syntax.
    for (const local of locals.values()) this.#all.set(local, local);
    return result;
  }

  /** The variable that a name means here. */
  lookup(name: string): Local | undefined {
    for (let i = this.#scopes.length - 1; i >= 0; i--) {
      const found = this.#scopes[i].get(name);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Names that mean something here. */
  names(): string[] {
    return this.#scopes.flatMap((scope) => [...scope.keys()]);
  }

  /** A variable that no script can name. */
  temporary(owner: object, type: Type): Local {
    let local = this.#locals.get(owner);
    if (local === undefined) this.#locals.set(owner, local = { name: "", type });
    local.type = type;
    return local;
  }

  /** A variable of the innermost scope; a fixed one keeps its type. */
  declare(variable: VariableExpr, type: Type, fixed: boolean): Local {
    let local = this.#locals.get(variable);
    if (local === undefined) this.#locals.set(variable, local = { name: variable.name, type });
    if (fixed) this.fix(local, type);
    this.#scopes.at(-1)!.set(variable.name, local);
    return local;
  }

  /** Notes a declaration without a value. */
  leaveUnassigned(local: Local, declaration: Span): void {
    this.#unassigned.set(local, declaration);
  }

  /** Notes that a variable is given a value. */
  markAssigned(local: Local): void {
    this.#unassigned.delete(local);
  }

  /** True if a variable is declared and has no value yet, in the order of the source. */
  isUnassigned(local: Local): boolean {
    return this.#unassigned.has(local);
  }

  /** Variables that the clause never assigns to, with their declarations. */
  get neverAssigned(): ReadonlyMap<Local, Span> {
    return this.#unassigned;
  }

  /** Gives a variable its type for good. */
  fix(local: Local, type: Type): void {
    local.type = type;
    this.#fixed.add(local);
  }

  /** True if assignments do not change the variable's type. */
  isFixed(local: Local): boolean {
    return this.#fixed.has(local);
  }
}
