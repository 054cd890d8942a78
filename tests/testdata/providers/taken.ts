// Has a name that is taken.
import makeTick from "./tick.ts";
import type { Core } from "../../../core/plugin/mod.ts";

export default (core: Core) => ({ ...makeTick(core), name: "syscall" });
