// What a tool does before anything else: each tool imports this module first.

import { disarmSigusr1 } from "../../core/sys/sigusr1.ts";

try {
  disarmSigusr1();
} catch (error) {
  // A tool that needs the C library says so itself; kdump does not need the library.
  if (!(error instanceof Deno.errors.NotCapable)) throw error;
}
