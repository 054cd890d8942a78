// The command line of systrace.

import denoJson from "../../deno.json" with { type: "json" };
import { DtError } from "../../core/errors.ts";
import { statusField } from "../../core/sys/thread.ts";
import { reportError, tell, write } from "../cli/terminal.ts";
import { onEndSignals } from "../cli/signals.ts";
import { isSync, recordCommand, report } from "../ktrace/foreground.ts";
import { LINUX } from "../ktrace/systems/linux.ts";
import { INHERIT, pointOf } from "../ktrace/formats/points.ts";
import { KTR, type KtrType } from "../ktrace/formats/types.ts";
import { Request } from "../ktrace/recorder/request.ts";
import type { TraceFile } from "../ktrace/recorder/trace_file.ts";
import { Tracing } from "../ktrace/trace_session.ts";
import { isAlive } from "../ktrace/process_files.ts";
import { parseSystraceOptions, type SystraceOptions, USAGE } from "./options.ts";
import { Printer } from "./printer.ts";

/** Milliseconds between two looks for calls that take long. */
const TICK_MS = 100;
/** Bytes of the kernel's ring. */
const RING_BYTES = 1 << 26;
/** Least bytes of data to record, which the results of some calls are made of. */
const LEAST_DATA = 32;

/**
 * Runs systrace with its command line and reports errors on standard error.
 *
 * @param args Command line arguments.
 * @returns Exit status: the command's own; 0 or 1 without a command.
 */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const options = parseSystraceOptions(args);
    switch (options.mode) {
      case "help":
        return write(Deno.stdout, USAGE);
      case "version":
        return write(Deno.stdout, `systrace v${denoJson.version}\n`);
      case "command":
        return await traceCommand(options);
      case "attach":
        return await attach(options);
    }
  } catch (error) {
    return reportError(error, "systrace");
  }
}

function warn(message: string): void {
  tell(`systrace: ${message}\n`);
}

/** What the recorder is told: which records are made, and where lines go. */
function recording(options: SystraceOptions) {
  const { follow, count, mostData, file, append } = options;
  const types: KtrType[] = [KTR.syscall, KTR.sysret];
  if (count !== "only" || options.paths.length > 0) {
    types.push(KTR.namei, KTR.genio, KTR.struct, KTR.structArray, KTR.psig, KTR.args, KTR.env);
  }
  const points = types.reduce((bits, type) => bits | pointOf(type), follow ? INHERIT : 0);
  return {
    points,
    file: file ?? "-",
    descriptor: 2 as const,
    append,
    calls: wantedCalls(options),
    ringBytes: RING_BYTES,
    genioBytes: Math.max(mostData, LEAST_DATA),
  };
}

/** Calls that are recorded although nobody has asked for their lines: they tell of ends and of programs. */
const ALWAYS: ReadonlySet<string> = new Set(["exit", "exit_group", "execve", "execveat"]);

/** Which calls the kernel records; undefined for all. */
function wantedCalls({ trace, paths, descriptors }: SystraceOptions) {
  // Paths of descriptors are known by calls that open and close them.
  if (paths.length > 0 || descriptors) return undefined;
  return (number: number) => {
    const name = LINUX.syscall(number);
    return name === undefined || trace(name) || ALWAYS.has(name);
  };
}

async function traceCommand(options: SystraceOptions): Promise<number> {
  const tick = new Request();
  const only = options.follow ? undefined : new Set<number>();
  const printer = new Printer(options, tick, only);
  return await recordCommand(
    {
      ...recording(options),
      command: options.command,
      sync: options.lossless,
      noWait: false,
      verbose: false,
    },
    {
      warn,
      format: printer,
      begin(file, pid) {
        only?.add(pid);
        printer.started(pid, Deno.cwd());
        return ticking(file, tick);
      },
      end: (file) => finish(file, printer, tick),
    },
  );
}

/** Looks again and again for calls that take long. */
function ticking(file: TraceFile, tick: Request): Disposable {
  const timer = setInterval(() => {
    file.append(tick);
    file.flush();
  }, TICK_MS);
  Deno.unrefTimer(timer);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** Writes what is known of calls that have not returned, and the table of -c. */
function finish(file: TraceFile, printer: Printer, tick: Request): void {
  printer.finish();
  file.append(tick);
  file.flush();
}

async function attach(options: SystraceOptions): Promise<number> {
  using stack = new DisposableStack();
  const settings = recording(options);
  const sync = isSync({ sync: options.lossless });
  const processes = new Map<number, number>();
  for (const id of options.pids) {
    const pid = Number(statusField(id, "Tgid") ?? NaN);
    if (Number.isNaN(pid) || !isAlive(pid)) {
      throw new DtError("ESRCH", `Cannot attach to ${id}: no such process`, {
        operation: "attach",
      });
    }
    processes.set(id, pid);
  }
  const tick = new Request();
  const printer = new Printer(options, tick, options.follow ? undefined : new Set(options.pids));
  const tracing = stack.use(new Tracing({ ...settings, sync, warn }));
  let stopped = false;
  stack.use(onEndSignals(() => {
    stopped = true;
    tracing.stop();
  }));
  const file = tracing.recorder.open(settings.file, {
    append: settings.append,
    format: printer,
    descriptor: settings.descriptor,
    whenFull: sync ? "wait" : "later",
  });
  try {
    for (const pid of new Set(processes.values())) {
      tracing.set({ pid }, settings.points, file);
      if (options.quiet === 0) warn(`Process ${pid} attached`);
    }
  } catch (error) {
    tracing.clearAll();
    tracing.recorder.discard(file);
    throw error;
  }
  file.begin();
  for (const [id, pid] of processes) {
    for (const tid of options.follow ? threadsOf(pid) : [id]) {
      const begun = currentCall(pid, tid);
      if (begun !== undefined) printer.begun(pid, tid, begun.code, begun.args);
    }
  }
  const ticks = stack.use(ticking(file, tick));
  await tracing.run();
  ticks[Symbol.dispose]();
  const alive = [...new Set(processes.values())].filter(isAlive);
  tracing.clearAll();
  if (file.isOpen) finish(file, printer, tick);
  if (stopped && options.quiet === 0) {
    for (const pid of alive) warn(`Process ${pid} detached`);
  }
  tracing[Symbol.dispose]();
  report(tracing, file.records, { verbose: false, say: warn });
  return 0;
}

function threadsOf(pid: number): number[] {
  try {
    return [...Deno.readDirSync(`/proc/${pid}/task`)].map(({ name }) => Number(name));
  } catch {
    return [];
  }
}

/** The call that a thread waits in, as /proc tells it; undefined for one that runs or may not be asked. */
function currentCall(
  pid: number,
  tid: number,
): { readonly code: number; readonly args: readonly bigint[] } | undefined {
  try {
    const words = Deno.readTextFileSync(`/proc/${pid}/task/${tid}/syscall`).trim().split(" ");
    if (!/^\d+$/.test(words[0]) || words.length < 7) return undefined;
    const args = words.slice(1, 7).map((word) => BigInt.asIntN(64, BigInt(word)));
    return { code: Number(words[0]), args };
  } catch {
    return undefined;
  }
}
