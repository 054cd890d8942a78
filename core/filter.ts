// Pure: no I/O, no FFI.
// dt(4)'s filters: a test on the process or thread id, on both planes.

import type { Assembler } from "./asm/assembler.ts";
import type { Label } from "./asm/instruction.ts";
import { imm, rsh64 } from "./asm/alu.ts";
import { callHelper, jeq32, jne32 } from "./asm/jump.ts";
import { BPF_FUNC } from "./asm/generated/helpers.ts";
import { R0 } from "./asm/register.ts";
import type { UserEvent } from "./provider.ts";

/** Passes events of threads whose id compares true. */
export interface EventFilter {
  /** `pid` is the process (kernel: tgid), `tid` the thread. */
  readonly variable: "pid" | "tid";
  /** Equal or not equal. */
  readonly operator: "eq" | "ne";
  /** The id to compare with. */
  readonly value: number;
}

/** Emits a jump to `reject` for events that the filter does not pass. Clobbers R0 to R5. */
export function emitFilter(asm: Assembler, filter: EventFilter, reject: Label): void {
  asm.emit(callHelper(BPF_FUNC.get_current_pid_tgid));
  if (filter.variable === "pid") asm.emit(rsh64(R0, imm(32)));
  const jump = filter.operator === "eq" ? jne32 : jeq32;
  asm.emit(jump(R0, imm(filter.value), reject));
}

/** The same on the user plane. */
export function passesFilter(filter: EventFilter | undefined, event: UserEvent): boolean {
  if (filter === undefined) return true;
  return (event[filter.variable] === filter.value) === (filter.operator === "eq");
}
