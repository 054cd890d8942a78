// The end of a recorder where operations on its traces arrive.

import { DtError, errorCode } from "../../../core/errors.ts";
import { JSON_LINES } from "../formats/json.ts";
import { FREEBSD } from "../formats/write.ts";
import type { TraceFile } from "../recorder/trace_file.ts";
import type { Tracing } from "../trace_session.ts";
import { type ControlReply, type ControlRequest, readLine, writeLine } from "./protocol.ts";
import { backgroundSocket, ownFolder, remove, sweep } from "./sockets.ts";

/** Kind of the recorder that listens, and its callbacks. */
export interface ListenOptions {
  /** True for the recorder in the background, which records running processes. */
  readonly background: boolean;
  /** Called when a request has added processes. */
  readonly set?: () => void;
  /** Messages for users that no reply has carried yet; replies empty the array. */
  readonly messages?: string[];
  /** True if processes wait for their records, so that files may wait for a reader. */
  readonly sync?: boolean;
}

/**
 * Listens for a trace in the foreground, which goes on without: then nobody can change the trace.
 *
 * @returns The end of the listening, or why there is none.
 */
export function tryListen(tracing: Tracing): Disposable | string {
  try {
    return listen(tracing, { background: false });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return error.message;
  }
}

/**
 * Listens until it is disposed, which removes the socket.
 *
 * @throws {DtError} EADDRINUSE another recorder is there.
 */
export function listen(tracing: Tracing, options: ListenOptions): Disposable {
  const folder = ownFolder();
  sweep(folder);
  const name = options.background ? backgroundSocket(options.sync ?? false) : `${Deno.pid}.sock`;
  const path = `${folder}/${name}`;
  let listener: Deno.UnixListener;
  try {
    listener = Deno.listen({ transport: "unix", path });
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    throw new DtError("EADDRINUSE", `Cannot listen on ${path}`, { operation: "ktrace" });
  }
  const server = new Server(tracing, options);
  // Nobody waits for the next connection: a recorder ends when its work does.
  listener.unref();
  serve(listener, server);
  return {
    [Symbol.dispose]() {
      listener.close();
      remove(path);
      remove(folder); // unless others use it
    },
  };
}

async function serve(listener: Deno.UnixListener, server: Server): Promise<void> {
  for await (const connection of listener) {
    answer(connection, server).catch(() => {}); // whoever asked has gone
  }
}

async function answer(connection: Deno.UnixConn, server: Server): Promise<void> {
  using _ = connection;
  const line = await readLine(connection);
  if (line !== "") await writeLine(connection, server.handle(JSON.parse(line)));
}

/** Does what is asked for. */
class Server {
  readonly #tracing: Tracing;
  readonly #options: ListenOptions;
  readonly #files = new Map<string, TraceFile>();

  constructor(tracing: Tracing, options: ListenOptions) {
    this.#tracing = tracing;
    this.#options = options;
  }

  handle(request: ControlRequest): ControlReply {
    try {
      const count = this.#handle(request);
      const { messages } = this.#options;
      if (messages === undefined) return { count, messages: [] };
      return { count, messages: [...messages.splice(0), ...this.#tracing.takeLoss()] };
    } catch (error) {
      const code = errorCode(error);
      if (code === undefined) throw error;
      return { error: (error as Error).message, code };
    }
  }

  #handle(request: ControlRequest): number {
    const tracing = this.#tracing;
    const { recorder } = tracing;
    switch (request.op) {
      case "set": {
        tracing.mustHave(request);
        const file = this.#file(request);
        const count = this.#set(request, file);
        file.begin();
        this.#options.set?.();
        return count;
      }
      case "clear":
        return request.pids.filter((pid) => tracing.clear(pid, request.points)).length;
      case "clear-file": {
        const wanted = recorder.processes.filter(({ file }) => sameFile(file.path, request.file));
        for (const { pid } of wanted) tracing.clear(pid, ~0);
        return wanted.length;
      }
      case "clear-all": {
        const { length } = recorder.processes;
        tracing.clearAll();
        return length;
      }
      case "pool":
        recorder.resizePool(request.size);
        return 1;
    }
  }

  /**
   * Records processes into a file, which is as it was before if none of them can be recorded.
   *
   * @returns How many are recorded.
   */
  #set({ pids, points }: ControlRequest & { readonly op: "set" }, file: TraceFile): number {
    let count = 0;
    let failure: unknown;
    for (const pid of pids) {
      try {
        this.#tracing.set({ pid }, points, file);
        count++;
      } catch (error) {
        failure = error;
        // A member of a group may have ended meanwhile.
        if (errorCode(error) !== "ESRCH") break;
      }
    }
    const { recorder } = this.#tracing;
    if (!recorder.processes.some((one) => one.file === file)) recorder.discard(file);
    const isMissing = count > 0 && errorCode(failure) === "ESRCH";
    if (failure !== undefined && !isMissing) throw failure;
    return count;
  }

  #file(request: ControlRequest & { readonly op: "set" }): TraceFile {
    const known = this.#files.get(request.file);
    const format = request.format === "json" ? JSON_LINES : FREEBSD;
    if (known?.isOpen && known.failure === undefined && known.isAtItsPath()) {
      if (known.format === format) return known;
      throw new DtError("EBUSY", `Cannot write ${request.file}: it is written in another format`, {
        operation: "ktrace",
      });
    }
    const file = this.#tracing.recorder.open(request.file, {
      append: request.append,
      rotation: request.rotation,
      format,
      whenFull: this.#options.sync ? (request.noWait ? "stop" : "wait") : "later",
    });
    this.#files.set(request.file, file);
    return file;
  }
}

function sameFile(a: string, b: string): boolean {
  if (a === b) return true;
  try {
    const [one, other] = [Deno.statSync(a), Deno.statSync(b)];
    return one.dev === other.dev && one.ino === other.ino;
  } catch {
    return false;
  }
}
