// Runs a compiled script: BEGIN, events, END.

import type { Device } from "../core/device/device.ts";
import { NO_STATS, type SessionStats } from "../core/contract/stats.ts";
import type { Script } from "./compile.ts";
import type { Loaded, LoadOptions } from "./model/loaded_script.ts";
import {
  type LiveScript,
  type MakePrinter,
  type Observer,
  openRunner,
  type Runner,
  type RunnerOptions,
} from "./output/runner.ts";
import { storesUserCode } from "./model/types.ts";
import { onSigusr1 } from "../core/sys/sigusr1.ts";

/** How a script is run. */
export interface RunOptions extends RunnerOptions, LoadOptions {
  /** Called when everything is attached. */
  readonly onAttached?: () => void;
  /** True to attach all probes and then end without running any clause. */
  readonly dryRun?: boolean;
}

/** How a run ended. */
export interface RunResult {
  /** Code that exit() was called with; 0 without such a call. */
  readonly exitCode: number;
  /** Counters of the session at its end: events, losses, failures. */
  readonly stats: SessionStats;
}

/**
 * Makes a script ready to run. The code of a plane is loaded on first use.
 *
 * @throws {ScriptError} The script asks for something that the plane cannot do.
 * @throws {DtError} EPERM without CAP_BPF and CAP_PERFMON (kernel plane); VerifierError.
 */
export async function loadScript(
  script: Script,
  device: Device,
  options: LoadOptions,
): Promise<Loaded> {
  const { load } = script.plane === "kernel"
    ? await import("./kernel/load_script.ts")
    : await import("./user/load_script.ts");
  return load(script, device, options);
}

/**
 * Runs a script until exit() or the signal; a script with no probes but BEGIN and END ends at once.
 *
 * @throws {DtError} EPERM without the capabilities that the plane needs; errors of loading and attaching.
 */
export async function run(
  asked: Script,
  device: Device,
  options: RunOptions,
): Promise<RunResult> {
  return await runWith(asked, device, options, {});
}

/** What the owner of a run wants beside the options that are everybody's. */
export interface RunHooks {
  /** Makes another printer than the output format's. */
  readonly printer?: MakePrinter;
  /** Called when maps and session exist, before anything fires. */
  readonly onLoaded?: (loaded: Loaded, runner: Runner) => void;
  /** Called before the script is attached, with its maps; the observer is disposed at the end. */
  readonly observe?: (live: LiveScript, script: Script) => Observer;
  /** Called when all is over, before maps and session are closed; after an error, too. */
  readonly onClosing?: () => void;
}

/** Runs a script as {@linkcode run} does, with a printer and with maps for its owner. */
export async function runWith(
  asked: Script,
  device: Device,
  options: RunOptions,
  hooks: RunHooks,
): Promise<RunResult> {
  const script = await withoutRefused(asked, device, options);
  if (script === undefined) return { exitCode: NOTHING_ATTACHED, stats: NO_STATS };
  let symbolizer = options.symbolizer;
  using loaded = await loadScript(script, device, {
    ...options,
    onUserStack: (pid, frames) => symbolizer?.see(pid, frames),
  });
  const { session, attachable } = loaded;
  using stack = new DisposableStack();
  if (symbolizer === undefined && attachable > 0 && namesUserCode(script, loaded)) {
    const { openUserNames } = await import("./names/user_names.ts");
    symbolizer = stack.use(await openUserNames(script, options.pid));
  }
  const ownerOf = /\b(container|pod)\b/.test(script.source.text)
    ? (await import("./output/containers.ts")).ownerOf
    : undefined;
  using runner = await openRunner(
    script,
    loaded,
    { ...options, symbolizer, ownerOf },
    hooks.printer,
  );
  hooks.onLoaded?.(loaded, runner);
  stack.defer(() => hooks.onClosing?.());
  const signals = script.probes.filter(({ name }) => name.startsWith("self:signal:"));
  // The checker permits no other signal than SIGUSR1.
  using _listener = signals.length === 0 ? undefined : onSigusr1(() => {
    for (const { name } of signals) loaded.fire(name);
    session.wake();
  });
  const observer = options.dryRun || hooks.observe === undefined
    ? undefined
    : stack.use(hooks.observe(runner, script));
  if (!options.dryRun) loaded.fire("begin");
  if (attachable > 0) session.start();
  if (!options.dryRun) {
    runner.printer.attached(script.probes.reduce((sum, { clauses }) => sum + clauses.length, 0));
  }
  options.onAttached?.();
  if (options.dryRun) return { exitCode: 0, stats: session.stats() };
  if (attachable + signals.length > 0) await runner.follow();
  session.stop();
  await observer?.end();
  runner.finish(() => loaded.fire("end"));
  return { exitCode: runner.exitCode, stats: session.stats() };
}

/** Exit status if no probe of a script could be attached, the same as bpftrace's. */
const NOTHING_ATTACHED = 255;

/**
 * Leaves out probes that the kernel refuses, if the script says by `missing_probes` that it can do
 * without.
 *
 * @returns Undefined if nothing is left of the script.
 */
async function withoutRefused(
  script: Script,
  device: Device,
  { stderr }: RunOptions,
): Promise<Script | undefined> {
  const { config: { missingProbes }, plane, probes } = script;
  if (missingProbes === "error" || plane !== "kernel") return script;
  const { refusedProbes } = await import("./refused_probes.ts");
  const refused = refusedProbes(script, device);
  if (refused.length === 0) return script;
  const say = (text: string) => stderr(new TextEncoder().encode(text));
  if (missingProbes === "warn") {
    for (const { name } of refused) {
      say(`WARNING: Unable to attach probe: ${name}. Skipping.\n`);
    }
  }
  const left = probes.filter((probe) => !refused.includes(probe));
  if (left.length > 0) return { ...script, probes: left };
  say("ERROR: Attachment failed for all probes.\n");
  return undefined;
}

/** True if the script prints addresses of code of processes, in records or in maps. */
function namesUserCode({ maps }: Script, { plans }: Loaded): boolean {
  const types = [
    ...plans.list.flatMap((plan) =>
      plan.kind === "record" ? plan.layout.slots.map(({ type }) => type) : []
    ),
    ...[...maps.values()].flatMap(({ type }) => [type.key, type.value]),
  ];
  return types.some((type) => type !== undefined && storesUserCode(type));
}
