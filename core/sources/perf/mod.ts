// What providers share of perf events.

export { noSuchEvent, PERF_LOCATIONS, perfAttachment } from "./attachment.ts";
