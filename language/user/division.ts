// Pure: no I/O, no FFI.
// Division and remainder: by zero they are 1 and reported.

import type { Node } from "../model/ir.ts";
import { FAULT } from "../model/plan.ts";
import { type Operation, operation } from "./arithmetic.ts";
import type { Shared } from "./builder.ts";
import { fault } from "./records.ts";

/** What `/` or `%` does at a place of the script. */
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
