// Pure: no I/O, no FFI.
// dt(4)'s filters on the kernel plane: emits the test of the process or thread id.
// core/user_plane/filter.ts does the same test as a function.

import type { Assembler } from "../asm/assembler.ts";
import type { Label, MapReference } from "../asm/instruction.ts";
import { imm, mov64, rsh64 } from "../asm/alu.ts";
import { BPF_FUNC } from "../asm/generated/helpers.ts";
import { callHelper, jeq32, jne32 } from "../asm/jump.ts";
import { loadMap } from "../asm/load_store.ts";
import { R0, R1, R2 } from "../asm/register.ts";
import { emitInTree } from "./process_tree.ts";
import type { EventFilter } from "../contract/request.ts";
import { emitPidTgid } from "./thread_id.ts";
import type { NamespaceId } from "../contract/kernel_action.ts";

/** Offset from R10 of 8 bytes of stack that the code uses. */
const SPILL = -8;

/**
 * Emits a jump to `reject` for events that do not pass a filter. Clobbers R0 to R5 and the first 8
 * bytes of the stack.
 *
 * @param asm Assembler to emit to.
 * @param filter The test.
 * @param site Namespace of the ids; label for rejected events; map of descendants.
 */
export function emitFilter(
  asm: Assembler,
  filter: EventFilter,
  site: {
    readonly namespace?: NamespaceId;
    readonly reject: Label;
    /** Map of the descendants; needed for `descendantsOf` only. */
    readonly tree?: MapReference;
    /** Map that holds the cgroup; needed for `inCgroup` only. */
    readonly cgroup?: MapReference;
  },
): void {
  if ("descendantsOf" in filter) {
    emitInTree(asm, { ...site, root: filter.descendantsOf, map: site.tree! }, site.reject);
    return;
  }
  if ("inCgroup" in filter) {
    asm.emit(
      loadMap(R1, site.cgroup!),
      mov64(R2, imm(0)),
      callHelper(BPF_FUNC.current_task_under_cgroup),
      jne32(R0, imm(1), site.reject),
    );
    return;
  }
  emitPidTgid(asm, site.namespace, SPILL);
  if (filter.variable === "pid") asm.emit(rsh64(R0, imm(32)));
  const jump = filter.operator === "eq" ? jne32 : jeq32;
  asm.emit(jump(R0, imm(filter.value), site.reject));
}
