// A compiled script in the kernel: its maps, its programs, the words that it shares with this side.

import { add64, imm, mov64 } from "../../core/asm/alu.ts";
import { Assembler } from "../../core/asm/assembler.ts";
import { BPF_FUNC } from "../../core/asm/generated/helpers.ts";
import { callHelper, exit } from "../../core/asm/jump.ts";
import { loadImm64, loadMap, loadMapValue, store } from "../../core/asm/load_store.ts";
import { R0, R1, R10, R2, R3, R4 } from "../../core/asm/register.ts";
import { BpfProgram } from "../../core/bpf/program.ts";
import { onlineCpus } from "../../core/sys/cpu.ts";
import { BPF_EXIST, BPF_F_NO_PREALLOC, BPF_F_RDONLY_PROG, BpfMap } from "../../core/bpf/map.ts";
import type { Device } from "../../core/device/device.ts";
import type { EventFilter } from "../../core/contract/request.ts";
import { errorCode } from "../../core/errors.ts";
import type { LoadedProgram } from "../../core/contract/kernel_plane.ts";
import { providerOf } from "../../core/contract/probe_name.ts";
import { BpfProgramStats } from "../../core/bpf/mod.ts";
import { STACK_BYTES } from "./stacks.ts";
import type { Script } from "../compile.ts";
import { generate, type ProbeAction } from "./generate.ts";
import {
  type BenchResult,
  type Loaded,
  type LoadOptions,
  type ScriptMap,
  SPECIAL,
} from "../model/loaded_script.ts";
import { type CompiledMap, type MapLayout, mostStacks } from "../model/map_layout.ts";
import { Memory } from "../model/memory.ts";

/** A benchmark runs for at least so long. */
const BENCH_NS = 1_000_000n;

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
  const generated = generate(script);
  using stack = new DisposableStack();
  const maps = new Map<string, BpfMap>();
  for (const [name, map] of script.maps) maps.set(name, stack.use(createMap(name, map)));
  const stacks = generated.usesStacks
    ? stack.use(createStacks(script.config.maxMapKeys))
    : undefined;
  const zeros = stack.use(createZeros(generated.zeroBytes));
  if (stacks !== undefined) warmUp(stacks, zeros);
  const actions = generated.actions({ maps, zeros, stacks, childPid: options.childPid });
  const attachable = actions.filter(({ name }) => !SPECIAL.test(name));
  const session = stack.use(
    device.open({
      plane: "kernel",
      ringBytes: options.ringBytes ?? ringBytes(script, attachable),
    }),
  );
  for (const { name, pbn, action } of attachable) {
    session.enable(pbn, { action: { kernel: action }, filter: filterOf(name, options) });
  }
  const scratchBytes = Math.max(0, ...actions.map(({ action }) => action.scratchBytes));
  session.prepare({ scratchBytes });
  const find = (wanted: string) => actions.find(({ name }) => name === wanted);
  const memory = new Memory(session.recordBytes);
  const owned = stack.move();
  const loaded: Loaded = {
    session,
    maps: new Map(
      [...maps].map(([name, map]) => [name, scriptMap(map, script.maps.get(name)!.layout)]),
    ),
    plans: generated.plans,
    attachable: attachable.length,
    frames: (hash) => framesOf(stacks, hash),
    fire(name) {
      const one = find(name);
      if (one !== undefined) session.run(name, { kernel: one.action }, one.pbn);
    },
    bench(name) {
      const { action, pbn } = find(name)!;
      return measure(session.loadOnce(name, action, pbn));
    },
    drain: () => session.drain(deliver),
    lostRecords: () => session.lostRecords(),
    [Symbol.dispose]: () => owned.dispose(),
  };
  // Bound once: no closure per round.
  const deliver = (at: number) => loaded.onRecord?.(memory, at);
  return loaded;
}

/** Runs a program until it has used enough time, as the kernel's statistics of programs tell. */
function measure(program: LoadedProgram): BenchResult {
  using _stats = new BpfProgramStats();
  let { runTimeNs, runCount } = program.info();
  for (let rounds = 1; runTimeNs < BENCH_NS && rounds < 1e6; rounds *= 2) {
    for (let i = 0; i < rounds; i++) program.testRun();
    ({ runTimeNs, runCount } = program.info());
  }
  return { averageNs: runCount === 0n ? 0n : runTimeNs / runCount, rounds: runCount };
}

