// A provider of its own: lines that are added to a log file are probes. No privilege is needed.
//
//   deno run -A tools/btrace.ts --plane user --provider examples/log_provider.ts \
//     -e 'log:/var/log/syslog:line { @[str(args.text, 16)] = count(); }'
//
// log:FILE:line fires for each line; args.text is the line, args.number counts them from 1. What is in
// the file already is not told; a file that is cut or replaced is read from its start.

import type { Core, Pcb, Provider, UserAttachment } from "../core/plugin/mod.ts";
import { TextLineStream } from "../tests/std_streams.ts"; // elsewhere: "jsr:@std/streams"

const NAME = /^log:(.+):line$/;

/** What `--provider` calls. */
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
    // There is no end of files: none is listed, any that exists can be named.
    probes: () => [],
    provide(name) {
      const [, file] = NAME.exec(name) ?? [];
      return file !== undefined && exists(file) ? spec(name) : undefined;
    },
    alloc: (probe, request, session) => core.userPcb(probe, request, session, "lines of log files"),
    attachments: (pcbs) => pcbs.map((pcb) => follow(core, pcb)),
  };
}

function exists(file: string): boolean {
  try {
    return Deno.statSync(file).isFile;
  } catch {
    return false;
  }
}

/** Fires for each line until the session stops. */
function follow(core: Core, pcb: Pcb): UserAttachment {
  const [, path] = NAME.exec(pcb.probe.name)!;
  return {
    plane: "user",
    pcbs: [pcb],
    run({ enter, signal }) {
      // At once, not when somebody first wants a line: what is added from now on counts.
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

/** A file that grows, and may be cut or replaced by another one of its name. */
class LogFile implements Disposable {
  readonly path: string;
  #file: Deno.FsFile;
  #at: number;

  /** Starts at the end. */
  constructor(path: string) {
    this.path = path;
    this.#file = Deno.openSync(path);
    this.#at = this.#file.seekSync(0, Deno.SeekMode.End);
  }

  /** What has been added, in pieces: to the file that was open to its end, then to its successor. */
  *read(): Generator<Uint8Array<ArrayBuffer>> {
    do {
      const buffer = new Uint8Array(65536);
      for (let read = this.#file.readSync(buffer); read; read = this.#file.readSync(buffer)) {
        this.#at += read;
        yield buffer.slice(0, read);
      }
    } while (this.#renewed());
  }

  /** Goes to the start of a file that was cut, or to a new one. */
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
      return false; // between two files of one name
    }
    this.#file.close();
    this.#file = next;
    this.#at = 0;
    return true;
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}

/** What is added to a file, whenever its folder has changed. */
async function* added(log: LogFile, signal: AbortSignal): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  using file = log;
  const folder = file.path.includes("/") ? file.path.replace(/[^/]*$/, "") : ".";
  const watcher = Deno.watchFs(folder, { recursive: false });
  signal.addEventListener("abort", () => watcher.close());
  // Something may have been added before the watch began.
  yield* file.read();
  for await (const _ of watcher) yield* file.read();
}
