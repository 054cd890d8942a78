// Pure: no I/O, no FFI.
// Looks over a clause before code is emitted: what is used more than once, how deep loops go.

import type { RegisterCall } from "../model/functions.ts";
import type { Action, Arm, Local, Node } from "../model/ir.ts";
import type { CheckedClause } from "../check/checked_program.ts";
import { contextKey, keptAs } from "./builtins.ts";

/** Facts about the values and loops of a clause. */
export interface Uses {
  /** How often each value that can be kept is used. */
  readonly counts: Map<string, number>;
  /** Levels of functions below the action's own. */
  depth: number;
  /** Whether it looks at the context. */
  context: boolean;
  /** Whether the clause writes records that are text. */
  prints: boolean;
  /** Statements of the clause with unroll() whose bodies become functions. */
  readonly rolled: Set<Action>;
}

/** Nodes of an unroll(), written out, from which on its body becomes a function: 10,000 instructions. */
const LONG = 3000;
/** Levels of functions that unroll() may make: the stack is divided among them. */
const ROLLED_DEPTH = 3;

/** Looks over a clause. */
export function usesOf({ predicate, body }: CheckedClause): Uses {
  const uses: Uses = {
    counts: new Map(),
    depth: 0,
    context: false,
    prints: false,
    rolled: new Set(),
  };
  if (predicate !== undefined) see(predicate, uses, 0);
  seeAll(body, uses, 0);
  return uses;
}

function seeAll(body: readonly Action[], uses: Uses, depth: number): void {
  uses.depth = Math.max(uses.depth, depth);
  for (const action of body) seeAction(action, uses, depth);
}

/** Statements that become functions of their own. */
const LOOPS: readonly string[] = ["while", "range", "each"];

function seeAction(action: Action, uses: Uses, depth: number): void {
  const rolls = action.op === "repeat" && depth < ROLLED_DEPTH && isLong(action);
  if (rolls) uses.rolled.add(action);
  uses.prints ||= action.op === "record" && !action.control;
  const inner = rolls || LOOPS.includes(action.op) ? depth + 1 : depth;
  uses.depth = Math.max(uses.depth, inner);
  for (const value of Object.values(action) as unknown[]) seeValue(value, uses, inner);
}

/** True for an unroll() that is long when written out and ends no loop around it. */
function isLong({ count, body }: Action & { op: "repeat" }): boolean {
  const { nodes, leaves } = sizeOf(body);
  return nodes * count > LONG && !leaves;
}

/** Number of nodes when unroll() is written out, and whether `break` or `continue` leads out of here. */
function sizeOf(value: unknown): { nodes: number; leaves: boolean } {
  if (typeof value !== "object" || value === null) return { nodes: 0, leaves: false };
  if (!Array.isArray(value) && !("op" in value) && !isArm(value)) {
    return { nodes: 0, leaves: false };
  }
  const op = "op" in value ? value.op : undefined;
  let nodes = 1;
  let leaves = op === "break" || op === "continue";
  for (const [name, one] of Object.entries(value)) {
    if (name === "type" || name === "map" || name === "local" || name === "result") continue;
    const inner = sizeOf(one);
    nodes += inner.nodes;
    leaves ||= inner.leaves;
  }
  if (op === "repeat") nodes *= (value as Action & { op: "repeat" }).count;
  return { nodes, leaves: leaves && !LOOPS.includes(op as string) };
}

function seeValue(value: unknown, uses: Uses, depth: number): void {
  if (Array.isArray(value)) {
    for (const one of value) seeValue(one, uses, depth);
  } else if (typeof value === "object" && value !== null && "op" in value) {
    if ("type" in value) see(value as Node, uses, depth);
    else seeAction(value as Action, uses, depth);
  } else if (isArm(value)) {
    see(value.condition, uses, depth);
    seeAll(value.then, uses, depth);
  }
}

function isArm(value: unknown): value is Arm {
  return typeof value === "object" && value !== null && "condition" in value && "then" in value;
}

/** Calls whose code may call a function for each byte. */
const CALLING: ReadonlySet<RegisterCall["name"]> = new Set(["strstr", "strncmp", "memcmp"]);

function see(node: Node, uses: Uses, depth: number): void {
  const key = node.op === "builtin" || node.op === "memory_builtin"
    ? keptAs(node.name)
    : node.op === "context"
    ? contextKey(node)
    : undefined;
  uses.context ||= node.op === "context" || node.op === "contexts" ||
    (node.op === "builtin" && node.name === "ctx");
  if (key !== undefined) uses.counts.set(key, (uses.counts.get(key) ?? 0) + 1);
  const calls = node.op === "len" ||
    (node.op === "call" && CALLING.has(node.name));
  uses.depth = Math.max(uses.depth, depth + (calls ? 1 : 0));
  for (const [name, value] of Object.entries(node)) {
    if (name !== "type" && name !== "map" && name !== "local" && name !== "result") {
      seeValue(value, uses, depth);
    }
  }
}

/** True if a variable is read or changed anywhere in an expression. */
export function mentions(node: Node, local: Local): boolean {
  const within = (value: unknown): boolean =>
    value === local || (Array.isArray(value) && value.some(within)) ||
    (isArm(value) && (within(value.condition) || within(value.then))) ||
    (typeof value === "object" && value !== null && "op" in value &&
      Object.entries(value).some(([name, one]) =>
        name !== "type" && name !== "map" && within(one)
      ));
  return within(node);
}
