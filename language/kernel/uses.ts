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
}

/** Looks over a clause. */
export function usesOf({ predicate, body }: CheckedClause): Uses {
  const uses: Uses = { counts: new Map(), depth: 0, context: false };
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
  const inner = LOOPS.includes(action.op) ? depth + 1 : depth;
  uses.depth = Math.max(uses.depth, inner);
  for (const value of Object.values(action) as unknown[]) seeValue(value, uses, inner);
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
