// A provider that fails when a probe is enabled. Its default export is asynchronous, which is
// allowed.
import makeTick from "./tick.ts";
import type { Core } from "../../../core/plugin/mod.ts";

export default (core: Core) =>
  Promise.resolve({ ...makeTick(core), alloc: () => undefined as never });
