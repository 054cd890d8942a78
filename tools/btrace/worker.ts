// The thread of the user plane: the interpreter and the event sources. The main thread only waits, so
// that its event loop stays free. Output is written from here: whoever reads it slowly holds the traced
// process back and fills no memory.

import { type Options, USAGE } from "./options.ts";
import { reportError } from "../cli/terminal.ts";
import { prepare, trace } from "./trace_script.ts";

/** What it tells the main thread: the child that it has started, and how it has ended. */
export type WorkerMessage = { readonly child: number } | { readonly status: number };

/** What a worker has and the main thread has not. */
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
