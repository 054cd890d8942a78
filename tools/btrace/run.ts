// Runs a compiled script on the kernel plane: maps, session, records, end.

import { BPF_F_NO_PREALLOC, BPF_F_RDONLY_PROG, BpfMap } from "../../core/bpf/map.ts";
import { CONTROL } from "../../core/blocks.ts";
import type { Device } from "../../core/device.ts";
import type { EventFilter } from "../../core/filter.ts";
import { providerOf } from "../../core/probe.ts";
import type { Session } from "../../core/session.ts";
import type { SessionStats } from "../../core/stats.ts";
import { MAX_FRAMES, STACK_BYTES } from "./codegen/stacks.ts";
import type { Compiled, CompiledMap, Script } from "./compile.ts";
import type { Sink } from "./output/out.ts";
import { Runner } from "./runner.ts";

/** How to run. */
export interface RunOptions {
  /** What the script prints. */
  readonly stdout: Sink;
  /** What btrace says about it. */
  readonly stderr: Sink;
  /** Ends the run, with END and maps. */
  readonly signal?: AbortSignal;
  /** Only this process's events; clocks, BEGIN and END tick all the same. */
  readonly pid?: number;
  /** The -c child. */
  readonly childPid?: number;
  /** Bytes of the ring. */
  readonly ringBytes?: number;
  /** Called when everything is attached. */
  readonly onAttached?: () => void;
  /** Output as text or as JSON. */
  readonly format?: "text" | "json";
  /** Does not say how many probes are attached. */
  readonly quiet?: boolean;
  /** warnf() says nothing. */
  readonly noWarnings?: boolean;
  /** When output is written: after each round of reading, each line, or when there is much. */
  readonly buffer?: "none" | "line" | "full";
  /** Attaches and ends. */
  readonly dryRun?: boolean;
}

/** How a run ended. */
export interface RunResult {
  /** What exit() was given. */
  readonly exitCode: number;
  /** The session's counters. */
  readonly stats: SessionStats;
}

/** A script whose maps exist and whose programs are in the kernel; nothing fires yet. */
export interface Loaded extends Disposable {
  /** Has the probes enabled and is prepared. */
  readonly session: Session;
  /** By name. */
  readonly maps: ReadonlyMap<string, BpfMap>;
  /** Frames of stacks by their hash, if the script records any. */
  readonly stacks?: BpfMap;
  /** Fires one of btrace's own probes, if the script has it. */
  fire(name: string): void;
  /** Probes of the script that are not btrace's own. */
  readonly attachable: number;
}

/** Fired by btrace itself, in its own thread. */
const SPECIAL = /^(begin$|end$|self:|test:|bench:)/;

/**
 * Creates a script's maps and loads its programs.
 *
 * @throws {DtError} EPERM without CAP_BPF and CAP_PERFMON; VerifierError.
 */
export function load(
  script: Script,
  device: Device,
  options: Pick<RunOptions, "pid" | "ringBytes" | "childPid"> = {},
): Loaded {
  const compiled = script as Compiled;
  using stack = new DisposableStack();
  const maps = new Map<string, BpfMap>();
  for (const [name, map] of compiled.maps) maps.set(name, stack.use(createMap(name, map)));
  const stacks = compiled.usesStacks
    ? stack.use(createStacks(compiled.config.maxMapKeys))
    : undefined;
  compiled.bind({
    maps,
    zeros: stack.use(createZeros(compiled.zeroBytes)),
    stacks,
    childPid: options.childPid,
  });
  const { perfRbPages } = compiled.config;
  const ringBytes = options.ringBytes ?? (perfRbPages === 0 ? undefined : ringSize(perfRbPages));
  const session = stack.use(device.open({ ringBytes }));
  const attachable = compiled.actions.filter(({ name }) => !SPECIAL.test(name));
  for (const { name, pbn, action } of attachable) {
    session.enable(pbn, { action: { kernel: action }, filter: filterOf(name, options.pid) });
  }
  const scratchBytes = Math.max(0, ...compiled.actions.map(({ action }) => action.scratchBytes));
  session.prepare({ scratchBytes });
  const owned = stack.move();
  return {
    session,
    maps,
    stacks,
    attachable: attachable.length,
    fire(name) {
      const one = compiled.actions.find((action) => action.name === name);
      if (one !== undefined) session.run(name, one.action, one.pbn);
    },
    [Symbol.dispose]: () => owned.dispose(),
  };
}

