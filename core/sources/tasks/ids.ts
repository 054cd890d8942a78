// Numbers of tasks that are not the running one, as the tracer's pid namespace counts them.

import { Assembler } from "../../asm/assembler.ts";
import { BPF_FUNC } from "../../asm/generated/helpers.ts";
import { add64, imm, mov64 } from "../../asm/alu.ts";
import type { Label } from "../../asm/instruction.ts";
import { callHelper, exit, jlt, jne } from "../../asm/jump.ts";
import { load, loadImm64 } from "../../asm/load_store.ts";
import { R0, R1, R10, R2, R3, type Register } from "../../asm/register.ts";
import { BpfProgram } from "../../bpf/mod.ts";
import { emitLoad } from "../../kernel_plane/location.ts";
import type { ContextLayout, Location } from "../../contract/context.ts";
import { type PidNamespace, pidNamespace } from "../../sys/namespace.ts";
import { offsetOf } from "../../kernel_plane/task_offsets.ts";

const SPILL = -8;

/** Where a task's numbers are; `task` is the path to it. */
export interface Ids {
  /** Number of the process of the task. */
  process(task: readonly number[]): Location;
  /** Number of the task itself. */
  thread(task: readonly number[]): Location;
  /** Of sched_process_exec: the number that the task had before. */
  oldThread(task: readonly number[]): Location;
  /** Leaves out tasks that the namespace does not have. */
  emitTest?(
    asm: Assembler,
    layout: ContextLayout,
    task: readonly number[],
    context: Register,
    out: Label,
  ): void;
}

/** For the namespace of this process. */
export function ids(): Ids {
  const namespace = pidNamespace();
  return namespace === undefined ? INITIAL : namespaced(namespace);
}

/** The initial namespace has the kernel's own numbers. */
const INITIAL: Ids = {
  process: (task) => ({ path: [...task, offsetOf("task_struct", "tgid")], size: 4 }),
  thread: (task) => ({ path: [...task, offsetOf("task_struct", "pid")], size: 4 }),
  oldThread: () => ({ path: [8], size: 4 }),
};

/** struct upid { int nr; struct pid_namespace *ns; } */
const UPID = { bytes: 16, nr: 0, ns: 8 };
/** PIDTYPE_TGID */
const TGID = 1;

/** A task has a number in each namespace from its own to the initial one: pid->numbers[level]. */
function namespaced({ ino }: PidNamespace): Ids {
  const level = namespaceLevel();
  const at = offsetOf("pid", "numbers") + level * UPID.bytes;
  const own = (task: readonly number[]) => [...task, offsetOf("task_struct", "thread_pid")];
  const ofProcess = (task: readonly number[]) => [
    ...task,
    offsetOf("task_struct", "signal"),
    offsetOf("signal_struct", "pids") + TGID * 8,
  ];
  const thread = (task: readonly number[]): Location => ({
    path: [...own(task), at + UPID.nr],
    size: 4,
  });
  return {
    process: (task) => ({ path: [...ofProcess(task), at + UPID.nr], size: 4 }),
    thread,
    oldThread: thread,
    emitTest(asm, layout, task, context, out) {
      const value = (location: Location) => emitLoad(asm, layout, location, context, SPILL);
      value({ path: [...own(task), offsetOf("pid", "level")], size: 4 });
      asm.emit(jlt(R0, imm(level), out));
      const inode = offsetOf("pid_namespace", "ns") + offsetOf("ns_common", "inum");
      value({ path: [...own(task), at + UPID.ns, inode], size: 4 });
      asm.emit(loadImm64(R1, ino), jne(R0, R1, out));
    },
  };
}

/** How deep this process's namespace is: asked of the kernel, /proc counts from its own one. */
function namespaceLevel(): number {
  const asm = new Assembler();
  asm.emit(callHelper(BPF_FUNC.get_current_task));
  for (const offset of [offsetOf("task_struct", "thread_pid"), offsetOf("pid", "level")]) {
    asm.emit(
      mov64(R3, R0),
      add64(R3, imm(offset)),
      mov64(R1, R10),
      add64(R1, imm(SPILL)),
      mov64(R2, imm(8)),
      callHelper(BPF_FUNC.probe_read_kernel),
      load(8, R0, R10, SPILL),
    );
  }
  // The level has 32 bits, which is what a test run tells of R0.
  asm.emit(exit());
  using program = new BpfProgram({
    name: "dt_level",
    type: "RAW_TRACEPOINT",
    code: asm.assemble(),
  });
  return program.testRun();
}
