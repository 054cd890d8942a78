// A provider whose event source fails while the session runs.
import makeTick from "./tick.ts";
import type { Attachment, Core, Pcb } from "../../../core/plugin/mod.ts";

export default (core: Core) => ({
  ...makeTick(core),
  attachments: (pcbs: readonly Pcb[]): Attachment[] => [{
    plane: "user",
    pcbs,
    run: () => Promise.reject(new RangeError("out of luck")),
  }],
});
