// The arguments of a registration: its target, and its events.

import { DtError } from "../../core/errors.ts";
import { Thread } from "../../core/sys/thread.ts";
import { isAlive } from "./lives.ts";
import { ALL_EVENTS, EVENT_BITS, EVENT_NAMES, type EventName } from "./events.ts";

/**
 * What to watch: a process or one of its threads by number, all processes, a process with all that descend
 * from it from now on, or a cgroup of version 2 by its path ("/user.slice").
 */
export type MonitorTarget = number | "all" | { readonly subtree: number } | {
  readonly cgroup: string;
};

/** An error of the monitor. */
export function refusal(code: string, operation: string, reason: string): DtError {
  return new DtError(code, `Cannot ${operation}: ${reason}`, { operation });
}

/**
 * Makes a mask of KMONITOR_* bits from names of events; checks a mask that is given.
 *
 * @throws {DtError} EINVAL no such event.
 */
export function maskOf(events: readonly EventName[] | number, operation: string): number {
  if (typeof events === "number") {
    if (Number.isInteger(events) && events > 0 && (events & ~ALL_EVENTS) === 0) return events;
    throw refusal("EINVAL", operation, `${events} is no mask of events: 1 to ${ALL_EVENTS}`);
  }
  let mask = 0;
  for (const name of events) {
    const bit = EVENT_BITS[name];
    if (bit === undefined) {
      throw refusal("EINVAL", operation, `there is no event ${name}: ${EVENT_NAMES.join(", ")}`);
    }
    mask |= bit;
  }
  if (mask === 0) throw refusal("EINVAL", operation, "no event is named");
  return mask;
}

/** Equal for equal targets. */
export function keyOf(target: MonitorTarget): string {
  if (target === "all" || typeof target === "number") return `${target}`;
  if (typeof target === "object" && target !== null) {
    if (typeof (target as { subtree?: unknown }).subtree === "number") {
      return `subtree of ${(target as { subtree: number }).subtree}`;
    }
    if (typeof (target as { cgroup?: unknown }).cgroup === "string") {
      return `cgroup ${(target as { cgroup: string }).cgroup.replace(/^\/+|\/+$/g, "")}`;
    }
  }
  throw refusal("EINVAL", "register", "a target is a number, all, a subtree or a cgroup");
}

/**
 * The number of a target that is a task; undefined for other targets.
 *
 * @throws {DtError} EINVAL
 */
export function taskOf(target: MonitorTarget): number | undefined {
  if (target === "all") return undefined;
  const task = typeof target === "number"
    ? target
    : "subtree" in target
    ? target.subtree
    : undefined;
  if (task === undefined || Number.isInteger(task) && task > 0) return task;
  throw refusal("EINVAL", "register", `${task} is no process id`);
}

const CGROUPS = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];

/**
 * inode of a cgroup.
 *
 * @throws {DtError} ENOENT
 */
export function cgroupOf(path: string): bigint {
  if (path.split("/").includes("..")) {
    throw refusal("EINVAL", "register", `'${path}' is no cgroup: it leads out of them`);
  }
  for (const root of CGROUPS) {
    try {
      Deno.statSync(`${root}/cgroup.controllers`); // only version 2 has it
      return BigInt(Deno.statSync(`${root}/${path.replace(/^\//, "")}`).ino ?? 0);
    } catch {
      // Not mounted there, or no such group.
    }
  }
  throw refusal("ENOENT", "register", `there is no cgroup ${path} of version 2`);
}

/** Living processes that descend from a process, each with the number of generations between the two. */
export function descendantsOf(root: number): Map<number, number> {
  const children = new Map<number, number[]>();
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    if (!isAlive(Number(name))) continue; // its end has been told
    const parent = new Thread(Number(name)).ppid;
    const all = children.get(parent) ?? [];
    children.set(parent, all);
    all.push(Number(name));
  }
  const found = new Map<number, number>();
  const visit = (pid: number, depth: number) => {
    for (const child of children.get(pid) ?? []) {
      if (found.has(child)) continue; // ids that were used again while we looked
      found.set(child, depth);
      visit(child, depth + 1);
    }
  };
  visit(root, 1);
  return found;
}
