// A provider with the name of one of dt's own providers.
import makeTick from "./tick.ts";
import type { Core } from "../../../core/plugin/mod.ts";

export default (core: Core) => ({ ...makeTick(core), name: "syscall" });
