// Pure: no I/O, no FFI.
// Division and remainder. By zero they are 1 and reported. Signed ones are done on magnitudes, because
// the signed instructions need Linux 6.6: the quotient is negative if the signs differ, the remainder
// has the dividend's sign.

import { div64, imm, mod64, mov64, neg64, type Operand, xor64 } from "../../core/asm/alu.ts";
import { ja, jne, jsge } from "../../core/asm/jump.ts";
import { R0, R1, R2 } from "../../core/asm/register.ts";
import type { Node } from "../model/ir.ts";
import { FAULT } from "../model/plan.ts";
import { emitFault } from "./records.ts";
import type { Gen } from "./emitter.ts";

/** R0 = R0 operator operand. Clobbers R1 to R5. */
export function emitDivision(
  gen: Gen,
  operator: "/" | "%",
  operand: Operand,
  signed: boolean,
  at: Pick<Node, "span">,
): void {
  const done = gen.asm.label("divided");
  if (typeof operand === "number" || operand.imm === 0) {
    const nonzero = gen.asm.label("nonzero");
    if (typeof operand !== "number") gen.emit(mov64(R1, operand));
    gen.emit(jne(R1, imm(0), nonzero));
    emitFault(gen, at, FAULT.zeroDivisor);
    gen.emit(mov64(R0, imm(1)), ja(done));
    gen.asm.bind(nonzero);
  } else {
    gen.emit(mov64(R1, operand));
  }
  const apply = operator === "/" ? div64 : mod64;
  if (!signed) {
    gen.emit(apply(R0, R1));
  } else {
    const dividend = gen.asm.label("dividend");
    const divisor = gen.asm.label("divisor");
    gen.emit(mov64(R2, R0));
    if (operator === "/") gen.emit(xor64(R2, R1));
    gen.emit(jsge(R0, imm(0), dividend), neg64(R0));
    gen.asm.bind(dividend);
    gen.emit(jsge(R1, imm(0), divisor), neg64(R1));
    gen.asm.bind(divisor);
    gen.emit(apply(R0, R1), jsge(R2, imm(0), done), neg64(R0));
  }
  gen.asm.bind(done);
}
