// The events of tracefs.

import { DtError } from "../errors.ts";
import { type EventFormat, parseFormat } from "./format.ts";

/** Where tracefs may be mounted; the second is debugfs's. */
const MOUNTS = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];

let found: string | undefined;

/** Where tracefs is mounted and readable; undefined if it is not. */
export function tracefsPath(): string | undefined {
  // Not there is no answer for ever: it may be mounted later.
  return found ??= MOUNTS.find((path) => isReadable(`${path}/available_events`));
}

/** Names of all events as "subsystem:event"; none where tracefs is not mounted. */
export function eventNames(): string[] {
  const path = tracefsPath();
  if (path === undefined) return [];
  return readText(`${path}/available_events`)!.split("\n").filter((line) => line !== "").sort();
}

const formats = new Map<string, EventFormat>();

/** Number and fields of an event, undefined if there is none. */
export function eventFormat(subsystem: string, event: string): EventFormat | undefined {
  const key = `${subsystem}/${event}`;
  if (!formats.has(key)) {
    const path = tracefsPath();
    const valid = /^[\w.-]+$/.test(subsystem) && /^[\w.-]+$/.test(event);
    const text = path === undefined || !valid
      ? undefined
      : readText(`${path}/events/${key}/format`);
    if (text === undefined) return undefined;
    formats.set(key, parseFormat(text));
  }
  return formats.get(key);
}

/** The text of a file, undefined if it is not there or not ours to read. */
function readText(path: string): string | undefined {
  return ifReadable(() => Deno.readTextFileSync(path));
}

/** Without reading it: the kernel makes these texts anew each time. */
function isReadable(path: string): boolean {
  return ifReadable(() => {
    Deno.openSync(path).close();
    return true;
  }) ?? false;
}

function ifReadable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (
      error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied ||
      error instanceof Deno.errors.NotADirectory
    ) {
      return undefined;
    }
    throw error;
  }
}

/** What to say where events are asked for and tracefs is not there. */
export function tracefsMissing(): DtError | undefined {
  if (tracefsPath() !== undefined) return undefined;
  const mounted = /^\S+ \S+ (tracefs|debugfs) /m.test(readText("/proc/mounts") ?? "");
  const reason = mounted && Deno.uid() !== 0
    ? "tracefs may only be read by root, or with CAP_DAC_READ_SEARCH"
    : "tracefs is not mounted: mount -t tracefs tracefs /sys/kernel/tracing";
  return new DtError(mounted ? "EACCES" : "ENOENT", `Cannot read trace events: ${reason}`, {
    operation: "tracefs",
  });
}
