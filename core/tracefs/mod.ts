/**
 * The kernel's trace events by their tracefs names: which there are, their fields.
 *
 * @example
 * ```ts ignore
 * import { eventFormat, eventNames } from "./mod.ts";
 *
 * console.log(eventNames().length, eventFormat("sched", "sched_switch")?.fields);
 * ```
 *
 * @see {@link https://docs.kernel.org/trace/events.html}
 * @module
 */

export { eventFormat, eventNames, tracefsMissing, tracefsPath } from "./events.ts";
export { type EventField, type EventFormat, parseFormat } from "./format.ts";
