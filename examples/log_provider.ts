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
    contract: core.PROVIDER_CONTRACT,
    name: "log",
    // There is no end of files: none is listed, any that exists can be named.
    probes: () => [],
    provide(name) {
      const [, file] = NAME.exec(name) ?? [];
      return file !== undefined && exists(file) ? spec(name) : undefined;
    },
    alloc: (probe, request, session) => core.userPcb(probe, request, session, "lines of log files"),
    dealloc() {},
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
  const [, file] = NAME.exec(pcb.probe.name)!;
  return {
    plane: "user",
    pcbs: [pcb],
    async run({ enter, signal }) {
      using events = new core.OwnEvents();
      const lines = ReadableStream.from(added(file, signal))
        .pipeThrough(new TextDecoderStream())
        .pipeThrough(new TextLineStream());
      let number = 0n;
      for await (const line of lines) {
        if (signal.aborted) return;
        enter(pcb, events.event([line, ++number]));
      }
    },
  };
}

/** What is added to a file from now on, piece by piece. */
async function* added(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const folder = path.includes("/") ? path.replace(/[^/]*$/, "") : ".";
  // The folder's events tell of a file that is replaced, too.
  const watcher = Deno.watchFs(folder, { recursive: false });
  const changes = watcher[Symbol.asyncIterator]();
  signal.addEventListener("abort", () => watcher.close());
  let file = Deno.openSync(path);
  let { ino } = file.statSync();
  let at = file.seekSync(0, Deno.SeekMode.End);
  const buffer = new Uint8Array(65536);
  try {
    // The first look needs no event: something may have been added before the watch began.
    for (let next: IteratorResult<unknown> = { value: undefined }; !next.done;) {
      const now = stat(path);
      if (now !== undefined && now.ino !== ino) {
        file.close();
        file = Deno.openSync(path);
        ino = now.ino;
        at = 0;
      } else if (now !== undefined && now.size < at) {
        at = file.seekSync(0, Deno.SeekMode.Start);
      }
      for (let read = file.readSync(buffer); read !== null; read = file.readSync(buffer)) {
        at += read;
        yield buffer.slice(0, read);
      }
      next = await changes.next();
    }
  } finally {
    file.close();
  }
}

function stat(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch {
    return undefined; // between two files of one name
  }
}
