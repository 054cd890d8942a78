// The command line of profile.

import denoJson from "../../deno.json" with { type: "json" };
import { kernelPlaneNeeds } from "../../core/bpf/load_failure.ts";
import { DtError, errorCode } from "../../core/errors.ts";
import { checkReplaceable, replaceFile } from "../../core/sys/output_file.ts";
import { abortWithProcess } from "../../core/sys/pidfd.ts";
import { holdChild } from "../cli/child.ts";
import { UsageError } from "../cli/command_line.ts";

import { choosePlane } from "../cli/plane.ts";
import { lineFitter } from "../cli/looks.ts";
import { reportError, tell, write } from "../cli/terminal.ts";
import { abortOnSignals } from "../cli/signals.ts";
import { collect, type Measured } from "./collect.ts";
import { flameGraph } from "./flamegraph.ts";
import { folded } from "./folded.ts";
import { loadPprof } from "../cli/deps.ts";
import { isLogOf, mapAdvice, mapEnvironment } from "./javascript.ts";
import { type OutputFile, parseProfileOptions, type ProfileOptions, USAGE } from "./options.ts";
import { pprof } from "./pprof.ts";
import type { Profile } from "./profile.ts";
import { speedscope } from "./speedscope.ts";
import { amount, topFunctions } from "./top.ts";

/**
 * Runs profile with its command line and reports errors on standard error.
 *
 * @param args Command line arguments.
 * @returns Exit status.
 */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const options = parseProfileOptions(args);
    if (options.mode === "help") return write(Deno.stdout, USAGE);
    if (options.mode === "version") return write(Deno.stdout, `profile v${denoJson.version}\n`);
    return await run(options);
  } catch (error) {
    return reportError(error, "profile");
  }
}

async function run(options: ProfileOptions): Promise<number> {
  const { command, durationS, rateHz, offCpu, outputs } = options;
  const { plane } = choosePlane({ plane: options.plane, seccomp: false });
  if (plane === "user" && (offCpu || (command ?? options.pid) === undefined)) {
    throw new UsageError(
      `${offCpu ? "--offcpu" : "-a"} needs the kernel plane, which needs ${kernelPlaneNeeds()}`,
    );
  }
  using stack = new DisposableStack();
  const ending = new AbortController();
  stack.use(abortOnSignals(ending));
  // A file that cannot be written is refused before minutes of sampling, not after.
  for (const output of outputs) await prepareWriting(output);
  const sending = options.export === undefined ? undefined : await import("./push.ts");
  const target = sending?.parsePushTarget(options.export!);
  const maps = command === undefined ? undefined : stack.use(new OwnMaps());
  const child = command === undefined ? undefined : stack.use(holdChild(command));
  const pid = child?.pid ?? options.pid;
  const subject = command ?? (pid === undefined ? "all processes" : subjectOf(pid));
  if (pid !== undefined) stack.use(abortWithProcess(pid, ending));
  const progress = options.quiet || !Deno.stderr.isTerminal()
    ? undefined
    : (text: string) => void write(Deno.stderr, `\r\x1b[K${text}`);
  let timer: ReturnType<typeof setTimeout> | undefined;
  stack.defer(() => clearTimeout(timer));
  const measured = await collect({
    plane,
    offCpu,
    rateHz,
    pid,
    subject,
    signal: ending.signal,
    onStart() {
      child?.release();
      if (durationS !== undefined) timer = setTimeout(() => ending.abort(), durationS * 1000);
    },
    onEnd(processes) {
      if (maps !== undefined) maps.processes = processes;
    },
    onProgress(samples, elapsedMs) {
      const end = durationS === undefined ? "Ctrl-C ends" : `of ${durationS} s`;
      const count = samples.toLocaleString("en");
      const what = offCpu ? `${count} waits` : `${count} samples`;
      progress?.(`${(elapsedMs / 1000).toFixed(1)} s ${end}, ${what}`);
    },
  });
  progress?.("");
  const { profile } = measured;
  if (outputs.length === 0 && target === undefined) {
    write(
      Deno.stdout,
      lineFitter((line) => line)(topFunctions(profile)),
    );
  }
  for (const output of outputs) await writeProfile(profile, output);
  if (!options.quiet) tell(summary(measured, outputs));
  if (target !== undefined) {
    await sending!.push(target, profile, Uint8Array.from(await pprof(profile)));
    if (!options.quiet) tell(`sent to ${target}\n`);
  }
  return 0;
}

