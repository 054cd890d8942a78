// Pure: no I/O, no FFI.
// Enumerators: their values, and the integer types that gcc and clang give to enumerations.

import { integer, type IntegerType } from "../model/types.ts";
import { C_INT, C_LONG, C_UNSIGNED, C_UNSIGNED_LONG, type CType, enumType } from "./c_type.ts";
import type { Constant } from "./scope.ts";

/** An enumerator. */
interface Enumerator {
  readonly value: bigint;
  readonly type: CType;
  /** Type of the constant in scripts. */
  readonly shown?: IntegerType;
}

/** Options of an enumeration. */
export interface EnumOptions {
  /** The attribute packed: the smallest type that holds all values. */
  readonly packed: boolean;
  /** The type after a colon. */
  readonly underlying?: CType;
}

/** All enumerators of a text. */
export class Enumerators {
  readonly #byName = new Map<string, Enumerator>();

  /** The names of all enumerators. */
  names(): Iterable<string> {
    return this.#byName.keys();
  }

  /** An enumerator as C has it. */
  get(name: string): Enumerator | undefined {
    return this.#byName.get(name);
  }

  /** An enumerator as scripts have it. */
  constant(name: string): Constant | undefined {
    const found = this.#byName.get(name);
    return found?.shown && { value: found.value, type: found.shown };
  }

  /** Adds an enumerator, or replaces the enumerator of that name. */
  set(name: string, value: Enumerator): void {
    this.#byName.set(name, value);
  }

  /** Makes the type of an enumeration whose members are complete. */
  finish(
    name: string,
    members: readonly (readonly [string, bigint])[],
    { packed, underlying }: EnumOptions,
  ): CType {
    const names = new Map<bigint, string>();
    for (const [member, value] of members) if (!names.has(value)) names.set(value, member);
    const negative = members.some(([, value]) => value < 0n);
    const signed = underlying?.signed ?? negative;
    const size = (underlying?.size ?? smallest(members, negative, packed)) as 1 | 2 | 4 | 8;
    const enumeration = { name, names };
    const type = enumType(size, signed, enumeration);
    const shown: IntegerType = { ...integer(size, signed), enumeration };
    for (const [member, value] of members) {
      this.#byName.set(member, { value, type: enumeratorType(value), shown });
    }
    return type;
  }
}

/** The type that an enumerator has in expressions: int if its value fits. */
export function enumeratorType(value: bigint): CType {
  if (BigInt.asIntN(32, value) === value) return C_INT;
  if (BigInt.asUintN(32, value) === value) return C_UNSIGNED;
  return BigInt.asIntN(64, value) === value ? C_LONG : C_UNSIGNED_LONG;
}

function smallest(
  members: readonly (readonly [string, bigint])[],
  negative: boolean,
  packed: boolean,
): number {
  const fits = (size: number) =>
    members.every(([, value]) => {
      const wrapped = negative ? BigInt.asIntN(size * 8, value) : BigInt.asUintN(size * 8, value);
      return wrapped === value;
    });
  const sizes = packed ? [1, 2, 4] : [4];
  return sizes.find(fits) ?? 8;
}
