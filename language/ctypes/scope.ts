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
