// Runs a compiled script on the kernel plane: maps, session, printing, end.

import { BPF_EXIST, BPF_F_NO_PREALLOC, BPF_F_RDONLY_PROG, BpfMap } from "../../core/bpf/map.ts";
import { CONTROL } from "../../core/blocks.ts";
import type { Device } from "../../core/device.ts";
import { errorCode } from "../../core/errors.ts";
import { HEADER } from "../../core/event.ts";
import type { EventFilter } from "../../core/filter.ts";
import { providerOf } from "../../core/probe.ts";
import type { Session } from "../../core/session.ts";
import type { SessionStats } from "../../core/stats.ts";
import type { Compiled, CompiledMap, Script } from "./compile.ts";
import { formatExcerpt, formatPlace } from "./lang/diagnostics.ts";
import { Out, type Sink } from "./output/out.ts";
import { KIND_PLAN, type Plan } from "./output/plan.ts";
import { RecordReader } from "./output/record.ts";
import { printElement, printMap } from "./output/text.ts";
import { type Entry, readEntry, sortEntries } from "./output/value.ts";
import { SPECIAL } from "./passes/expand.ts";

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
  /** Bytes of the ring. */
  readonly ringBytes?: number;
  /** Called when everything is attached. */
  readonly onAttached?: () => void;
}

/** How a run ended. */
export interface RunResult {
  /** What exit() was given. */
  readonly exitCode: number;
  /** The session's counters. */
  readonly stats: SessionStats;
}

const DIVIDE_BY_ZERO =
  "Divide or modulo by 0 detected. This can lead to unexpected results. 1 is being used as the " +
  "result.";

/** A script whose maps exist and whose programs are in the kernel; nothing fires yet. */
export interface Loaded extends Disposable {
  /** Has the probes enabled and is prepared. */
  readonly session: Session;
  /** By name. */
  readonly maps: ReadonlyMap<string, BpfMap>;
  /** Fires BEGIN or END, if the script has it. */
  fire(name: typeof SPECIAL[number]): void;
  /** Probes of the script without BEGIN and END. */
  readonly attachable: number;
}

/**
 * Creates a script's maps and loads its programs.
 *
 * @throws {DtError} EPERM without CAP_BPF and CAP_PERFMON; VerifierError.
 */
export function load(
  script: Script,
  device: Device,
  options: Pick<RunOptions, "pid" | "ringBytes"> = {},
): Loaded {
  const compiled = script as Compiled;
  using stack = new DisposableStack();
  const maps = new Map<string, BpfMap>();
  for (const [name, map] of compiled.maps) maps.set(name, stack.use(createMap(name, map)));
  compiled.bind(maps, stack.use(createZeros(compiled.zeroBytes)));
  const session = stack.use(device.open({ ringBytes: options.ringBytes }));
  const attachable = compiled.actions.filter(({ name }) => !isSpecial(name));
  for (const { name, pbn, action } of attachable) {
    session.enable(pbn, { action: { kernel: action }, filter: filterOf(name, options.pid) });
  }
  const scratchBytes = Math.max(...compiled.actions.map(({ action }) => action.scratchBytes));
  session.prepare({ scratchBytes });
  const owned = stack.move();
  return {
    session,
    maps,
    attachable: attachable.length,
    fire(name) {
      const one = compiled.actions.find((action) => action.name === name);
      if (one !== undefined) session.run(name, one.action, one.pbn);
    },
    [Symbol.dispose]: () => owned.dispose(),
  };
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
  const runner = new Runner(compiled, session, loaded.maps, options);
  loaded.fire("begin");
  if (attachable > 0) session.start();
  const count = compiled.actions.length;
  runner.say(`Attached ${count} probe${count === 1 ? "" : "s"}\n`);
  options.onAttached?.();
  if (attachable > 0) await runner.follow();
  session.stop();
  runner.finish(() => loaded.fire("end"));
  return { exitCode: runner.exitCode, stats: session.stats() };
}

function isSpecial(name: string): boolean {
  return (SPECIAL as readonly string[]).includes(name);
}

function filterOf(name: string, pid: number | undefined): EventFilter | undefined {
  if (pid === undefined || providerOf(name) === "interval") return undefined;
  return { variable: "pid", operator: "eq", value: pid };
}

