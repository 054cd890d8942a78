// Runs the measurement and finds the names of the functions in its stacks.

import { MAX_STACK_FRAMES } from "../../core/contract/event_layout.ts";
import { openDevice } from "../../core/device/device.ts";
import type { PlaneName } from "../../core/contract/provider.ts";
import { sumCpus } from "../../core/bpf/percpu.ts";
import { bootTimeNs } from "../../core/sys/clock.ts";
import { kernelSymbols, type Symbolizer } from "../../core/symbols/mod.ts";
import { allProviders } from "../../providers/mod.ts";
import { compile, type Script } from "../../language/compile.ts";
import { elementOffsets, type TupleType } from "../../language/model/types.ts";
import type { Loaded } from "../../language/model/loaded_script.ts";
import { Memory } from "../../language/model/memory.ts";
import { loadScript } from "../../language/run.ts";
import { openUserNames } from "../../language/names/user_names.ts";
import { generatedFrame } from "./javascript.ts";
import { type Frame, FrameTable, type Profile, type Stack, StackSum } from "./profile.ts";
import { offCpuScript, onCpuScript } from "./script.ts";

/** Most distinct stacks, counted for each process apart, that the script's map holds. */
const MOST_KEYS = 1 << 17;

/** Processes to measure, and how. */
export interface Measurement {
  /** Plane that takes the samples. */
  readonly plane: PlaneName;
  /** True to measure time off the CPU instead of samples on it. */
  readonly offCpu: boolean;
  /** Samples a second on each CPU. */
  readonly rateHz: number;
  /** Process of -p or -c; undefined for all processes. */
  readonly pid?: number;
  /** Title of the profile: a command line, a process, all processes. */
  readonly subject: string;
  /** Ends the measurement when it aborts. */
  readonly signal: AbortSignal;
  /** Called when the measurement has begun. */
  onStart(): void;
  /** Called at the end, also after a failure, with the ids of the process and its descendants. */
  onEnd(processes: readonly number[]): void;
  /** Called four times a second with the number of samples so far and the time in milliseconds. */
  onProgress(samples: number, elapsedMs: number): void;
}

/** Result of a measurement. */
export interface Measured {
  /** Stacks that were measured, with named functions. */
  readonly profile: Profile;
  /** Messages about lost data: samples without room, mappings that were not reported. */
  readonly warnings: readonly string[];
  /** Ids of processes that ran generated code without a name. */
  readonly unnamed: ReadonlySet<number>;
}

const PROGRESS_MS = 250;
/** Functions of the scheduler, which are the innermost frames when a thread leaves the CPU. */
const SCHEDULER = /^(__|preempt_|io_)?schedule(_|$)/;

/**
 * Measures until the signal.
 *
 * @throws {DtError} EPERM, ESRCH and the like.
 */
export async function collect(measurement: Measurement): Promise<Measured> {
  const { plane, offCpu, pid, signal } = measurement;
  const device = openDevice({ providers: allProviders() });
  const text = offCpu ? offCpuScript(pid) : onCpuScript(measurement.rateHz, plane);
  const script = compile({ name: "profile", text }, device, {
    plane,
    config: { maxMapKeys: MOST_KEYS },
  });
  using names = await openUserNames(script, pid);
  using stack = new DisposableStack();
  if (pid !== undefined) stack.defer(() => measurement.onEnd(names.descendants(pid)));
  using loaded = await loadScript(script, device, {
    // Off the CPU the script itself chooses processes: a thread that comes back is not current in its event.
    pid: offCpu ? undefined : pid,
    onUserStack: (pid, frames) => names.see(pid, frames),
  });
  const { session } = loaded;
  session.start();
  const startMs = Date.now();
  const started = performance.now();
  measurement.onStart();
  const stop = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => stop.resolve());
  if (signal.aborted) stop.resolve();
  const timer = setInterval(() => {
    names.update();
    const { aggregated } = session.stats();
    measurement.onProgress(Number(aggregated), performance.now() - started);
    if (!session.recording) stop.resolve(); // its processes have ended
  }, PROGRESS_MS);
  try {
    await Promise.race([stop.promise, failureOf(loaded, stop.promise)]);
  } finally {
    clearInterval(timer);
  }
  session.stop();
  const durationMs = performance.now() - started;
  names.update();
  const found = new Naming(script, loaded, names, offCpu);
  const { failedUpdates, refusedUpdates, dropped, recursed, recursionMisses } = session.stats();
  const warnings: string[] = [];
  const noRoom = failedUpdates + refusedUpdates + dropped;
  if (noRoom > 0n) warnings.push(`${noRoom} samples found no room and are missing`);
  const passed = recursed + recursionMisses;
  if (passed > 0n) {
    warnings.push(`${passed} samples are missing: their CPU was recording another one`);
  }
  if (names.lost > 0n) warnings.push(`${names.lost} mappings were not told: names may be missing`);
  return {
    profile: {
      ...found.read(),
      what: offCpu ? "off-CPU" : "on-CPU",
      periodNs: 1e9 / measurement.rateHz,
      subject: measurement.subject,
      startMs,
      durationMs,
    },
    warnings,
    unnamed: found.unnamed,
  };
}

