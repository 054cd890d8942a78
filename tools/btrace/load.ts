// A compiled script in the kernel: its maps, its programs, the words that it shares with this side.

import { BPF_F_NO_PREALLOC, BPF_F_RDONLY_PROG, BpfMap } from "../../core/bpf/map.ts";
import { CONTROL } from "../../core/blocks.ts";
import type { Device } from "../../core/device.ts";
import type { EventFilter } from "../../core/filter.ts";
import { providerOf } from "../../core/probe.ts";
import type { Session } from "../../core/session.ts";
import { MAX_FRAMES, STACK_BYTES } from "./codegen/stacks.ts";
import type { Compiled, CompiledMap, Script } from "./compile.ts";

/** How to load. */
export interface LoadOptions {
  /** Only this process's events; clocks, BEGIN and END tick all the same. */
  readonly pid?: number;
  /** The -c child. */
  readonly childPid?: number;
  /** Bytes of the ring. */
  readonly ringBytes?: number;
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
  options: LoadOptions = {},
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

/** A power of two that is at least so many pages, and at least what a ring can be. */
function ringSize(pages: number): number {
  return Math.max(1 << 16, 2 ** Math.ceil(Math.log2(pages * 4096)));
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
