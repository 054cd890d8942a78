// The thread of the user plane: the interpreter and the event sources. The main thread only waits, so
// that its event loop stays free. This thread writes the output: a slow reader holds the traced process back
// instead of filling memory.

import type { Options } from "./options.ts";
import { reportError } from "../cli/terminal.ts";
import { prepare, trace } from "./trace_script.ts";

/** A message from the main thread: the command line, or the wish to end. */
export type WorkerRequest = { readonly options: Options } | "end";

/** A message to the main thread: the exit status. */
export interface WorkerReply {
  /** Exit status of the tool. */
  readonly status: number;
}

/** The worker's global scope, which can post messages to the main thread. */
declare const self: EventTarget & { postMessage(message: WorkerReply): void };

const ending = new AbortController();

/** Does what a message of the main thread asks for; cli.ts hands them in. */
export async function answer(data: WorkerRequest): Promise<void> {
  if (data === "end") return ending.abort();
  const { options } = data;
  let status: number;
  try {
    status = await trace(await prepare(options, "user"), options, ending);
  } catch (error) {
    status = reportError(error, "btrace", {
      verbose: options.verbose,
      json: options.jsonErrors,
    });
  }
  self.postMessage({ status });
}
