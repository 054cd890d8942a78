// Pure: no I/O, no FFI.
// What is measured, as scripts of the language.

import type { PlaneName } from "../../core/contract/provider.ts";

/** Samples of what runs, idle CPUs aside. Of another process's code an ordinary user sees no kernel. */
export function onCpuScript(rateHz: number, plane: PlaneName): string {
  const stacks = plane === "kernel" ? "kstack, ustack" : "ustack";
  return `profile:hz:${rateHz} /tid(init) != 0/ { @[${stacks}, pid, comm] = count(); }`;
}

/** Of one that will never be back. include/linux/sched.h */
const TASK_DEAD = 0x80;

/**
 * Time from when a thread leaves the CPU until it is back, at the stack with which it left. Both are told
 * by the same event: the thread that leaves is current, the other one has been remembered.
 *
 * @param pid Only this process and what it starts.
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
