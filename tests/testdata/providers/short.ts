// A provider whose name is the short form of another provider's name.
import makeTick from "./tick.ts";
import type { Core } from "../../../core/plugin/mod.ts";

export default (core: Core) => ({ ...makeTick(core), name: "k" });
