// What providers share of perf events.

export { noSuchEvent, PERF_LOCATIONS, perfAttachment, type PerfProgram } from "./attachment.ts";
