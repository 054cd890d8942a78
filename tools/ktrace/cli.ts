// The command line of ktrace.

import denoJson from "../../deno.json" with { type: "json" };
import { DtError } from "../../core/errors.ts";
import { descendantsOf } from "../../providers/proc-events/mod.ts";
import { processOf } from "../cli/child.ts";
import { statusField } from "../../core/sys/thread.ts";
import { reportError, write } from "../cli/terminal.ts";
import { askAll, askBackground } from "./background/client.ts";
import { recordInBackground } from "./background/recorder.ts";
import { groupMembers, isAlive } from "./process_files.ts";
import { isSync, recordCommand } from "./foreground.ts";
import { type KtraceOptions, parseKtraceOptions, USAGE } from "./options.ts";

/** First argument of the recorder in the background, which ktrace starts itself. */
const BACKGROUND = "--background-recorder";

/**
 * Runs ktrace with its command line and reports errors on standard error.
 *
 * @param args Command line arguments.
 * @returns Exit status.
 */
export async function main(args: readonly string[]): Promise<number> {
  let verbose = false;
  try {
    if (args[0] === BACKGROUND) {
      return await recordInBackground(parseKtraceOptions([...args.slice(1), "-C"]));
    }
    const options = parseKtraceOptions(args);
    verbose = options.verbose;
    return await run(options);
  } catch (error) {
    return reportError(error, "ktrace", { verbose });
  }
}

async function run(options: KtraceOptions): Promise<number> {
  const { mode, points } = options;
  switch (mode) {
    case "help":
      return write(Deno.stdout, USAGE);
    case "version":
      return write(Deno.stdout, `ktrace v${denoJson.version}\n`);
    case "command":
      return await recordCommand(options);
    case "set":
      await set(options);
      return 0;
    case "clear": {
      const pids = targets(options);
      const count = await askAll({ op: "clear", pids, points });
      if (count === 0) throw notRecorded(options);
      return 0;
    }
    case "clear-file":
      if (await askAll({ op: "clear-file", file: absolute(options.file) }) === 0) {
        throw new DtError("ESRCH", `Nobody is recorded into ${options.file}`, {
          operation: "ktrace",
        });
      }
      return 0;
    case "pool":
      if (await askAll({ op: "pool", size: options.pool! }) === 0) {
        throw new DtError("ESRCH", "No recorder is running", { operation: "ktrace" });
      }
      return 0;
    case "clear-all":
      await askAll({ op: "clear-all" });
      return 0;
  }
}

async function set(options: KtraceOptions): Promise<void> {
  const { points, append, rotation, format, noWait, genioBytes, pool, ringBytes } = options;
  const pids = targets(options);
  const start = [
    BACKGROUND,
    ...(isSync(options) ? ["--sync"] : []),
    `--genio-size=${genioBytes}`,
    ...(pool === undefined ? [] : [`--request-pool=${pool}`]),
    ...(ringBytes === undefined ? [] : [`--ring-size=${ringBytes}`]),
  ];
  const file = absolute(options.file);
  const asked = { genioBytes: options.explicitGenio ? genioBytes : undefined, ringBytes, pool };
  await askBackground(
    { op: "set", pids, points, file, append, rotation, format, noWait, ...asked },
    start,
  );
}

/** Ids of the processes that -p or -g, and -d, name at this moment. */
function targets({ pid, pgrp, descend }: KtraceOptions): number[] {
  const roots = pid === undefined ? [...groupMembers(pgrp!)] : [processOf(pid)];
  if (pid !== undefined && !isAlive(pid)) {
    const reason = statusField(pid, "Tgid") === undefined
      ? `No process has number ${pid}`
      : `Process ${pid} has ended and waits for its parent: it is a zombie`;
    throw new DtError("ESRCH", reason, { operation: "ktrace" });
  }
  const all = descend ? roots.flatMap((root) => [root, ...descendantsOf(root).keys()]) : roots;
  // The group may hold ktrace itself.
  const found = [...new Set(all)].filter((one) => one !== Deno.pid || one === pid);
  if (found.length === 0) {
    throw new DtError("ESRCH", `No process is in group ${pgrp}`, { operation: "ktrace" });
  }
  return found;
}

function notRecorded({ pid, pgrp }: KtraceOptions): DtError {
  const what = pid === undefined ? `No process of group ${pgrp}` : `Process ${pid}`;
  return new DtError("ESRCH", `${what} is ${pid === undefined ? "" : "not "}recorded`, {
    operation: "ktrace",
  });
}

/** Absolute path of a file: the recorder in the background has another working directory. */
function absolute(file: string): string {
  return file.startsWith("/") ? file : `${Deno.cwd()}/${file}`;
}
