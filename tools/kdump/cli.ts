// The command line of kdump.

import denoJson from "../../deno.json" with { type: "json" };
import { reportError, write } from "../cli/terminal.ts";
import { UsageError } from "../cli/command_line.ts";
import { onEndSignals } from "../cli/signals.ts";
import { recordJson } from "../ktrace/formats/json.ts";
import { type Item, RecordReader } from "../ktrace/formats/reader.ts";
import { KTR, type KtrType } from "../ktrace/formats/types.ts";
import { pointOf } from "../ktrace/formats/points.ts";
import type { KtrRecord, RecordKind, SystemName } from "../ktrace/formats/record.ts";
import { systemBy } from "../ktrace/systems/linux.ts";
import { Lines } from "./lines.ts";
import { type KdumpOptions, parseKdumpOptions, USAGE } from "./options.ts";
import { Summary } from "./summary.ts";
import { Tree } from "./tree.ts";

const CHUNK = 1 << 18;
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
    return reportError(error, USAGE);
  }
}

async function dump(options: KdumpOptions): Promise<number> {
  const view = viewOf(options);
  let status = 0;
  const reader = new RecordReader(options.from);
  const take = (items: Iterable<Item>) => {
    let text = "";
    for (const item of items) {
      if ("damage" in item) {
        const { damage, at, bytes } = item;
        if (text !== "") write(Deno.stdout, text);
        text = "";
        write(
          Deno.stderr,
          `kdump: ${options.file}: no record at byte ${at} (${damage}): ${bytes} bytes skipped\n`,
        );
        status = 1;
      } else if (isWanted(item.record, options)) {
        text += view.add(item.record, item.system);
      }
      if (text.length > CHUNK) {
        write(Deno.stdout, text);
        text = "";
      }
    }
    if (text !== "") write(Deno.stdout, text);
  };
  for await (const chunk of chunks(options)) take(reader.push(chunk));
  take(reader.end());
  let text = "";
  for (const part of view.end()) {
    text += part;
    if (text.length > CHUNK) {
      write(Deno.stdout, text);
      text = "";
    }
  }
  write(Deno.stdout, text);
  return status;
}

/** Turns records into text: some at each record, the rest at the end. */
interface View {
  add(record: KtrRecord, system: SystemName): string;
  end(): Iterable<string>;
}

function viewOf(options: KdumpOptions): View {
  const nameOf = (code: number, system: SystemName) =>
    systemBy(system).syscall(code) ?? `[${code}]`;
  switch (options.mode) {
    case "summary":
    case "tree": {
      const view = options.mode === "summary" ? new Summary(nameOf) : new Tree(nameOf);
      return {
        add(record, system) {
          view.add(record, system);
          return "";
        },
        end: () => view instanceof Tree ? view.lines() : [view.format()],
      };
    }
    case "json":
      return { add: (record, system) => `${recordJson(record, system)}\n`, end: () => [] };
    default: {
      const lines = new Lines(options);
      return { add: (record, system) => lines.format(record, system), end: () => [] };
    }
  }
}

/** Types of records by kind, for the letters of -t. */
const KINDS: ReadonlyMap<RecordKind, KtrType> = new Map(
  Object.entries(KTR) as [RecordKind, KtrType][],
);

function isWanted(record: KtrRecord, { id, points }: KdumpOptions): boolean {
  if (id !== undefined && record.pid !== id && record.tid !== id) return false;
  const type = KINDS.get(record.kind);
  return points === -1 || (type !== undefined && (points & pointOf(type)) !== 0);
}

function unreadable(file: string, error: unknown): UsageError {
  const [reason] = (error as Error).message.split(/ \(os error|: /);
  return new UsageError(`cannot read ${file}: ${reason}`);
}

/** Reads the file in pieces; with -l until a signal, else to the end. */
async function* chunks({ file, follow }: KdumpOptions): AsyncGenerator<Uint8Array> {
  let input: Deno.FsFile | typeof Deno.stdin;
  try {
    input = file === "-" ? Deno.stdin : Deno.openSync(file);
  } catch (error) {
    throw unreadable(file, error);
  }
  const ended = Promise.withResolvers<void>();
  let stopped = false;
  using stack = new DisposableStack();
  if (follow) {
    stack.use(onEndSignals(() => {
      stopped = true;
      ended.resolve();
    }));
  }
  try {
    const buffer = new Uint8Array(CHUNK);
    while (!stopped) {
      const count = await input.read(buffer).catch((error) => {
        throw unreadable(file, error);
      });
      if (count !== null) {
        yield buffer.subarray(0, count);
        continue;
      }
      if (!follow) return;
      const timer = Promise.withResolvers<void>();
      const id = setTimeout(timer.resolve, FOLLOW_MS);
      await Promise.race([timer.promise, ended.promise]);
      clearTimeout(id);
    }
  } finally {
    if (file !== "-") input.close();
  }
}
