// Prints every file that any process opens, with the name of the process: dt's device used as a
// library. Needs root.

import { openDevice } from "../core/mod.ts";
import { syscall } from "../providers/syscall/mod.ts";

const device = openDevice({ providers: [syscall()] });
using session = device.open();
const opens = session.enable("syscall:openat:entry", {
  states: ["comm"],
  capture: { filename: "string" },
});
session.start();
for await (const event of session) {
  if (opens.is(event)) console.log(event.comm, event.captured.filename);
}
