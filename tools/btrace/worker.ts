// The thread of the user plane: the interpreter and the event sources. The main thread only waits, so
// that its event loop stays free. This thread writes the output: a slow reader holds the traced process back
// instead of filling memory.

import { type Options, USAGE } from "./options.ts";
import { reportError } from "../cli/terminal.ts";
import { prepare, trace } from "./trace_script.ts";

/** A message to the main thread: id of the child that was started, or the exit status. */
export type WorkerMessage = { readonly child: number } | { readonly status: number };

/** The worker's global scope, which can post messages to the main thread. */
declare const self: EventTarget & { postMessage(message: WorkerMessage): void };

const tell = (message: WorkerMessage) => self.postMessage(message);

self.addEventListener("message", async (event) => {
  const { data } = event as MessageEvent<Options>;
  let status: number;
  try {
    status = await trace(await prepare(data, "user"), data, (child) => tell({ child }));
  } catch (error) {
    status = reportError(error, USAGE, data.verbose);
  }
  tell({ status });
});