/** Command line of a process, or its id if it has none. */
function subjectOf(pid: number): string {
  try {
    const words = Deno.readTextFileSync(`/proc/${pid}/cmdline`).split("\0").join(" ").trim();
    return words === "" ? `process ${pid}` : words;
  } catch {
    throw new DtError("ESRCH", `Cannot sample process ${pid}: no such process`, {
      operation: "profile",
    });
  }
}

/** Throws if a file cannot be written or the package for its format cannot be loaded. */
async function prepareWriting({ path, format }: OutputFile): Promise<void> {
  try {
    checkReplaceable(path);
    if (format === "pprof") await loadPprof();
  } catch (error) {
    throw cannotWrite(path, error);
  }
}

function cannotWrite(path: string, error: unknown): UsageError {
  if (errorCode(error) !== undefined) return new UsageError((error as Error).message);
  return new UsageError(`Cannot write '${path}': ${(error as Error).message.split("\n")[0]}`);
}

async function writeProfile(profile: Profile, { path, format }: OutputFile): Promise<void> {
  try {
    const content = await inFormat(profile, format);
    replaceFile(path, typeof content === "string" ? new TextEncoder().encode(content) : content);
  } catch (error) {
    if (errorCode(error) === undefined && !(error instanceof Error)) throw error;
    throw cannotWrite(path, error);
  }
}

function inFormat(
  profile: Profile,
  format: OutputFile["format"],
): string | Uint8Array | Promise<Uint8Array> {
  switch (format) {
    case "svg":
      return flameGraph(profile);
    case "folded":
      return folded(profile);
    case "speedscope":
      return speedscope(profile, `dt ${denoJson.version}`);
    case "pprof":
      return pprof(profile);
  }
}

/** How much was measured, unless the table has said so, and what is missing. */
function summary(measured: Measured, outputs: readonly OutputFile[]): string {
  const { profile, warnings, unnamed } = measured;
  let text = "";
  if (outputs.length > 0) {
    text = `${amount(profile)}, written to ${outputs.map(({ path }) => path).join(", ")}\n`;
  }
  for (const warning of warnings) text += `WARNING: ${warning}\n`;
  const advice = mapAdvice(new Map([...unnamed].map((pid) => [pid, executableOf(pid)])));
  if (advice !== undefined) text += `NOTE: ${advice}\n`;
  return text;
}

function executableOf(pid: number): string {
  try {
    return Deno.readLinkSync(`/proc/${pid}/exe`);
  } catch {
    return ""; // gone, or not ours to look at
  }
}

/** Lets a command's runtimes write maps of their code, and removes the maps at the end. */
class OwnMaps implements Disposable {
  /** Ids of the processes whose maps are removed. */
  processes: readonly number[] = [];
  readonly #startMs = Date.now();
  readonly #before = new Map<string, string | undefined>();

  constructor() {
    const variables = mapEnvironment(Deno.env.toObject());
    for (const [name, value] of Object.entries(variables)) {
      this.#before.set(name, Deno.env.get(name));
      Deno.env.set(name, value);
    }
  }

  [Symbol.dispose](): void {
    for (const [name, value] of this.#before) {
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    }
    for (const pid of this.processes) {
      this.#removeLogs(pid);
      const path = `/tmp/perf-${pid}.map`;
      try {
        // A map from before this run stays.
        const { birthtime, mtime } = Deno.statSync(path);
        if ((birthtime ?? mtime ?? new Date(0)).getTime() >= this.#startMs - 1000) {
          Deno.removeSync(path);
        }
      } catch {
        // The process has left no map.
      }
    }
  }

  /** Removes V8's logs from the working directory, which the command shared. */
  #removeLogs(pid: number): void {
    try {
      for (const { name } of Deno.readDirSync(".")) if (isLogOf(name, pid)) Deno.removeSync(name);
    } catch {
      // The working directory cannot be read.
    }
  }
}
