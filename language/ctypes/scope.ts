// Pure: no I/O, no FFI.
// Where C types and constants come from: the script's own definitions first, then the kernel's.

import type { IntegerType, Type } from "../model/types.ts";

/** A named constant of C: an enumerator. */
export interface Constant {
  /** Number that the name stands for. */
  readonly value: bigint;
  /** Integer type of the constant in scripts. */
  readonly type: IntegerType;
}

/** Types and constants by name. */
export interface TypeScope {
  /** "struct task_struct", "size_t", "enum x"; undefined if there is none. */
  type(name: string): Type | undefined;
  /** An enumerator; undefined if there is none. */
  constant(name: string): Constant | undefined;
}

/** Place where a program keeps a value, in terms of what a probe can read. */
export type ProgramStorage =
  /** In registers, 8 bytes in each, by the names of their locations: "reg:di". */
  | { readonly kind: "registers"; readonly at: readonly string[] }
  /** In memory at a register plus an offset; if `indirect`, that memory holds the address of the value. */
  | {
    readonly kind: "memory";
    readonly at: string;
    readonly offset: number;
    readonly indirect: boolean;
  }
  | { readonly kind: "constant"; readonly value: bigint }
  /** Nowhere; the reason is the end of a sentence. */
  | { readonly kind: "absent"; readonly reason: string };

/** A value of a program. */
export interface ProgramValue {
  /** Name of the value in the program's source. */
  readonly name: string;
  /** The type that scripts read the value with. */
  readonly type: Type;
  /** The type as the program's language writes it. */
  readonly text: string;
  /** Place where a probe finds the value. */
  readonly storage: ProgramStorage;
}

/** A function of a program. */
export interface ProgramFunction {
  /** Parameters in the order of their declaration. */
  readonly parameters: readonly ProgramValue[];
  /** Undefined for a function without a result. */
  readonly result?: ProgramValue;
}

/** Types and functions from the debug information of a program. */
export interface ProgramScope extends TypeScope {
  /** Parts of the debug information that are missing, one sentence each. */
  readonly notes: readonly string[];
  /**
   * The function that starts at an address, with its variables as they are `within` bytes behind the start;
   * undefined for an unknown function.
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
