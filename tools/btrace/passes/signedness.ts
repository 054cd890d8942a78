// Pure: no I/O, no FFI.
// Which integer a literal is, next to another operand: shared by checker and code generator.

import type { BinaryExpr, Expr } from "../lang/ast.ts";
import { isSigned, UINT64, type ValueType } from "../lang/types.ts";

/** A literal that is not negative takes the signedness of what it meets. */
function adapt(expr: Expr, type: ValueType, other: ValueType): ValueType {
  const neutral = expr.kind === "integer" && expr.value >= 0n;
  return neutral && !isSigned(other) ? UINT64 : type;
}

/** Types of both operands after literals adapted. */
export function operandTypes(
  expr: Pick<BinaryExpr, "left" | "right">,
  left: ValueType,
  right: ValueType,
): [left: ValueType, right: ValueType] {
  return [adapt(expr.left, left, right), adapt(expr.right, right, left)];
}

/** True if the operation compares, divides or shifts as signed: if an operand is. */
export function isSignedOperation(expr: BinaryExpr, left: ValueType, right: ValueType): boolean {
  const [a, b] = operandTypes(expr, left, right);
  return isSigned(a) || (expr.operator !== ">>" && isSigned(b));
}
