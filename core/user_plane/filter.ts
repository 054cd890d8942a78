// Pure: no I/O, no FFI.
// dt(4)'s filters on the user plane: tests the process or thread id of an event.
// core/kernel_plane/filter.ts emits the same test as code.

import type { EventFilter } from "../contract/request.ts";
import type { UserEvent } from "../contract/user_action.ts";

/**
 * True if an event passes a filter. The filter `descendantsOf` passes all events, since the session's
 * target stands for the tree.
 */
export function passesFilter(filter: EventFilter | undefined, event: UserEvent): boolean {
  if (filter === undefined || "descendantsOf" in filter) return true;
  // Sessions of the user plane refuse such a filter: nothing here knows cgroups.
  if ("inCgroup" in filter) return false;
  return (event.thread[filter.variable] === filter.value) === (filter.operator === "eq");
}
