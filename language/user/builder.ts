// Pure: no I/O, no FFI.
// What the parts of the interpreter share. A script is made into closures once. The closures see the
// event at hand through `state`; values that do not fit a bigint lie in `scratch`, each at a place of its
// own. Functions of a script are copied to where they are called and nothing calls itself, so all places
// are known before the first event.
//
// Scalars are signed 64-bit bigints, whatever their type: the bits are the code generator's.

import type { Outcome } from "../../core/contract/outcome.ts";
import type { UserEvent, UserSite } from "../../core/contract/user_action.ts";
import type { Local, MapVariable, Node } from "../model/ir.ts";
import type { LoadOptions } from "../model/loaded_script.ts";
import type { Span } from "../syntax/diagnostics.ts";
import { type MapType, words } from "../model/types.ts";
import { Memory } from "../model/memory.ts";
import type { Clock, Plans } from "../model/plan.ts";
import type { Config } from "../check/config.ts";
import type { MapLayout } from "../model/map_layout.ts";
import type { UserMap } from "./user_map.ts";
import type { Records } from "./records.ts";
import type { Stacks } from "./stacks.ts";

/** A value that fits a register. */
export type Scalar = () => bigint;
/** Does something that gives no value: stores a value in memory, for example. */
export type Effect = () => void;

/** How a statement ended. */
export const FLOW = { next: 0, break: 1, continue: 2, return: 3, leave: 4 } as const;

/** One of {@linkcode FLOW}'s values. */
export type Flow = typeof FLOW[keyof typeof FLOW];

/** A statement as a closure: tells how the statement ended. */
export type Step = () => Flow;

/** Leaves an expression whose statements ended early; thrown, and made once for each way. */
export class Jump {
  constructor(readonly flow: Flow) {}
}

/** One {@linkcode Jump} for each value of {@linkcode FLOW}, by that value. */
export const JUMPS: readonly Jump[] = Object.values(FLOW).map((flow) => new Jump(flow));

/** The event at hand. */
export interface State {
  /** Event that the actions run for. */
  event: UserEvent;
  /** Number of the probe that fired. */
  pbn: number;
  /** What the session offers to the actions. */
  site: UserSite;
  /** Outcome of the actions so far. */
  outcome: Outcome;
  /** Loops around the statement at hand. */
  loops: number;
  /** Rounds of all loops inside the outermost one so far. */
  rounds: number;
}

/** Memory of a script's closures. */
export class Scratch {
  /** The memory, replaced when it grows: callers must not keep a reference. */
  memory = new Memory(new Uint8Array(4096));
  #end = 0;

  /** A place for so many bytes, zeros at first. */
  take(bytes: number): number {
    const at = this.#end;
    this.#end += words(Math.max(8, bytes));
    const { length } = this.memory.bytes;
    if (this.#end > length) {
      const larger = new Uint8Array(Math.max(length * 2, this.#end));
      larger.set(this.memory.bytes);
      this.memory = new Memory(larger);
    }
    return at;
  }
}

/** A map that the script uses. */
export interface ScriptMapEntry {
  /** Types of key and value. */
  readonly type: MapType;
  /** Sizes of key and value, and the number of entries. */
  readonly layout: MapLayout;
  /** The map that holds the entries. */
  readonly map: UserMap;
}

/** Facts that the running system tells: clocks, namespaces, NUMA nodes. */
export interface System {
  /** Time of a clock, in ns. */
  clock(clock: Clock): bigint;
  /** Whether ids here are those of the first pid namespace. */
  readonly isInitialNamespace: boolean;
  /** NUMA node of a CPU. */
  node(cpu: number): number;
}

/** What all actions of a script share. */
export interface Shared {
  /** The event at hand, which all actions see. */
  readonly state: State;
  /** Memory for values that no number can hold. */
  readonly scratch: Scratch;
  /** Maps of the script, by name. */
  readonly maps: ReadonlyMap<string, ScriptMapEntry>;
  /** Plans of the records, which tell what to do with each. */
  readonly plans: Plans;
  /** Records that the actions write. */
  readonly records: Records;
  /** Stacks that the actions record. */
  readonly stacks: Stacks;
  /** Settings of the script. */
  readonly config: Config;
  /** True if failed reads and lookups are reported (-k). */
  readonly reportsFailures: boolean;
  /** The -c child; 0 if there is none. */
  readonly childPid: number;
  /** Told of each recorded stack while its process still lives. */
  readonly onUserStack?: LoadOptions["onUserStack"];
  /** Facts that the running system tells. */
  readonly system: System;
}

/** Where a variable is kept: a cell for a number, else a place in scratch memory. */
export type Variable = { readonly cell: { value: bigint } } | { readonly at: number };

/** One clause under construction. */
export interface Build extends Shared {
  /** Where the clause's variables are kept. */
  readonly variables: ReadonlyMap<Local, Variable>;
}

/** The user plane cannot do something. */
export class NotOnThisPlane extends Error {
  constructor(message: string, readonly span: Span) {
    super(message);
  }
}

/** Refuses a node that only the kernel plane can run; interpret.ts adds what that plane needs. */
export function refuse(node: Pick<Node, "span">, what: string): never {
  throw new NotOnThisPlane(`${what}: not possible on the user plane`, node.span);
}

/** The map behind a variable. */
export function mapOf(b: Shared, variable: MapVariable): ScriptMapEntry {
  return b.maps.get(variable.name)!;
}

/** A number as a signed 64-bit register holds it. */
export function signed(value: bigint): bigint {
  return BigInt.asIntN(64, value);
}

/** The 64 bits of a number, read without a sign. */
export function unsigned(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}
