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

export type { CaptureKind, CaptureRequest, State } from "./contract/capture.ts";
export type { ArgumentSpec, Probe, ProbeSpec } from "./contract/probe.ts";
export { globMatcher, isPattern, providerOf } from "./contract/probe_name.ts";
export type { PlaneName, Provider } from "./contract/provider.ts";
export type {
  CgroupFilter,
  EnableRequest,
  EventFilter,
  IdFilter,
  TreeFilter,
} from "./contract/request.ts";
export type { SessionStats } from "./contract/stats.ts";
export type { HeldChild, Target } from "./contract/target.ts";
export { Device, type DeviceOptions, openDevice } from "./device/device.ts";
export type { Captured, CapturedValue, DtEvent } from "./device/event.ts";
export type { SyscallArguments, SyscallRow } from "./device/generated/syscall_probes.ts";
export { PROBE_ENTRY } from "./device/probe_list.ts";
export type {
  CaptureNames,
  CaptureOf,
  NoArgument,
  ProbeNameOf,
  SyscallProbe,
} from "./device/probe_types.ts";
export { type Enabling, Session, type SessionOptions } from "./device/session.ts";
export { DtError, type DtErrorDetail, errorCode } from "./errors.ts";
