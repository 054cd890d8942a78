/**
 * The dt device: probes, sessions, events.
 *
 * @example Print every file that any process opens
 * ```ts ignore
 * import { openDevice } from "./mod.ts";
 * import { syscall } from "../providers/syscall/mod.ts";
 *
 * const device = openDevice({ providers: [syscall()] });
 * using session = device.open();
 * const opens = session.enable("syscall:openat:entry", {
 *   states: ["comm"],
 *   capture: { filename: "string" },
 * });
 * session.start();
 * for await (const event of session) {
 *   if (opens.is(event)) console.log(event.comm, event.captured.filename);
 * }
 * ```
 *
 * @module
 */

export { CONTROL, CPU_BLOCK, DOORBELL } from "./blocks.ts";
export { Device, type DeviceOptions, openDevice } from "./device.ts";
export { DtError, type DtErrorDetail, errorCode } from "./errors.ts";
export {
  type Captured,
  type CapturedValue,
  type CaptureSlot,
  COMM_BYTES,
  type DtEvent,
  EVENT,
  type EventLayout,
  eventLayout,
  HEADER,
  KIND_EVENT,
  STATE_BIT,
} from "./event.ts";
export type { EventFilter } from "./filter.ts";
export { emitLoad } from "./location.ts";
export type { Pcb } from "./pcb.ts";
export type {
  CpuWords,
  KernelPlane,
  LoadedProgram,
  ProgramTable,
  RecordHandler,
  RecordSource,
} from "./plane.ts";
export { globMatcher, isPattern, Probe, providerOf } from "./probe.ts";
export { PROBE_ENTRY } from "./probe_list.ts";
export * from "./provider.ts";
export { Registry } from "./registry.ts";
export { emitPidTgid, type NamespaceId } from "./thread_id.ts";
export { emitHeader, type OutputSite, RingOutput } from "./ring_output.ts";
export {
  type Enabling,
  NO_PROBE,
  Session,
  type SessionOptions,
  type SessionServices,
} from "./session.ts";
export type { SessionStats } from "./stats.ts";
