// Pure: no I/O, no FFI.
// Scripts of the language that take the measurements.

import type { PlaneName } from "../../core/contract/provider.ts";

/** Script that counts samples by stack, without idle CPUs. The user plane cannot see kernel stacks. */
export function onCpuScript(rateHz: number, plane: PlaneName): string {
  const stacks = plane === "kernel" ? "kstack, ustack" : "ustack";
  return `profile:hz:${rateHz} /tid(init) != 0/ { @[${stacks}, pid, comm] = count(); }`;
}

/** State of a thread that has ended and will not come back. include/linux/sched.h */
const TASK_DEAD = 0x80;

/**
 * Script that adds the time from a thread's leaving the CPU to its return, by the stack with which it left.
 * One event shows both: the thread that leaves is current; the thread that comes was stored when it left.
 *
 * @param pid Measures only this process and its descendants.
 */
export function offCpuScript(pid: number | undefined): string {
  const inside = pid === undefined
    ? "tid(init) != 0"
    : `pid == ${pid} || has_key(@tree, (uint64)pid(init))`;
  const follow = pid === undefined
    ? ""
    : `rawtracepoint:sched_process_fork /${inside}/ { @tree[(uint64)args.child.tgid] = true; }
rawtracepoint:sched_process_exit /has_key(@tree, (uint64)args.p.tgid)/ {
  if (args.p.signal.live.counter == 0) { delete(@tree, (uint64)args.p.tgid); }
}`;
  return `${follow}
rawtracepoint:sched_switch {
  if ((${inside}) && (args.prev.__state & ${TASK_DEAD}) == 0) { @left[(uint64)tid(init)] = (nsecs, kstack, ustack, pid, comm); }
  $next = (uint64)args.next.pid;
  if (has_key(@left, $next)) {
    $left = @left[$next];
    @[$left.1, $left.2, $left.3, $left.4] = sum(nsecs - $left.0);
    delete(@left, $next);
  }
}`;
}
