// Lists the kernel's trace events and reads their formats from tracefs; format.ts parses the
// formats.

import { DtError } from "../errors.ts";
import { type EventFormat, parseFormat } from "./format.ts";

/** Folders where tracefs may be mounted; the second is debugfs's. */
const MOUNTS = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];

let found: string | undefined;

/** Finds the folder where tracefs is mounted and readable; undefined if there is none. */
export function tracefsPath(): string | undefined {
  // A failure is not remembered: somebody may mount tracefs later.
  return found ??= MOUNTS.find((path) => isReadable(`${path}/available_events`));
}

/** Lists the names of all events as "subsystem:event", sorted; empty if tracefs cannot be read. */
export function eventNames(): string[] {
  const path = tracefsPath();
  if (path === undefined) return [];
  return readText(`${path}/available_events`)!.split("\n").filter((line) => line !== "").sort();
}

/** Formats that were read, by "subsystem/event". */
const formats = new Map<string, EventFormat>();

/**
 * Reads the number and the fields of an event.
 *
 * @returns undefined if there is no such event or tracefs cannot be read.
 */
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

/** Reads the text of a file; undefined if the file is missing or this user may not read it. */
function readText(path: string): string | undefined {
  return ifReadable(() => Deno.readTextFileSync(path));
}

/**
 * True if a file can be opened. The file is not read, since the kernel makes its text anew for each
 * reader.
 */
function isReadable(path: string): boolean {
  return ifReadable(() => {
    Deno.openSync(path).close();
    return true;
  }) ?? false;
}

/** Calls a function; undefined if the file it reads is missing or not for this user. */
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

/**
 * Explains why trace events cannot be read, for a message.
 *
 * @returns EACCES or ENOENT with the reason and the remedy; undefined if tracefs can be read.
 */
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
