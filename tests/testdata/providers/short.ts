// Has a name that means another provider.
import makeTick from "./tick.ts";
import type { Core } from "../../../core/plugin/mod.ts";

export default (core: Core) => ({ ...makeTick(core), name: "k" });
