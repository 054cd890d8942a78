// Pure: no I/O, no FFI.
// A process and all that descends from it, on the kernel plane: two programs keep the descendants'
// process ids in a map, from the moment of their birth until their last thread has ended, with how many tasks each has.

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
import { type NamespaceId } from "../contract/kernel_action.ts";

/** Bytes of a key: a process id of the initial namespace, in a word. */
export const TREE_KEY_BYTES = 8;
/** Most descendants that live at one time. */
export const TREE_ENTRIES = 65536;

const SPILL = -8;
const VALUE = -16;

/** Where what the programs read lies; bytes. */
export interface TaskOffsets {
  readonly tgid: number;
  readonly pid: number;
}

/** The root of a tree, and its descendants. */
export interface Tree {
  /** As the tracer's namespace numbers it. */
  readonly root: number;
  readonly namespace?: NamespaceId;
  readonly map: MapReference;
}

/** Emits a jump to `reject` unless the running process is in the tree. Clobbers R0 to R5. */
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
 * For sched_process_fork(parent, child), which runs in the parent: a new process has one task, a new thread
 * is one more. A child that finds no room is counted in the control block.
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
 * For sched_process_exit(task): a process leaves when all its tasks have passed here. The kernel's own count
 * is ahead of that where threads end together.
 */
export function emitExit(asm: Assembler, tree: Tree, offsets: TaskOffsets): void {
  const out = asm.label("out");
  asm.emit(load(8, R6, R1, 0));
  emitTasks(asm, tree, offsets, out);
  asm.emit(
    mov64(R1, imm(-1)),
    atomicFetchOp(8, "add", R0, 0, R1),
    jne(R1, imm(1), out), // what it was before
    loadMap(R1, tree.map),
    mov64(R2, R10),
    add64(R2, imm(SPILL)),
    callHelper(BPF_FUNC.map_delete_elem),
  );
  asm.bind(out);
  asm.emit(mov64(R0, imm(0)), exit());
}

/** R0 = the number of living tasks of R6's process; its key is on the stack. To `out` if it is not in the tree. */
function emitTasks(asm: Assembler, { map }: Tree, offsets: TaskOffsets, out: Label): void {
  asm.emit(
    load(4, R0, R6, offsets.tgid),
    store(8, R10, SPILL, R0),
  );
  emitLookup(asm, map, SPILL, out);
}