function scriptMap(map: BpfMap, { set, valueSize }: MapLayout): ScriptMap {
  /** Zeroes all values; a map without keys stays set or does not. */
  const zero = (keepSet: boolean) => {
    for (const [key, old] of [...map.entries()]) {
      const value = new Uint8Array(map.userValueSize);
      for (let at = set ?? value.length; keepSet && at < value.length; at += valueSize) {
        value[at] = old[at];
      }
      try {
        map.update(key, value, BPF_EXIST);
      } catch (error) {
        if (errorCode(error) !== "ENOENT") throw error; // deleted meanwhile
      }
    }
  };
  const isSet = () => {
    if (set === undefined) return true;
    for (const [, value] of map.entries()) {
      for (let at = set; at < value.length; at += valueSize) if (value[at] !== 0) return true;
    }
    return false;
  };
  return {
    valueBytes: map.userValueSize,
    entries: () => map.entries(),
    lookup: (key) => map.lookup(key),
    isSet,
    clear: () => set === undefined ? map.clear() : zero(false),
    zero: () => zero(true),
  };
}

function framesOf(stacks: BpfMap | undefined, hash: bigint): bigint[] {
  const key = new Uint8Array(new BigUint64Array([hash]).buffer);
  const value = hash === 0n ? undefined : stacks?.lookup(key);
  if (value === undefined) return [];
  const words = new BigUint64Array(value.buffer, value.byteOffset, value.length / 8);
  return [...words.subarray(1, 1 + Number(words[0]))];
}

/**
 * Bytes of a ring that takes a flood of lines while the reader stalls for some milliseconds. More would cost
 * more memory and time at the start than they save lines.
 */
const FLOOD_BYTES = 1 << 24;

/**
 * Providers whose probes no process fires: a clock, and what goes over objects. They fire too rarely for a
 * flood, or wait for the reader.
 */
const OF_NOBODY: readonly string[] = ["interval", "iter"];

/** Size of the ring: what the script says, else by what the script prints; undefined for the default. */
function ringBytes(
  { config: { perfRbPages } }: Script,
  actions: readonly ProbeAction[],
): number | undefined {
  // A power of two, and at least what a ring can be.
  if (perfRbPages > 0) return Math.max(1 << 16, 2 ** Math.ceil(Math.log2(perfRbPages * 4096)));
  const floods = actions.some(({ name, prints }) =>
    prints && !OF_NOBODY.includes(providerOf(name))
  );
  return floods ? FLOOD_BYTES : undefined;
}

function filterOf(name: string, { pid, cgroup }: LoadOptions): EventFilter | undefined {
  if (OF_NOBODY.includes(providerOf(name))) return undefined;
  if (cgroup !== undefined) return { inCgroup: cgroup };
  return pid === undefined ? undefined : { descendantsOf: pid };
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
    maxEntries: mostStacks(keys),
    flags: BPF_F_NO_PREALLOC,
  });
}

/** Never the hash of a stack, which is odd. */
const NO_STACK = 2n;

/**
 * Lets the kernel set memory aside for stacks on each CPU. In a clock's interrupt a map takes what is
 * there and no more, and at first that is one entry: the second stack of a CPU's first event would be
 * lost. An entry that is made and removed has more fetched. kernel/bpf/memalloc.c
 */
function warmUp(stacks: BpfMap, zeros: BpfMap): void {
  const asm = new Assembler();
  const key = () => [mov64(R2, R10), add64(R2, imm(-8))];
  asm.emit(
    loadImm64(R0, NO_STACK),
    store(8, R10, -8, R0),
    loadMap(R1, stacks),
    ...key(),
    loadMapValue(R3, zeros, 0),
    mov64(R4, imm(0)),
    callHelper(BPF_FUNC.map_update_elem),
    loadMap(R1, stacks),
    ...key(),
    callHelper(BPF_FUNC.map_delete_elem),
    exit(),
  );
  using program = new BpfProgram({ name: "dt_warm", code: asm.assemble(), type: "RAW_TRACEPOINT" });
  for (const cpu of onlineCpus()) program.testRun(undefined, cpu);
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
