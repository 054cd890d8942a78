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

export { CONTROL, CPU_BLOCK, DOORBELL } from "./contract/blocks.ts";
export {
  type CaptureSlot,
  COMM_BYTES,
  EVENT,
  type EventLayout,
  eventLayout,
  HEADER,
  KIND_EVENT,
  STATE_BIT,
} from "./contract/event_layout.ts";
export type {
  CpuWords,
  KernelPlane,
  LoadedProgram,
  ProgramTable,
  RecordHandler,
  RecordSource,
} from "./contract/kernel_plane.ts";
export * from "./contract/mod.ts";
export { globMatcher, isPattern, providerOf } from "./contract/probe_name.ts";
export { Device, type DeviceOptions, openDevice } from "./device/device.ts";
export type { Captured, CapturedValue, DtEvent } from "./device/event.ts";
export type {
  CaptureNames,
  CaptureOf,
  NoArgument,
  ProbeNameOf,
  SyscallProbe,
} from "./device/probe_types.ts";
export type { SyscallArguments } from "./device/generated/syscall_probes.ts";
export { PROBE_ENTRY } from "./device/probe_list.ts";
export { Registry } from "./device/registry.ts";
export {
  type Enabling,
  NO_PROBE,
  Session,
  type SessionOptions,
  type SessionServices,
} from "./device/session.ts";
export type { SessionStats } from "./contract/stats.ts";
export { DtError, type DtErrorDetail, errorCode } from "./errors.ts";
export { emitLoad } from "./kernel_plane/location.ts";
export { emitHeader, RingOutput } from "./kernel_plane/ring_output.ts";
export { emitPidTgid } from "./kernel_plane/thread_id.ts";
