// The command line of btrace.

import type { Device } from "../../core/device/device.ts";
import type { PlaneName } from "../../core/contract/provider.ts";
import denoJson from "../../deno.json" with { type: "json" };
import { NOTHING_TO_ATTACH } from "../../language/check/expand.ts";
import { ScriptError } from "../../language/syntax/diagnostics.ts";
import { type Options, parseOptions, STAGES, USAGE } from "./options.ts";
import { UsageError } from "../cli/command_line.ts";
import { choosePlane } from "../cli/plane.ts";
import { reportError, tell, write, writeAll } from "../cli/terminal.ts";
import type { WorkerReply, WorkerRequest } from "./worker.ts";
import { abortOnSignals, onEndSignals } from "../cli/signals.ts";

/**
 * Runs btrace with its command line and reports errors on standard error.
 *
 * @param args Command line arguments.
 * @returns Exit status.
 */
export async function main(args: readonly string[]): Promise<number> {
  try {
    return await dispatch(await optionsOf(args));
  } catch (error) {
    if (error instanceof ScriptError && error.diagnostics.at(-1)?.code === NOTHING_TO_ATTACH) {
      write(Deno.stdout, `${error.diagnostics.at(-1)!.message}\n`);
      return 1;
    }
    if (error instanceof Error && error.name === "OptionsAsked") {
      write(Deno.stderr, `${error.message}\n`);
      return 1;
    }
    if (error instanceof Error && error.name === "EnvironmentError") {
      write(Deno.stderr, `${error.message}\n`);
      return 2;
    }
    // With -f json errors are bpftrace's, which are text.
    const json = args.includes("--json");
    const tool = /^[a-z]\w*$/.test(args[0] ?? "") ? `btrace ${args[0]}` : "btrace";
    return reportError(error, tool, { verbose: args.includes("-v"), json });
  }
}

