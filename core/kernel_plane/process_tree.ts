// Pure: no I/O, no FFI.
// The filter `tree` on the kernel plane: a process and all its descendants. Two programs keep the
// process ids of the descendants in a map, from a process's birth until its last thread has ended;
// the value counts the living tasks. bpf_plane.ts loads the programs, filter.ts emits the test.

import type { Assembler } from "../asm/assembler.ts";
import { add64, imm, mov64, rsh64 } from "../asm/alu.ts";
import type { Label, MapReference } from "../asm/instruction.ts";
import { callHelper, exit, ja, jeq, jne } from "../asm/jump.ts";
import { atomicFetchOp, atomicOp, load, loadMap, loadMapValue, store } from "../asm/load_store.ts";
import { BPF_FUNC } from "../asm/generated/helpers.ts";
import { R0, R1, R10, R2, R6 } from "../asm/register.ts";
import { CONTROL } from "../contract/blocks.ts";
import { emitLookup, emitUpdate } from "./map_access.ts";
import { emitPidTgid } from "./thread_id.ts";
import type { NamespaceId } from "../contract/kernel_action.ts";

/** Size of a key in bytes: a process id of the initial namespace, in a 64-bit word. */
export const TREE_KEY_BYTES = 8;
/** Greatest number of descendants that can live at one time; more of them are not followed. */
export const TREE_ENTRIES = 65536;

/** Offset from R10 of the map key on the stack. */
const SPILL = -8;
/** Offset from R10 of the map value on the stack. */
const VALUE = -16;

/** Offsets in struct task_struct of the fields that the programs read, in bytes. */
export interface TaskOffsets {
  /** Offset of the process id. */
  readonly tgid: number;
  /** Offset of the thread id. */
  readonly pid: number;
}

/** A tree of processes: its root, and the map of the descendants. */
export interface Tree {
  /** Process id of the root, as the tracer's namespace numbers it. */
  readonly root: number;
  /** Pid namespace of the tracer; absent for the initial one. */
  readonly namespace?: NamespaceId;
  /** Map with the descendants' process ids of the initial namespace as keys. */
  readonly map: MapReference;
}

/**
 * Emits a jump to `reject` unless the running process is in the tree. Clobbers R0 to R5 and the
 * first 8 bytes of the stack.
 */
export function emitInTree(asm: Assembler, { root, namespace, map }: Tree, reject: Label): void {
  const inside = asm.label("in_tree");
  emitPidTgid(asm, namespace, SPILL);
  asm.emit(rsh64(R0, imm(32)), jeq(R0, imm(root), inside));
  if (namespace !== undefined) asm.emit(callHelper(BPF_FUNC.get_current_pid_tgid));
  if (namespace !== undefined) asm.emit(rsh64(R0, imm(32)));
  asm.emit(
    store(8, R10, SPILL, R0),
  );
  emitLookup(asm, map, SPILL, reject);
  asm.bind(inside);
}

/**
 * Emits the program for sched_process_fork(parent, child), which runs in the parent. A new process
 * enters the map with one task; a new thread adds one task to its process. A process for which the
 * map has no room is counted in the control block.
 *
 * @param asm Assembler to emit to.
 * @param tree The tree, and the map of the control block.
 * @param offsets Offsets in struct task_struct.
 */
export function emitFork(
  asm: Assembler,
  tree: Tree & { readonly control: MapReference },
  offsets: TaskOffsets,
): void {
  const out = asm.label("out");
  const thread = asm.label("thread");
  asm.emit(
    load(8, R6, R1, 8),
    load(4, R0, R6, offsets.tgid),
    load(4, R1, R6, offsets.pid),
    jne(R0, R1, thread),
  );
  emitInTree(asm, tree, out);
  asm.emit(
    load(4, R0, R6, offsets.tgid),
    store(8, R10, SPILL, R0),
    mov64(R0, imm(1)),
    store(8, R10, VALUE, R0),
  );
  emitUpdate(asm, tree.map, SPILL, VALUE);
  asm.emit(
    jeq(R0, imm(0), out),
    loadMapValue(R1, tree.control, CONTROL.unfollowed),
    mov64(R2, imm(1)),
    atomicOp(4, "add", R1, 0, R2),
    ja(out),
  );
  asm.bind(thread);
  emitTasks(asm, tree, offsets, out);
  asm.emit(mov64(R1, imm(1)), atomicOp(8, "add", R0, 0, R1));
  asm.bind(out);
  asm.emit(mov64(R0, imm(0)), exit());
}

/**
 * Emits the program for sched_process_exit(task): a process leaves the map when all its tasks have
 * passed here. The kernel's own count of tasks is no help, since it is ahead where threads end
 * together.
 *
 * @param asm Assembler to emit to.
 * @param tree The tree.
 * @param offsets Offsets in struct task_struct.
 */
export function emitExit(asm: Assembler, tree: Tree, offsets: TaskOffsets): void {
  const out = asm.label("out");
  asm.emit(load(8, R6, R1, 0));
  emitTasks(asm, tree, offsets, out);
  asm.emit(
    mov64(R1, imm(-1)),
    atomicFetchOp(8, "add", R0, 0, R1),
    jne(R1, imm(1), out), // R1 holds the number of tasks before this one ended
    loadMap(R1, tree.map),
    mov64(R2, R10),
    add64(R2, imm(SPILL)),
    callHelper(BPF_FUNC.map_delete_elem),
  );
  asm.bind(out);
  asm.emit(mov64(R0, imm(0)), exit());
}

/**
 * Emits code that leaves in R0 the address of the count of living tasks of R6's process, and the
 * key on the stack. Jumps to `out` if the process is not in the tree.
 */
function emitTasks(asm: Assembler, { map }: Tree, offsets: TaskOffsets, out: Label): void {
  asm.emit(
    load(4, R0, R6, offsets.tgid),
    store(8, R10, SPILL, R0),
  );
  emitLookup(asm, map, SPILL, out);
}
