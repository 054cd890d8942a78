/**
 * What a provider in a module of its own is given: the module's default export, a function like the one
 * below, is called with this one's names. So it needs no copy of dt to run, only its types, and works
 * with whichever copy calls it.
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

export { DtError, type DtErrorDetail, errorCode } from "../errors.ts";
export { attachPerfEvent, attachRawTracepoint, attachTracepoint } from "../bpf/link.ts";
export * from "../contract/mod.ts";
export { kernelPcb, noSuchProbe, requireTarget, userPcb } from "../sources/pcbs.ts";
export { OwnEvents, type OwnValue } from "./own_events.ts";

/** The type of what a provider is given. */
export type Core = typeof import("./mod.ts");