/** A power of two that is at least so many pages. */
function ringSize(pages: number): number {
  return 2 ** Math.ceil(Math.log2(pages * 4096));
}

/**
 * Runs a script until exit(), the signal, or, if it has no other probes than BEGIN and END, at once.
 *
 * @throws {DtError} EPERM without CAP_BPF and CAP_PERFMON; whatever loading and attaching throw.
 */
export async function run(
  script: Script,
  device: Device,
  options: RunOptions,
): Promise<RunResult> {
  using loaded = load(script, device, options);
  const { session, attachable } = loaded;
  const compiled = script as Compiled;
  using runner = new Runner(compiled, loaded, options);
  const signals = compiled.actions.filter(({ name }) => name.startsWith("self:signal:"));
  using _listeners = onSignals(signals.map(({ name }) => name), (name) => {
    loaded.fire(name);
    session.wake();
  });
  if (!options.dryRun) loaded.fire("begin");
  if (attachable > 0) session.start();
  runner.printer.attached(compiled.actions.length);
  options.onAttached?.();
  if (options.dryRun) return { exitCode: 0, stats: session.stats() };
  if (attachable + signals.length > 0) await runner.follow();
  session.stop();
  runner.finish(() => loaded.fire("end"));
  return { exitCode: runner.exitCode, stats: session.stats() };
}

/** Calls back for each signal that a script has a probe for. */
function onSignals(names: readonly string[], fire: (name: string) => void): Disposable {
  const stack = new DisposableStack();
  for (const name of names) {
    const signal = name.split(":")[2] as Deno.Signal;
    const listener = () => fire(name);
    Deno.addSignalListener(signal, listener);
    stack.defer(() => Deno.removeSignalListener(signal, listener));
  }
  return stack;
}

function filterOf(name: string, pid: number | undefined): EventFilter | undefined {
  if (pid === undefined || providerOf(name) === "interval") return undefined;
  return { variable: "pid", operator: "eq", value: pid };
}

function createMap(name: string, { layout }: CompiledMap): BpfMap {
  return new BpfMap({
    type: layout.type,
    name: `AT_${name.slice(1)}`,
    keySize: layout.keySize,
    valueSize: layout.valueSize,
    maxEntries: layout.entries,
    flags: layout.onDemand ? BPF_F_NO_PREALLOC : 0,
  });
}

/** Stacks are many and long: memory only for those that there are. */
function createStacks(keys: number): BpfMap {
  return new BpfMap({
    type: "HASH",
    name: "dt_stacks",
    keySize: 8,
    valueSize: STACK_BYTES,
    maxEntries: Math.max(keys * 4, MAX_FRAMES * 1024),
    flags: BPF_F_NO_PREALLOC,
  });
}

function createZeros(bytes: number): BpfMap {
  return new BpfMap({
    type: "ARRAY",
    name: "dt_zeros",
    keySize: 4,
    valueSize: bytes,
    maxEntries: 1,
    flags: BPF_F_RDONLY_PROG,
  });
}

/** Nothing has ended yet. */
export function clearControl(session: Session): void {
  for (const word of ["exit", "exitCode", "result"] as const) {
    Atomics.store(session.control, CONTROL[word] / 4, 0);
  }
}

/** Where exit() left its code, and `return` its value. */
export function controlWord(session: Session, word: "exit" | "exitCode" | "result"): number {
  return Atomics.load(session.control, CONTROL[word] / 4);
}
