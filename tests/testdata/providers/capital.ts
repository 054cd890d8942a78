// A provider with a capital letter in its name, which no script can write.
import makeTick from "./tick.ts";
import type { Core } from "../../../core/plugin/mod.ts";

export default (core: Core) => ({ ...makeTick(core), name: "Tick" });
