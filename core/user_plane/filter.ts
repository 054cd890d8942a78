// Pure: no I/O, no FFI.
// dt(4)'s filters on the user plane: a test on the process or thread id of an event.

import type { EventFilter } from "../contract/request.ts";
import type { UserEvent } from "../contract/user_action.ts";

/** True if the filter passes the event. A `tree` passes all: the session's target is the tree. */
export function passesFilter(filter: EventFilter | undefined, event: UserEvent): boolean {
  if (filter === undefined || filter.variable === "tree") return true;
  return (event.thread[filter.variable] === filter.value) === (filter.operator === "eq");
}
