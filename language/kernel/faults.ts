// Pure: no I/O, no FFI.
// What goes wrong while a program runs, as records.

import { imm } from "../../core/asm/alu.ts";
import { R0 } from "../../core/asm/register.ts";
import { HEADER } from "../../core/contract/event_layout.ts";
import type { Node } from "../model/ir.ts";
import type { RuntimeFault } from "../model/plan.ts";
import type { Place } from "./frame.ts";
import { type Gen, shifted } from "./emitter.ts";
import { send } from "./records.ts";

/**
 * Reports a fault. Clobbers R0 to R5.
 *
 * @param result Where a helper's result is kept.
 */
export function emitFault(
  gen: Gen,
  at: Pick<Node, "span">,
  fault: RuntimeFault,
  result?: Place,
): void {
  gen.frame.scope(() => {
    const plan = gen.shared.plans.fault(at, fault);
    // The record around it may be half done, so this one has memory of its own.
    const record = gen.frame.block(HEADER.bytes + 8);
    if (result === undefined) gen.saveConstant(shifted(record, HEADER.bytes), 0);
    else {
      gen.load(R0, result);
      gen.save(shifted(record, HEADER.bytes));
    }
    send(gen, plan, record, imm(HEADER.bytes + 8), true);
  });
}
