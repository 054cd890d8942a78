// Pure: no I/O, no FFI.
// Events as lines of text and of JSON.

import { safeJson, safeText } from "../../core/safe_text.ts";
import type { ProcessEvent } from "../../providers/proc-events/mod.ts";

/** The line of headings above the events. */
export const HEADER =
  `${"TIME".padEnd(15)} ${"EVENT".padEnd(13)} ${"PID".padStart(7)} ${"TID".padStart(7)} ` +
  `${"PPID".padStart(7)} COMMAND\n`;

/**
 * An event as a line: time, event, process, thread, parent, command, details.
 *
 * @param wallMs Time of the event, in milliseconds since 1970.
 * @param depth Depth of the process in the tree, 0 for its root.
 */
export function formatEvent(event: ProcessEvent, wallMs: number, depth: number): string {
  const { name, pid, tid, parentPid, comm } = event;
  const shown = name.replace(/^process:/, "");
  const ids = [pid, tid, parentPid].map((id) => String(id).padStart(7)).join(" ");
  const what = `${"  ".repeat(depth)}${safeText(comm)} ${details(event)}`.trimEnd();
  return `${clock(wallMs)} ${shown.padEnd(13)} ${ids} ${what}\n`;
}

/** Shows a time of day in the local zone, to the microsecond. */
function clock(wallMs: number): string {
  const time = new Date(wallMs);
  const two = (value: number) => String(value).padStart(2, "0");
  const micros = Math.floor(wallMs % 1000 * 1000);
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.` +
    String(micros).padStart(6, "0");
}

function details({ name, path, argv, code, signal, core, runtimeNs }: ProcessEvent): string {
  if (name === "process:exec") {
    const words = (argv ?? []).map(quote).join(" ");
    if (path === undefined || path === "") return words; // the process had ended before its program was read
    return argv?.[0] === path ? words : `${quote(path)}: ${words}`;
  }
  if (code === undefined) return runtimeNs === undefined ? "" : duration(runtimeNs);
  const how = signal! > 0 ? `signal ${signal}${core ? ", core dumped" : ""}` : `status ${code}`;
  return runtimeNs === undefined ? how : `${how}, ${duration(runtimeNs)}`;
}

function duration(ns: bigint): string {
  const ms = Number(ns) / 1e6;
  return ms < 1000 ? `${ms.toFixed(1)} ms` : `${(ms / 1000).toFixed(3)} s`;
}

/** Quotes a word so that a shell reads it unchanged. */
function quote(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  const safe = safeText(word);
  if (safe !== word) return `$'${safeText(word.replace(/[\\']/g, "\\$&"))}'`;
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** An event as a line of JSON. `time` is ISO 8601; fields with _ns are nanoseconds, as text. */
export function formatJson(event: ProcessEvent, wallMs: number): string {
  const { name, timestampNs, runtimeNs, cgroup, parentPid, parentTid, oldTid, ...rest } = event;
  const line = {
    time: new Date(wallMs).toISOString(),
    boot_ns: String(timestampNs),
    event: name,
    ...rest,
    parent_pid: parentPid,
    parent_tid: parentTid,
    cgroup: String(cgroup),
    ...(oldTid === undefined ? {} : { old_tid: oldTid }),
    ...(runtimeNs === undefined ? {} : { runtime_ns: String(runtimeNs) }),
  };
  return `${safeJson(JSON.stringify(line))}\n`;
}
