// What providers share of perf events.

export { noSuchEvent, perfAttachment, type PerfProgram } from "./attachment.ts";
