// Pure: no I/O, no FFI.
// Arithmetic of 64-bit registers. Operands and results are signed bigints.

import type { Arithmetic, Comparison, Node } from "../model/ir.ts";
import type { Type } from "../model/types.ts";
import { type Shared, signed, unsigned } from "./builder.ts";
import { FAULT } from "../model/plan.ts";
import { fault } from "./records.ts";

/** Computes; division by zero is the caller's business. */
export type Operation = (a: bigint, b: bigint) => bigint;

const COMMON = {
  "+": (a, b) => signed(a + b),
  "-": (a, b) => signed(a - b),
  "*": (a, b) => signed(a * b),
  "&": (a, b) => a & b,
  "|": (a, b) => a | b,
  "^": (a, b) => a ^ b,
  "<<": (a, b) => signed(a << (b & 63n)),
} satisfies Partial<Record<Arithmetic, Operation>>;

const SIGNED = {
  ">>": (a, b) => a >> (b & 63n),
  "/": (a, b) => signed(a / b),
  "%": (a, b) => a % b,
} satisfies Partial<Record<Arithmetic, Operation>>;

const UNSIGNED = {
  ">>": (a, b) => signed(unsigned(a) >> (b & 63n)),
  "/": (a, b) => signed(unsigned(a) / unsigned(b)),
  "%": (a, b) => signed(unsigned(a) % unsigned(b)),
} satisfies Partial<Record<Arithmetic, Operation>>;

const BY_SIGN = {
  signed: { ...COMMON, ...SIGNED } as Record<Arithmetic, Operation>,
  unsigned: { ...COMMON, ...UNSIGNED } as Record<Arithmetic, Operation>,
};

/** A function that computes an operator on two numbers. */
export function operation(operator: Arithmetic, isSigned: boolean): Operation {
  return BY_SIGN[isSigned ? "signed" : "unsigned"][operator];
}

const COMPARISONS: Readonly<Record<Comparison, (a: bigint, b: bigint) => boolean>> = {
  "==": (a, b) => a === b,
  "!=": (a, b) => a !== b,
  "<": (a, b) => a < b,
  ">": (a, b) => a > b,
  "<=": (a, b) => a <= b,
  ">=": (a, b) => a >= b,
};

/** A function that decides a comparison of two numbers. */
export function comparison(
  operator: Comparison,
  isSigned: boolean,
): (a: bigint, b: bigint) => boolean {
  const compare = COMPARISONS[operator];
  if (isSigned || operator === "==" || operator === "!=") return compare;
  return (a, b) => compare(unsigned(a), unsigned(b));
}

/** Widens the low bytes as their C type wants; the identity for what fills a register. */
export function narrow(type: Type): (value: bigint) => bigint {
  if (type.kind === "bool") return (value) => value & 255n;
  if (type.kind !== "integer" || type.size === 8) return (value) => value;
  const bits = type.size * 8;
  return type.signed
    ? (value) => BigInt.asIntN(bits, value)
    : (value) => BigInt.asUintN(bits, value);
}

/** The bits of a bit field out of its unit. */
export function extract(
  type: Type,
  { shift, width }: { shift: number; width: number },
): (value: bigint) => bigint {
  const by = BigInt(shift);
  return type.kind === "integer" && type.signed
    ? (value) => BigInt.asIntN(width, unsigned(value) >> by)
    : (value) => signed(BigInt.asUintN(width, unsigned(value) >> by));
}

/** A function that computes `/` or `%`, and reports a divisor of zero with its place in the script. */
export function divide(
  b: Shared,
  operator: "/" | "%",
  signed: boolean,
  at: Pick<Node, "span">,
): Operation {
  const report = fault(b, at, FAULT.zeroDivisor);
  const apply = operation(operator, signed);
  return (left, right) => {
    if (right !== 0n) return apply(left, right);
    report();
    return 1n;
  };
}