function createMap(name: string, { layout, entries }: CompiledMap): BpfMap {
  return new BpfMap({
    type: layout.type,
    name: `AT_${name.slice(1)}`,
    keySize: layout.keySize,
    valueSize: layout.valueSize,
    maxEntries: layout.keyOffsets.length === 0 ? 1 : entries,
    flags: layout.onDemand ? BPF_F_NO_PREALLOC : 0,
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

/** Reads records and does what their plans say. */
class Runner {
  readonly #compiled: Compiled;
  readonly #session: Session;
  readonly #maps: ReadonlyMap<string, BpfMap>;
  readonly #options: RunOptions;
  readonly #out: Out;
  readonly #reader: RecordReader;
  #reportedLost = 0;
  /** exit() was seen: what comes behind it in the ring is not wanted, until END. */
  #exited = false;

  constructor(
    compiled: Compiled,
    session: Session,
    maps: ReadonlyMap<string, BpfMap>,
    options: RunOptions,
  ) {
    this.#compiled = compiled;
    this.#session = session;
    this.#maps = maps;
    this.#options = options;
    this.#out = new Out(options.stdout);
    this.#reader = new RecordReader(session.recordBytes, compiled.probeName);
  }

  /** What exit() was given so far. */
  get exitCode(): number {
    return Atomics.load(this.#session.control, CONTROL.exitCode / 4);
  }

  say(text: string): void {
    this.#options.stderr(new TextEncoder().encode(text));
  }

  /** Until exit() or the signal. */
  async follow(): Promise<void> {
    const { signal } = this.#options;
    const wake = () => this.#session.wake();
    signal?.addEventListener("abort", wake);
    try {
      for (;;) {
        this.#round();
        if (signal?.aborted || this.#exiting) return;
        await this.#session.wait();
      }
    } finally {
      signal?.removeEventListener("abort", wake);
    }
  }

  /** Everything has been detached: END, what is left in the ring, maps. */
  finish(end: () => void): void {
    while (this.#round() > 0);
    this.#exited = false;
    end();
    while (this.#round() > 0);
    this.#out.text("\n\n");
    for (const name of this.#compiled.maps.keys()) this.#printMap(name, {});
    this.#out.flush();
    const { lostRecords, failedUpdates } = this.#session.stats();
    if (lostRecords > 0n) this.say(`WARNING: Total lost event count: ${lostRecords}\n`);
    if (failedUpdates > 0n) {
      this.say(
        `WARNING: ${failedUpdates} map update${
          failedUpdates === 1n ? "" : "s"
        } failed: Map full; ` +
          `can't update element. Try increasing max_map_keys config (BPFTRACE_MAX_MAP_KEYS)\n`,
      );
    }
  }

  get #exiting(): boolean {
    return Atomics.load(this.#session.control, CONTROL.exit / 4) !== 0;
  }

  /** One round of reading; returns how many records there were. */
  #round(): number {
    const count = this.#session.drain(this.#record);
    this.#out.flush();
    const lost = this.#session.lostRecords();
    if (lost > this.#reportedLost) {
      this.say(`Lost ${lost - this.#reportedLost} events\n`);
      this.#reportedLost = lost;
    }
    return count;
  }

  /** Bound once: no closure per round. */
  readonly #record = (offset: number): void => {
    const reader = this.#reader;
    reader.seek(offset);
    if (reader.u32(HEADER.kind) === KIND_PLAN && !this.#exited) {
      this.#perform(this.#compiled.plans[reader.u32(HEADER.id)]);
    }
    this.#out.flushIfLarge();
  };

  #perform(plan: Plan): void {
    const out = this.#out;
    switch (plan.kind) {
      case "printf":
        return this.#reader.printf(out, plan.parts, plan.values, plan.layout);
      case "value":
        if (typeof plan.value === "string") out.text(plan.value);
        else this.#reader.value(out, plan.layout, plan.value);
        return out.text("\n");
      case "element":
        return this.#printElement(plan.map, plan.at);
      case "print":
        return this.#printMap(plan.map, plan);
      case "clear":
        return this.#clear(plan.map);
      case "zero":
        return this.#zero(plan.map);
      case "divide-by-zero": {
        const { source } = this.#compiled;
        out.flush();
        return this.say(
          `${formatPlace(plan.span, source)}: WARNING: ${DIVIDE_BY_ZERO}\n` +
            formatExcerpt(plan.span, source),
        );
      }
      case "exit":
        this.#exited = true;
    }
  }

  #entries(name: string): Entry[] {
    const { type, layout } = this.#compiled.maps.get(name)!;
    const entries = [...this.#maps.get(name)!.entries()].map(([key, value]) =>
      readEntry(type, layout, key, value, this.#compiled.probeName)
    );
    return sortEntries(type, entries);
  }

  #printMap(name: string, limits: { top?: number; div?: bigint }): void {
    const { type } = this.#compiled.maps.get(name)!;
    printMap(this.#out, type, this.#entries(name), limits, this.#compiled.probeName);
  }

  #printElement(name: string, at: number): void {
    const { type, layout } = this.#compiled.maps.get(name)!;
    const map = this.#maps.get(name)!;
    const key = this.#reader.bytes(at, layout.keySize);
    const value = map.lookup(key) ?? new Uint8Array(map.userValueSize);
    const entry = readEntry(type, layout, key, value, this.#compiled.probeName);
    printElement(this.#out, entry.value, this.#compiled.probeName);
  }

  #clear(name: string): void {
    const map = this.#maps.get(name)!;
    if (map.spec.type.includes("ARRAY")) this.#zero(name);
    else map.clear();
  }

  #zero(name: string): void {
    const map = this.#maps.get(name)!;
    const zero = new Uint8Array(map.userValueSize);
    for (const [key] of [...map.entries()]) {
      try {
        map.update(key, zero, BPF_EXIST);
      } catch (error) {
        if (errorCode(error) !== "ENOENT") throw error; // deleted meanwhile
      }
    }
  }
}
