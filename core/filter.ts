// Pure: no I/O, no FFI.
// dt(4)'s filters: a test on the process or thread id, on both planes.

import type { Assembler } from "./asm/assembler.ts";
import type { Label, MapReference } from "./asm/instruction.ts";
import { imm, rsh64 } from "./asm/alu.ts";
import { jeq32, jne32 } from "./asm/jump.ts";
import { R0 } from "./asm/register.ts";
import { emitInTree } from "./process_tree.ts";
import type { UserEvent } from "./provider.ts";
import { emitPidTgid, type NamespaceId } from "./thread_id.ts";

/** Passes events of threads whose id compares true. */
export interface EventFilter {
  /**
   * `pid` is the process (kernel: tgid), `tid` the thread. `tree` is the process with all that it starts
   * from now on, and only compares equal; on the user plane the session's target does that.
   */
  readonly variable: "pid" | "tid" | "tree";
  /** Equal or not equal. */
  readonly operator: "eq" | "ne";
  /** The id to compare with. */
  readonly value: number;
}

const SPILL = -8;

/**
 * Emits a jump to `reject` for events that the filter does not pass. Clobbers R0 to R5 and the first
 * 8 bytes of stack.
 */
export function emitFilter(
  asm: Assembler,
  filter: EventFilter,
  site: {
    readonly namespace?: NamespaceId;
    readonly reject: Label;
    /** The descendants, for `tree`. */
    readonly tree?: MapReference;
  },
): void {
  if (filter.variable === "tree") {
    emitInTree(asm, { ...site, root: filter.value, map: site.tree! }, site.reject);
    return;
  }
  emitPidTgid(asm, site.namespace, SPILL);
  if (filter.variable === "pid") asm.emit(rsh64(R0, imm(32)));
  const jump = filter.operator === "eq" ? jne32 : jeq32;
  asm.emit(jump(R0, imm(filter.value), site.reject));
}

/** The same on the user plane. */
export function passesFilter(filter: EventFilter | undefined, event: UserEvent): boolean {
  if (filter === undefined || filter.variable === "tree") return true;
  return (event.thread[filter.variable] === filter.value) === (filter.operator === "eq");
}
