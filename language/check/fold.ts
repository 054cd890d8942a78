// Pure: no I/O, no FFI.
// Arithmetic on constants: signed 64-bit, as at run time.

import type { BinaryOperator } from "../syntax/ast.ts";

/** The result, "divide" for a division by zero, undefined for operators that are not computed. */
export function foldBinary(
  operator: BinaryOperator,
  a: bigint,
  b: bigint,
): bigint | boolean | "divide" | undefined {
  switch (operator) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return b === 0n ? "divide" : a / b;
    case "%":
      return b === 0n ? "divide" : a % b;
    case "&":
      return a & b;
    case "|":
      return a | b;
    case "^":
      return a ^ b;
    case "<<":
      // What does not fit is refused; a number that is not negative may take all 64 bits.
      return a << (b < 0n || b > 64n ? 64n : b);
    case ">>":
      return a >> (b & 63n);
    case "==":
      return a === b;
    case "!=":
      return a !== b;
    case "<":
      return a < b;
    case ">":
      return a > b;
    case "<=":
      return a <= b;
    case ">=":
      return a >= b;
    default:
      return undefined;
  }
}
