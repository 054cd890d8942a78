// Pure: no I/O, no FFI.
// Where C types and constants come from: the script's own definitions first, then the kernel's.

import type { IntegerType, Type } from "../model/types.ts";

/** A named constant. */
export interface Constant {
  readonly value: bigint;
  readonly type: IntegerType;
}

/** Types and constants by name. */
export interface TypeScope {
  /** "struct task_struct", "size_t", "enum x"; undefined if there is none. */
  type(name: string): Type | undefined;
  /** An enumerator; undefined if there is none. */
  constant(name: string): Constant | undefined;
}

/** Where a program keeps a value, as a probe can read it. */
export type ProgramStorage =
  /** In registers, 8 bytes in each, by the names of their locations: "reg:di". */
  | { readonly kind: "registers"; readonly at: readonly string[] }
  /** In memory at a register plus an offset; `indirect`: the address of the value is there. */
  | {
    readonly kind: "memory";
    readonly at: string;
    readonly offset: number;
    readonly indirect: boolean;
  }
  | { readonly kind: "constant"; readonly value: bigint }
  /** Not to be had: the reason is the end of a sentence. */
  | { readonly kind: "absent"; readonly reason: string };

/** A value of a program. */
export interface ProgramValue {
  readonly name: string;
  readonly type: Type;
  /** The type as the program's language writes it. */
  readonly text: string;
  readonly storage: ProgramStorage;
}

/** A function of a program. */
export interface ProgramFunction {
  readonly parameters: readonly ProgramValue[];
  /** Undefined for a function without a result. */
  readonly result?: ProgramValue;
}

/** What the debug information of a program tells. */
export interface ProgramScope extends TypeScope {
  /** What is missing, one line each. */
  readonly notes: readonly string[];
  /**
   * The function that starts at an address, as it is so many bytes behind its start; undefined if nothing is
   * known of it.
   */
  functionAt(address: number, within: number): ProgramFunction | undefined;
}

/** Asks one scope after the other. */
export function chain(...scopes: readonly TypeScope[]): TypeScope {
  const first = <T>(ask: (scope: TypeScope) => T | undefined): T | undefined => {
    for (const scope of scopes) {
      const found = ask(scope);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return {
    type: (name) => first((scope) => scope.type(name)),
    constant: (name) => first((scope) => scope.constant(name)),
  };
}
