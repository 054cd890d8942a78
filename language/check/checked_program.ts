// Pure: no I/O, no FFI.
// What the checker makes of a program: typed trees that both backends read.

import type { Action, Local, Node } from "../model/ir.ts";
import type { MapType } from "../model/types.ts";
import type { Clause } from "../syntax/ast.ts";
import type { ProbeInfo } from "./expand.ts";

/** One clause, for those of its probes whose arguments lie at the same places. */
export interface CheckedClause {
  /** The clause as it was written. */
  readonly clause: Clause;
  /** Probes that the clause runs for. */
  readonly probes: readonly ProbeInfo[];
  /** Condition of the clause, `/…/`; absent if the clause always runs. */
  readonly predicate?: Node;
  /** Checked statements of the clause. */
  readonly body: readonly Action[];
  /** Every variable of the clause and of the functions that stand in it. */
  readonly locals: readonly Local[];
}

/** A program in which the type of every expression is known. */
export interface CheckedProgram {
  /** In source order; the variants of one clause follow each other. */
  readonly clauses: readonly CheckedClause[];
  /** Maps by name, sorted by name. */
  readonly maps: ReadonlyMap<string, MapType>;
  /** Named parameters that the program asks for with getopt(), by name. */
  readonly parameters: ReadonlyMap<string, NamedParameter>;
}

/** A named parameter that a script asks for with getopt(). */
export interface NamedParameter {
  /** What the parameter means, if the script says so. */
  readonly description?: string;
  /** Value that the script takes when the command line gives none. */
  readonly fallback: string;
}
