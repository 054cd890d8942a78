// What providers and tools share of the kernel's tasks: where their fields are, and their numbers.

export { type Ids, ids } from "./ids.ts";
export { bitOffsetOf, offsetOf } from "../../kernel_plane/task_offsets.ts";
