// The command line of kdump.

import denoJson from "../../deno.json" with { type: "json" };
import { Out } from "../../language/output/output_buffer.ts";
import { lineFitter } from "../cli/looks.ts";
import { coloured, reportError, write, writeAll } from "../cli/terminal.ts";
import { openTimelineFile, Timeline } from "../cli/timeline.ts";
import { UsageError } from "../cli/command_line.ts";
import { sleep } from "../../core/until_aborted.ts";
import { abortOnSignals } from "../cli/signals.ts";
import { recordJson } from "../ktrace/formats/json.ts";
import type { Cursor } from "../ktrace/formats/cursor.ts";
import { Walk } from "../ktrace/formats/reader.ts";
import { KTR } from "../ktrace/formats/types.ts";
import { pointOf } from "../ktrace/formats/points.ts";
import type { SystemName } from "../ktrace/formats/record.ts";
import { systemBy } from "../ktrace/systems/linux.ts";
import { Lines } from "./lines.ts";
import { type KdumpOptions, parseKdumpOptions, USAGE } from "./options.ts";
import { Summary } from "./summary.ts";
import { TraceTimeline } from "./timeline.ts";
import { Tree } from "./tree.ts";

const CHUNK = 1 << 18;
/** Characters of JSON that are put at once. */
const MOST_TEXT = 1 << 14;
/** Milliseconds between two looks at a file that grows. */
const FOLLOW_MS = 100;

/**
 * Runs kdump: shows the records of a trace file on standard output.
 *
 * @param args Command line arguments, without the program's name.
 * @returns Exit status: 0, or 1 after an error or damage in the file.
 */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const options = parseKdumpOptions(args);
    if (options.mode === "help") return write(Deno.stdout, USAGE);
    if (options.mode === "version") return write(Deno.stdout, `kdump v${denoJson.version}\n`);
    return await dump(options);
  } catch (error) {
    return reportError(error, "kdump");
  }
}

/** Gives the kind of a record a colour, and a failed return that of a failure. */
function paint(line: string): string {
  if (/ RET .* errno \d+/.test(line)) {
    return coloured(line.trimEnd(), "failed") + (line.endsWith("\n") ? "\n" : "");
  }
  return line.replace(
    /(?<= )[A-Z]{3,4} (?= )|(?<= )[A-Z]{4}(?= )/,
    (kind) => coloured(kind, "kind"),
  );
}

async function dump(options: KdumpOptions): Promise<number> {
  const isLines = options.mode === "lines" && Deno.stdout.isTerminal();
  const fit = lineFitter(paint);
  const out = new Out((bytes) => {
    if (isLines) write(Deno.stdout, fit(new TextDecoder().decode(bytes)));
    else writeAll(Deno.stdout, bytes);
  });
  using stack = new DisposableStack();
  const view = viewOf(out, options, stack);
  let status = 0;
  const walk = new Walk(options.from);
  const { cursor } = walk;
  const isWanted = filterOf(options);
  const take = () => {
    for (let found = walk.next(); found !== undefined; found = walk.next()) {
      if (found !== true) {
        const { damage, at, bytes } = found;
        view.pause?.();
        out.flush();
        write(
          Deno.stderr,
          `kdump: ${options.file}: no record at byte ${at} (${damage}): ${bytes} bytes skipped\n`,
        );
        status = 1;
      } else if (isWanted(cursor)) {
        view.add(cursor, walk.system);
        out.flushIfLarge();
      }
    }
    view.pause?.();
    out.flush();
  };
  await eachPiece(options, walk, take);
  walk.end();
  take();
  for (const part of view.end?.() ?? []) {
    out.utf8(part);
    out.flushIfLarge();
  }
  out.flush();
  return status;
}

/** Shows records: some as they come, the rest at the end. */
interface View {
  /** Takes the record that the cursor is at. */
  add(cursor: Cursor, system: SystemName): void;
  /** Puts what it has kept: more bytes of the file may be long in coming. */
  pause?(): void;
  /** What is to be shown when there are no more records. */
  end?(): Iterable<string>;
}

function viewOf(out: Out, options: KdumpOptions, stack: DisposableStack): View {
  const nameOf = (code: number, system: SystemName) =>
    systemBy(system).syscall(code) ?? `[${code}]`;
  switch (options.mode) {
    case "summary": {
      const summary = new Summary(nameOf);
      return {
        add(cursor, system) {
          if (cursor.isCall()) cursor.readCall();
          summary.add(cursor, system);
        },
        end: () => [summary.format()],
      };
    }
    case "tree": {
      const tree = new Tree(nameOf);
      return {
        add: (cursor, system) => tree.add(cursor.record(), system),
        end: () => tree.lines(),
      };
    }
    case "json": {
      let text = "";
      const put = () => {
        out.utf8(text);
        text = "";
      };
      return {
        add(cursor, system) {
          text += `${recordJson(cursor.record(), system)}\n`;
          if (text.length > MOST_TEXT) put();
        },
        pause: put,
      };
    }
    case "timeline": {
      const file = stack.use(openTimelineFile(options.timeline!));
      const view = new TraceTimeline(options, (startMs) => new Timeline(file, startMs));
      return {
        add: (cursor, system) => view.add(cursor, system),
        end() {
          view.end();
          return [];
        },
      };
    }
    default:
      return new Lines(out, options);
  }
}

/** Tells the records that are wanted by their headers. */
function filterOf({ id, points }: KdumpOptions): (cursor: Cursor) => boolean {
  const kinds: ReadonlySet<string> = new Set(
    Object.entries(KTR).flatMap(([kind, type]) => (points & pointOf(type)) !== 0 ? [kind] : []),
  );
  return (cursor) => {
    if (id !== undefined && cursor.pid !== id && cursor.tid !== id) return false;
    return points === -1 || kinds.has(cursor.kind);
  };
}

function unreadable(file: string, error: unknown): UsageError {
  const [reason] = (error as Error).message.split(/ \(os error|: /);
  return new UsageError(`cannot read ${file}: ${reason}`);
}

/** Reads the file in pieces, and says when there is one; with -l until a signal, else to the end. */
async function eachPiece(
  { file, follow }: KdumpOptions,
  walk: Walk,
  take: () => void,
): Promise<void> {
  let input: Deno.FsFile | typeof Deno.stdin;
  try {
    input = file === "-" ? Deno.stdin : Deno.openSync(file);
  } catch (error) {
    throw unreadable(file, error);
  }
  const ending = new AbortController();
  using stack = new DisposableStack();
  stack.defer(() => file === "-" || input.close());
  if (follow) stack.use(abortOnSignals(ending));
  // A signal ends a kdump that does not follow, wherever it waits.
  const isWaited = follow || file === "-";
  while (!ending.signal.aborted) {
    let count: number | null;
    try {
      const room = walk.room(CHUNK);
      count = isWaited ? await input.read(room) : input.readSync(room);
    } catch (error) {
      throw unreadable(file, error);
    }
    if (count !== null) {
      walk.took(count);
      take();
      continue;
    }
    if (!follow) return;
    await sleep(FOLLOW_MS, ending.signal);
  }
}
