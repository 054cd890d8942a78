/**
 * The names that a provider in a module of its own is given: the default export of its module, a function
 * like `makeHeart` below, is called with the names of this module. So the provider imports only types of dt,
 * and works with any copy of dt that calls it.
 *
 * @example A provider with one probe, which fires each second
 * ```ts
 * import type { Core, Provider } from "./mod.ts";
 *
 * function makeHeart(core: Core): Provider {
 *   const name = "heart:beat";
 *   return {
 *     contract: 1, // the version that it was written for
 *     name: "heart",
 *     probes: () => [{ name, args: [] }],
 *     provide: (wanted) => wanted === name ? { name, args: [] } : undefined,
 *     alloc: (probe, request, session) => core.userPcb(probe, request, session, "beats"),
 *     attachments: (pcbs) => pcbs.map((pcb) => ({
 *       plane: "user",
 *       pcbs: [pcb],
 *       run({ enter, signal }) {
 *         const events = new core.OwnEvents();
 *         const timer = setInterval(() => enter(pcb, events.event([])), 1000);
 *         return new Promise((resolve) =>
 *           signal.addEventListener("abort", () => {
 *             clearInterval(timer);
 *             events[Symbol.dispose]();
 *             resolve();
 *           })
 *         );
 *       },
 *     })),
 *   };
 * }
 * ```
 *
 * @module
 */

export { attachPerfEvent, attachRawTracepoint, attachTracepoint } from "../bpf/link.ts";
export { CONTROL, CPU_BLOCK, DOORBELL } from "../contract/blocks.ts";
export {
  type CaptureSlot,
  COMM_BYTES,
  EVENT,
  type EventLayout,
  eventLayout,
  HEADER,
  KIND_EVENT,
  STATE_BIT,
} from "../contract/event_layout.ts";
export type {
  CpuWords,
  KernelPlane,
  LoadedProgram,
  ProgramTable,
  RecordHandler,
  RecordSource,
} from "../contract/kernel_plane.ts";
export * from "../contract/mod.ts";
export { Registry } from "../device/registry.ts";
export { NO_PROBE, type SessionServices } from "../device/session.ts";
export { DtError, type DtErrorDetail, errorCode } from "../errors.ts";
export { emitLoad } from "../kernel_plane/location.ts";
export { emitHeader, RingOutput } from "../kernel_plane/ring_output.ts";
export { emitPidTgid } from "../kernel_plane/thread_id.ts";
export { kernelPcb, noSuchProbe, requireTarget, userPcb } from "../sources/pcbs.ts";
export { OwnEvents, type OwnValue } from "./own_events.ts";

/** Type of the argument that a provider's default export is called with. */
export type Core = typeof import("./mod.ts");