/** Rejects when a source of events fails. */
async function failureOf({ session }: Loaded, stopped: Promise<void>): Promise<void> {
  let ended = false;
  stopped.then(() => ended = true);
  // Nothing is recorded, so a wait ends by failure or when the session is stopped.
  while (!ended && session.recording) await session.wait();
}

/** Turns the entries of the script's map into stacks of named functions. */
class Naming {
  /** Ids of processes that ran generated code without a name. */
  readonly unnamed = new Set<number>();
  readonly #script: Script;
  readonly #loaded: Loaded;
  readonly #symbolizer: Symbolizer;
  readonly #offCpu: boolean;
  readonly #table = new FrameTable();
  readonly #kernel = new Map<bigint, number>();

  constructor(script: Script, loaded: Loaded, symbolizer: Symbolizer, offCpu: boolean) {
    this.#script = script;
    this.#loaded = loaded;
    this.#symbolizer = symbolizer;
    this.#offCpu = offCpu;
  }

  read(): { frames: readonly Frame[]; stacks: readonly Stack[] } {
    const sum = new StackSum();
    const { type, layout } = this.#script.maps.get("@")!;
    for (const [key, value] of this.#loaded.maps.get("@")!.entries()) {
      const count = Number(sumCpus(value, layout.valueSize)[0]);
      this.#add(sum, type.key as TupleType, new Memory(key), count);
    }
    if (this.#offCpu) this.#addThoseStillAway(sum);
    return { frames: this.#table.frames, stacks: sum.stacks };
  }

  /** Adds the time of threads that have left the CPU and are not back yet. */
  #addThoseStillAway(sum: StackSum): void {
    const now = bootTimeNs();
    const type = this.#script.maps.get("@left")!.type.value as TupleType;
    const [, ...rest] = type.elements;
    const at = elementOffsets(type)[1];
    for (const [, value] of this.#loaded.maps.get("@left")!.entries()) {
      const away = Number(now - new Memory(value).u64(0));
      this.#add(sum, { kind: "tuple", elements: rest }, new Memory(value.subarray(at)), away);
    }
  }

  /** Adds a value for a tuple in memory: one or two stacks, process id, process name. */
  #add(sum: StackSum, type: TupleType, memory: Memory, value: number): void {
    if (value <= 0) return;
    const offsets = elementOffsets(type);
    const [pidAt, commAt] = offsets.slice(-2);
    const pid = memory.u32(pidAt);
    const comm = utf8(memory.text(commAt, 16));
    const frames = [this.#table.index({ name: comm, kind: "process" })];
    const stacks = type.elements.slice(0, -2).map(({ type }, i) => ({
      type,
      frames: this.#loaded.frames(memory.u64(offsets[i])),
    }));
    // The tuple has the kernel stack first; a profile reads from the root, so user code comes first.
    for (const { type, frames: addresses } of stacks.reverse()) {
      const user = type.kind === "stack" && type.space === "user";
      // A stack as long as the limit is most likely cut.
      if (addresses.length >= MAX_STACK_FRAMES) {
        frames.push(this.#table.index({ name: "[cut off]", kind: user ? "native" : "kernel" }));
      }
      if (this.#offCpu && !user) this.#dropScheduler(addresses);
      for (const address of addresses.reverse()) {
        const index = user ? this.#user(pid, address) : this.#kernelFrame(address);
        // Adjacent frames without a symbol have the same name: one is enough.
        const named = !this.#table.frames[index].name.startsWith("[");
        if (named || frames.at(-1) !== index) frames.push(index);
      }
    }
    sum.add({ frames, pid, comm }, value);
  }

  /** Removes the scheduler's innermost frames, which all waits share: the waiting function remains. */
  #dropScheduler(leafFirst: bigint[]): void {
    const isScheduler = (address: bigint) =>
      SCHEDULER.test(this.#table.frames[this.#kernelFrame(address)].name);
    while (leafFirst.length > 1 && isScheduler(leafFirst[0])) leafFirst.shift();
  }

  #kernelFrame(address: bigint): number {
    let index = this.#kernel.get(address);
    if (index === undefined) {
      const name = kernelSymbols().resolve(address)?.name ?? "[kernel]";
      this.#kernel.set(address, index = this.#table.index({ name, kind: "kernel" }));
    }
    return index;
  }

  #user(pid: number, address: bigint): number {
    const { name, module, generated } = this.#symbolizer.user(pid, address);
    if (generated) return this.#table.index(generatedFrame(name!));
    if (name === undefined && !/^\/(?!\/anon|memfd:|dev\/zero)|^\[vdso\]/.test(module ?? "")) {
      this.unnamed.add(pid);
    }
    const file = module?.slice(module.lastIndexOf("/") + 1);
    return this.#table.index({
      name: name ??
        (file === undefined || file === "" ? "[unknown]" : `[${file.replace(/^\[|\]$/g, "")}]`),
      kind: "native",
      file: module,
    });
  }
}

const UTF8 = new TextDecoder();

/** A name whose characters are bytes, as people read it: names of programs are UTF-8 by custom. */
function utf8(name: string): string {
  return UTF8.decode(Uint8Array.from(name, (character) => character.charCodeAt(0)));
}
