// Process events on the kernel plane: the scheduler's tracepoints, which run in the process itself. What it
// executes is read there and then, so that nothing can have changed.

import type { Assembler } from "../../core/asm/assembler.ts";
import { imm, mov64 } from "../../core/asm/alu.ts";
import type { Label } from "../../core/asm/instruction.ts";
import { jeq, jne } from "../../core/asm/jump.ts";
import { R0, R9 } from "../../core/asm/register.ts";
import { attachRawTracepoint } from "../../core/bpf/link.ts";
import { BTF_KIND, kernelBtf } from "../../core/btf/mod.ts";
import { emitLoad } from "../../core/kernel_plane/location.ts";
import { rawTracepointFrames } from "../../core/sources/tracepoint_frames.ts";
import type { Pcb } from "../../core/contract/pcb.ts";
import type { ContextLayout, Location } from "../../core/contract/context.ts";
import type { KernelAttachment } from "../../core/contract/attachment.ts";
import { bitOffsetOf, type Ids, ids, offsetOf } from "../../core/sources/tasks/mod.ts";
import { type EventName, probedEvent } from "./events.ts";

const SPILL = -8;

/** Which tracepoint an event is seen at, and where the task that it is about is in its context. */
function source(event: EventName): { tracepoint: string; task: readonly number[] } {
  switch (event) {
    case "thread:create":
    case "process:fork":
      return { tracepoint: "sched_process_fork", task: [8] };
    case "process:exec":
      return { tracepoint: "sched_process_exec", task: [0] };
    default:
      return { tracepoint: "sched_process_exit", task: [0] };
  }
}

/** The attachment of one event: a program of its own. */
export function kernelAttachment(pcb: Pcb): KernelAttachment {
  const event = probedEvent(pcb.probe);
  const { tracepoint, task } = source(event);
  const { layout, test } = layoutOf(event, task, ids());
  return {
    plane: "kernel",
    name: `dt_${event.replace(":", "_")}`,
    pcbs: [pcb],
    program: { type: "RAW_TRACEPOINT" },
    layout,
    get skipFrames() {
      return rawTracepointFrames();
    },
    prologue: test,
    attach: (program) => attachRawTracepoint(program, tracepoint),
  };
}

type Test = NonNullable<KernelAttachment["prologue"]>;

function layoutOf(
  event: EventName,
  task: readonly number[],
  ids: Ids,
): { layout: ContextLayout; test: Test } {
  const isNew = event === "process:fork" || event === "thread:create";
  const parent = isNew ? [0] : [...task, offsetOf("task_struct", "real_parent")];
  const locations: Record<string, Location> = {
    arg0: ids.process(task),
    arg1: ids.thread(task),
    arg2: ids.process(parent),
    arg3: ids.thread(parent),
    arg8: {
      path: [
        ...task,
        offsetOf("task_struct", "cgroups"),
        offsetOf("css_set", "dfl_cgrp"),
        offsetOf("cgroup", "kn"),
        offsetOf("kernfs_node", "id"),
      ],
      size: 8,
    },
    ...(isNew
      ? { start: { path: [...task, offsetOf("task_struct", "start_boottime")], size: 8 } }
      : {}),
    ...(event === "process:exec" ? execLocations(task, ids) : {}),
    ...(/:(abort|exit)$/.test(event) ? endLocations(task, event.startsWith("process")) : {}),
  };
  const layout: ContextLayout = { id: `proc:${event}`, locations, untyped: true };
  const raw = {
    tgid: field(task, "task_struct", "tgid"),
    pid: field(task, "task_struct", "pid"),
    living: field([...task, offsetOf("task_struct", "signal")], "signal_struct", "live"),
    signal: { ...field(task, "task_struct", "exit_code"), bits: { from: 0, width: 7 } },
  };
  const test: Test = (asm, context, out) => {
    const value = (location: Location) => emitLoad(asm, layout, location, context, SPILL);
    ids.emitTest?.(asm, layout, task, context, out);
    switch (event) {
      case "thread:create":
      case "thread:exit":
      case "thread:abort":
        emitIsThread(asm, value, raw, out, false);
        break;
      case "process:fork":
        emitIsThread(asm, value, raw, out, true);
        break;
      case "process:exit":
      case "process:abort":
        // The last thread takes the process with it.
        if (tellsLast()) {
          value({ path: [8], size: 1 });
          asm.emit(jeq(R0, imm(0), out));
        } else {
          value(raw.living);
          asm.emit(jne(R0, imm(0), out));
        }
    }
    if (event.endsWith(":abort")) {
      value(raw.signal);
      asm.emit(jeq(R0, imm(0), out));
    }
  };
  return { layout, test };
}

/**
 * True if sched_process_exit says which task is the last one: (task, group_dead), since Linux 6.17. Threads
 * that end together may all see that nobody lives any more.
 */
function tellsLast(): boolean {
  const btf = kernelBtf();
  const id = btf?.find(BTF_KIND.TYPEDEF, "btf_trace_sched_process_exit") ?? 0;
  // A pointer to a function of void * and these two.
  return id !== 0 && btf!.parameters(btf!.sizeOrType(btf!.sizeOrType(id))).length >= 3;
}

/** Goes to `out` if the task is not the first one of its process, or, with `first`, if it is no other. */
function emitIsThread(
  asm: Assembler,
  value: (location: Location) => void,
  raw: { readonly tgid: Location; readonly pid: Location },
  out: Label,
  first: boolean,
): void {
  value(raw.tgid);
  asm.emit(mov64(R9, R0));
  value(raw.pid);
  asm.emit(first ? jne(R0, R9, out) : jeq(R0, R9, out));
}

function field(base: readonly number[], struct: string, name: string, size: 4 | 8 = 4): Location {
  return { path: [...base, offsetOf(struct, name)], size };
}

function execLocations(task: readonly number[], ids: Ids): Record<string, Location> {
  const memory = [...task, offsetOf("task_struct", "mm")];
  return {
    // sched_process_exec(task, old_pid, bprm)
    arg4: { path: [16, offsetOf("linux_binprm", "filename")], size: 8, inKernel: true },
    arg5: { path: [...memory, offsetOf("mm_struct", "arg_start")], size: 8 },
    arg6: { path: [...memory, offsetOf("mm_struct", "arg_end")], size: 8 },
    arg7: ids.oldThread(task),
    // Not arguments of the probe: what ktrace records.
    env: { path: [...memory, offsetOf("mm_struct", "env_start")], size: 8 },
    env_end: { path: [...memory, offsetOf("mm_struct", "env_end")], size: 8 },
    secure: secureExec(),
  };
}

/** linux_binprm.secureexec: the program gains rights, by its set-user-ID bit or by capabilities. A bit. */
function secureExec(): Location {
  const bit = bitOffsetOf("linux_binprm", "secureexec");
  return { path: [16, bit >> 3], size: 1, bits: { from: bit & 7, width: 1 } };
}

/** Status as wait(2) has it: code, signal, whether there is a core file. */
function endLocations(task: readonly number[], isProcess: boolean): Record<string, Location> {
  const status = field(task, "task_struct", "exit_code");
  const whose = isProcess ? [...task, offsetOf("task_struct", "group_leader")] : task;
  return {
    arg4: { ...status, bits: { from: 8, width: 8 } },
    arg5: { ...status, bits: { from: 0, width: 7 } },
    arg6: { ...status, bits: { from: 7, width: 1 } },
    arg7: { ...field(whose, "task_struct", "start_boottime", 8), elapsed: true },
  };
}
