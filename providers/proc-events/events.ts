// Pure: no I/O, no FFI.
// The events, by kmonitor's names and bits, and their arguments.

import type { ArgumentSpec, Probe } from "../../core/contract/probe.ts";

/** KMONITOR_* of include/linux/kmonitor.h, by the name of the probe. */
export const EVENT_BITS = {
  "thread:create": 0x01,
  "thread:abort": 0x02,
  "thread:exit": 0x04,
  "process:fork": 0x08,
  "process:abort": 0x10,
  "process:exec": 0x20,
  "process:exit": 0x40,
} as const;

/** An event: what follows `proc:` in the probe's name. */
export type EventName = keyof typeof EVENT_BITS;

/** All events, in the order of their bits. */
export const EVENT_NAMES = Object.keys(EVENT_BITS) as EventName[];

/** First part of the probes' names. */
export const PREFIX = "proc:";

/** Mask of all events. */
export const ALL_EVENTS = 0x7f;

/** Whom an event is about: for `create` and `fork` the new one. */
const SUBJECT: readonly ArgumentSpec[] = [
  { name: "pid", type: "int", at: "arg0" },
  { name: "tid", type: "int", at: "arg1" },
  { name: "parent_pid", type: "int", at: "arg2" },
  { name: "parent_tid", type: "int", at: "arg3" },
];

/** Its cgroup of version 2, by inode. */
const CGROUP: ArgumentSpec = { name: "cgroup", type: "unsigned long", at: "arg8" };

const EXEC: readonly ArgumentSpec[] = [
  ...SUBJECT,
  { name: "path", type: "const char *", at: "arg4" },
  // As in /proc/PID/cmdline: each argument with a NUL behind it, up to argv_end.
  { name: "argv", type: "const char *", at: "arg5" },
  { name: "argv_end", type: "unsigned long", at: "arg6" },
  // The thread that has called exec: its id is gone if it was not the first one.
  { name: "old_tid", type: "int", at: "arg7" },
  CGROUP,
];

const END: readonly ArgumentSpec[] = [
  ...SUBJECT,
  { name: "code", type: "int", at: "arg4" },
  { name: "signal", type: "int", at: "arg5" },
  { name: "core", type: "int", at: "arg6" },
  { name: "runtime", type: "unsigned long", at: "arg7" },
  CGROUP,
];

/** Arguments of an event. */
export function argumentsOf(event: EventName): readonly ArgumentSpec[] {
  if (event === "process:exec") return EXEC;
  return /:(abort|exit)$/.test(event) ? END : [...SUBJECT, CGROUP];
}

/** The event of a full name, or undefined. */
export function eventOf(name: string): EventName | undefined {
  const event = name.slice(PREFIX.length);
  return name.startsWith(PREFIX) && Object.hasOwn(EVENT_BITS, event)
    ? event as EventName
    : undefined;
}

/** The event of a registered probe of this provider. */
export function probedEvent({ parsed }: Probe): EventName {
  return parsed as EventName;
}