/** The options of a command line, whose first word may be the name of a tool. */
async function optionsOf(args: readonly string[]): Promise<Options | string> {
  const [name, ...rest] = args;
  if (!/^[a-z]\w*$/.test(name ?? "")) return parseOptions(args);
  const { nearestTool, packagedTool, toolOptions } = await import("./packaged.ts");
  const tool = await packagedTool(name);
  if (tool !== undefined) return toolOptions(tool, rest);
  const near = isThere(name) ? undefined : nearestTool(name);
  if (near === undefined) return parseOptions(args);
  throw new UsageError(
    `failed to open file '${name}': No such file or directory\nHINT: did you mean the tool '${near}'?`,
  );
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

async function dispatch(options: Options | string): Promise<number> {
  if (typeof options === "string") return write(Deno.stdout, options);
  const { mode } = options;
  if (mode === "help") return await help(options.positional);
  if (mode === "version") return write(Deno.stdout, `btrace v${denoJson.version}\n`);
  if (options.completions !== undefined) {
    const [{ completions }, { parseHelp }, { TOOL_NAMES: words }] = await Promise.all([
      import("../cli/completions.ts"),
      import("../cli/help.ts"),
      import("./packaged.ts"),
    ]);
    const command = { help: parseHelp(USAGE), words, listsProbes: true };
    return write(Deno.stdout, completions(options.completions, [command]));
  }
  if (mode === "tools") {
    const { toolList } = await import("./packaged.ts");
    const text = await toolList(options.positional.join(" "));
    if (text === "") throw new UsageError(`no tool has '${options.positional.join(" ")}'`);
    return write(Deno.stdout, text);
  }
  if (mode === "info") {
    const { systemInfo } = await import("./info.ts");
    return write(Deno.stdout, systemInfo());
  }
  if (options.list) {
    const [{ list }, { openFor }] = await Promise.all([
      import("./list.ts"),
      import("./open_device.ts"),
    ]);
    const program = options.program ?? await readIfScript(options.positional[0]);
    const device = await openFor(options, program ?? options.positional.join());
    const text = await list(device, options, program);
    if (text === "") tell(`NOTE: ${await whyNothing(options, device)}\n`);
    return await (await import("../cli/pager.ts")).page(text);
  }
  if (mode === "fmt") return await format(options);
  if (options.debug.length > 0) return await show(options);
  if (options.checkOnly) return await check(options);
  const { plane, reason } = choosePlane(options);
  if (options.verbose) write(Deno.stderr, `Plane: ${plane} (${reason})\n`);
  if (mode === "test" || mode === "bench") {
    const { runTests } = await import("./test_probes.ts");
    const { prepare } = await import("./trace_script.ts");
    const { script, device } = await prepare(options, plane);
    return await runTests(script, device, options, (bytes) => writeAll(Deno.stdout, bytes));
  }
  if (plane === "user") return await traceInWorker(options);
  const ending = new AbortController();
  using _signals = abortOnSignals(ending);
  const { prepare, trace } = await import("./trace_script.ts");
  return await trace(await prepare(options, plane), options, ending);
}

/** Prints the help text, or what the reference says of a name. */
async function help([name]: readonly string[]): Promise<number> {
  if (name === undefined) return write(Deno.stdout, USAGE);
  const [{ entryNames, helpText }, { typeOf }] = await Promise.all([
    import("../../language/reference/render.ts"),
    import("../../language/check/probe_names.ts"),
  ]);
  const text = helpText(name) ?? helpText(typeOf(name));
  if (text !== undefined) return write(Deno.stdout, text);
  const { didYouMean } = await import("../../language/syntax/diagnostics.ts");
  const near = didYouMean(name, entryNames(), Infinity);
  throw new UsageError(
    `nothing is named ${name}${near === undefined ? "" : `: did you mean ${near}?`}`,
  );
}

/** Runs the user plane in a worker thread, which this thread tells of signals. */
async function traceInWorker(options: Options): Promise<number> {
  using stack = new DisposableStack();
  const worker = new Worker(import.meta.url, { type: "module", name: WORKER });
  stack.defer(() => worker.terminate());
  const say = (request: WorkerRequest) => worker.postMessage(request);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  worker.onmessage = ({ data }: MessageEvent<WorkerReply>) => resolve(data.status);
  worker.onerror = (event) => {
    event.preventDefault();
    reject(new Error(event.message));
  };
  say({ options });
  stack.use(onEndSignals(() => say("end")));
  return await promise;
}

/** Prints the program in its canonical form (--fmt). */
async function format(options: Options): Promise<number> {
  const { readSource } = await import("./trace_script.ts");
  const source = readSource(options);
  const [{ parse }, { formatProgram }, { Source }] = await Promise.all([
    import("../../language/syntax/parser.ts"),
    import("../../language/syntax/printer.ts"),
    import("../../language/syntax/diagnostics.ts"),
  ]);
  const program = parse(new Source(source.name, source.text));
  return write(Deno.stdout, formatProgram(program, source.text));
}

/** Plane for which -n and -d compile a script: nothing runs, so no privilege is needed. */
function planeOf({ plane, seccomp }: Options): PlaneName {
  return plane === "user" || seccomp ? "user" : "kernel";
}

/** Prints the stages of the compiler that -d names. */
async function show(options: Options): Promise<number> {
  const { dump } = await import("./dump.ts");
  const { prepare } = await import("./trace_script.ts");
  const { script } = await prepare(options, planeOf(options));
  for (const stage of STAGES) {
    const shown = options.debug.includes("all")
      ? stage !== "codegen"
      : options.debug.includes(stage);
    if (shown) write(Deno.stdout, dump(script, stage));
  }
  return 0;
}

/** Compiles the script without running it (-n). */
async function check(options: Options): Promise<number> {
  const { prepare } = await import("./trace_script.ts");
  const { script } = await prepare(options, planeOf(options));
  if (script.plane === "kernel") {
    (await import("../../language/kernel/generate.ts")).generate(script);
  } else (await import("../../language/user/interpret.ts")).interpret(script);
  return 0;
}

/** Why a search lists nothing, in the words in which a script would be refused that has such a probe. */
async function whyNothing(options: Options, device: Device): Promise<string> {
  const [search = "*"] = options.positional;
  if (/^(struct|union|enum)\s/.test(search)) return `no type of the kernel is named '${search}'`;
  if (!search.includes(":")) return `no probe has '${search}' in its name`;
  const { prepare } = await import("./trace_script.ts");
  const program = `${search} { }`;
  try {
    await prepare({ ...options, list: false, program, positional: [] }, planeOf(options));
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error;
    const [{ message, hint }] = error.diagnostics;
    // Of a pattern the compiler says nothing more; the provider may know, if asked for one name of it.
    if (message.startsWith("Probe has no valid attach points")) {
      return device.registry.explain(search.replaceAll("*", "x")) ??
        `no probe matches '${search}'`;
    }
    return `${message.replace(/\.$/, "")}${hint === undefined ? "" : `; ${hint}`}`;
  }
  return `no probe matches '${search}'`;
}

/** Text of the script that a word names: a tool, or a file; undefined for a search. */
async function readIfScript(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  if (/^[a-z]\w*$/.test(path)) {
    return (await (await import("./packaged.ts")).packagedTool(path))?.source.text;
  }
  if (!/[./]/.test(path)) return undefined;
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined;
  }
}

/** Name of the worker of the user plane. */
const WORKER = "btrace user plane";

/**
 * True in the worker, whose module is this one: so a bundle, which is one file, has its worker in it.
 */
export const inWorker: boolean = (globalThis as { name?: unknown }).name === WORKER;

if (inWorker) {
  self.addEventListener("message", async (event) => {
    const { answer } = await import("./worker.ts");
    await answer((event as MessageEvent<WorkerRequest>).data);
  });
}
