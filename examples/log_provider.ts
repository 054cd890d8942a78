// A provider in a module of its own: each line that is added to a log file fires a probe. No
// privilege is needed.
//
//   deno run -A tools/btrace.ts --plane user --provider examples/log_provider.ts \
//     -e 'log:/var/log/syslog:line { @[str(args.text, 16)] = count(); }'
//
// The probe log:FILE:line fires for each added line; args.text is the line, args.number counts the
// lines from 1. Lines that are in the file before the start fire nothing. A file that is cut or
// replaced is read from its start.

import type { Core, Pcb, Provider, UserAttachment } from "../core/plugin/mod.ts";
import { TextLineStream } from "../tests/std_streams.ts"; // elsewhere: "jsr:@std/streams"

const NAME = /^log:(.+):line$/;

/** Makes the provider; `btrace --provider` calls this function with dt's names. */
export default function (core: Core): Provider {
  const spec = (name: string) => ({
    name,
    args: [
      { name: "text", type: "const char *", at: "arg0" },
      { name: "number", type: "unsigned long", at: "arg1" },
    ],
  });
  return {
    contract: 1,
    name: "log",
    // There are too many files to list, so no probe is listed; every existing file can be named.
    probes: () => [],
    provide(name) {
      const [, file] = NAME.exec(name) ?? [];
      return file !== undefined && exists(file) ? spec(name) : undefined;
    },
    alloc: (probe, request, session) => core.userPcb(probe, request, session, "lines of log files"),
    attachments: (pcbs) => pcbs.map((pcb) => follow(core, pcb)),
  };
}

/** True if a path leads to a regular file. */
function exists(file: string): boolean {
  try {
    return Deno.statSync(file).isFile;
  } catch {
    return false;
  }
}

/** Makes the attachment of a probe, which fires for each line until the session stops. */
function follow(core: Core, pcb: Pcb): UserAttachment {
  const [, path] = NAME.exec(pcb.probe.name)!;
  return {
    plane: "user",
    pcbs: [pcb],
    run({ enter, signal }) {
      // The file is opened now, not when the first line is read: lines added from now on count.
      const pieces = added(new LogFile(path), signal);
      return (async () => {
        using events = new core.OwnEvents();
        const lines = ReadableStream.from(pieces)
          .pipeThrough(new TextDecoderStream())
          .pipeThrough(new TextLineStream());
        let number = 0n;
        for await (const line of lines) {
          if (signal.aborted) return;
          enter(pcb, events.event([line, ++number]));
        }
      })();
    },
  };
}

/** A file that grows, and that may be cut or replaced by another file of its name. */
class LogFile implements Disposable {
  readonly path: string;
  #file: Deno.FsFile;
  #at: number;

  /**
   * Opens the file and goes to its end.
   *
   * @throws {Deno.errors.NotFound} There is no such file.
   */
  constructor(path: string) {
    this.path = path;
    this.#file = Deno.openSync(path);
    this.#at = this.#file.seekSync(0, Deno.SeekMode.End);
  }

  /**
   * Reads everything that has been added, in pieces: the open file to its end, then its successor.
   */
  *read(): Generator<Uint8Array<ArrayBuffer>> {
    do {
      const buffer = new Uint8Array(65536);
      for (let read = this.#file.readSync(buffer); read; read = this.#file.readSync(buffer)) {
        this.#at += read;
        yield buffer.slice(0, read);
      }
    } while (this.#renewed());
  }

  /**
   * Goes to the start of a file that was cut, or opens the file that replaced it; false if neither
   * happened.
   */
  #renewed(): boolean {
    const own = this.#file.statSync();
    if (own.size < this.#at) {
      this.#at = this.#file.seekSync(0, Deno.SeekMode.Start);
      return true;
    }
    let next: Deno.FsFile;
    try {
      if (Deno.statSync(this.path).ino === own.ino) return false;
      next = Deno.openSync(this.path);
    } catch {
      return false; // the old file is gone, the new one not there yet
    }
    this.#file.close();
    this.#file = next;
    this.#at = 0;
    return true;
  }

  /** Closes the file that is open. */
  [Symbol.dispose](): void {
    this.#file.close();
  }
}

/** Yields what is added to a file whenever its folder changes. */
async function* added(log: LogFile, signal: AbortSignal): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  using file = log;
  const folder = file.path.includes("/") ? file.path.replace(/[^/]*$/, "") : ".";
  const watcher = Deno.watchFs(folder, { recursive: false });
  signal.addEventListener("abort", () => watcher.close());
  // Lines may have been added before the watch began.
  yield* file.read();
  for await (const _ of watcher) yield* file.read();
}
