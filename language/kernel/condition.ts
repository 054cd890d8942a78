// Pure: no I/O, no FFI.
// Conditions: code that falls through if they hold.

import { imm } from "../../core/asm/alu.ts";
import type { Label } from "../../core/asm/instruction.ts";
import { ja, jeq, jge, jgt, jle, jlt, jne, jsge, jsgt, jsle, jslt } from "../../core/asm/jump.ts";
import { R0 } from "../../core/asm/register.ts";
import type { Node } from "../model/ir.ts";
import { compare } from "./compare.ts";
import type { Gen } from "./emitter.ts";
import { evaluate, evaluateOperands } from "./scalar.ts";

/** The jump to take when a comparison does not hold. */
const INVERSE = {
  "==": [jne, jne],
  "!=": [jeq, jeq],
  "<": [jge, jsge],
  ">": [jle, jsle],
  "<=": [jgt, jsgt],
  ">=": [jlt, jslt],
} as const;

/** Jumps to `no` if the condition is false, else falls through. Clobbers R0 to R5. */
export function emitCondition(gen: Gen, node: Node, no: Label): void {
  switch (node.op) {
    case "constant":
      if (node.value === 0n) gen.emit(ja(no));
      return;
    case "and":
      emitCondition(gen, node.left, no);
      gen.branch(() => emitCondition(gen, node.right, no));
      return;
    case "or": {
      const right = gen.asm.label("or");
      const yes = gen.asm.label("true");
      emitCondition(gen, node.left, right);
      gen.emit(ja(yes));
      gen.asm.bind(right);
      gen.branch(() => emitCondition(gen, node.right, no));
      gen.asm.bind(yes);
      return;
    }
    case "not": {
      const yes = gen.asm.label("true");
      emitCondition(gen, node.operand, yes);
      gen.emit(ja(no));
      gen.asm.bind(yes);
      return;
    }
    case "compare": {
      const operand = evaluateOperands(gen, node.left, node.right);
      return gen.emit(INVERSE[node.operator][node.signed ? 1 : 0](R0, operand, no));
    }
    case "same":
      return compare(gen, node, no);
    default:
      evaluate(gen, node);
      gen.emit(jeq(R0, imm(0), no));
  }
}
