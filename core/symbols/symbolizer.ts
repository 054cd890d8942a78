// Names for addresses of processes, by whatever has them: files, the vdso, what runtimes write of the
// code that they generate.

import { readMemory } from "../sys/process_memory.ts";
import { Binary, type SymbolHelpers } from "./binary.ts";
import { elfOf, openElf } from "./elf_path.ts";
import { filePath, isDeleted, isFile, mappedPath, type Mapping, parseMaps } from "./mappings.ts";
import { parsePerfMap } from "./perf_map.ts";
import { ProcessWatch } from "./process_watch.ts";
import { type Process, Processes } from "./processes.ts";
import { Roots } from "./roots.ts";
import { addressNumber, type SymbolTable } from "./symbol_table.ts";

export type { SymbolHelpers };

/** What is known of an address of a process. */
export interface UserFrame {
  /** Name of the function; absent if nobody knows it. */
  readonly name?: string;
  /** Bytes past its start. */
  readonly offset: number;
  /** Path of the file, or what the kernel calls what is there; absent if nothing was mapped. */
  readonly module?: string;
  /** Of the address in the file. */
  readonly moduleOffset: number;
  /** Its name is a runtime's, which has generated it or brought it along. */
  readonly generated: boolean;
}

const NOTHING: UserFrame = { offset: 0, moduleOffset: 0, generated: false };

/** Addresses that are remembered, over all processes: some 200 MB. */
const MOST_FRAMES = 1_000_000;
/** Symbols in memory, over all files: some 250 MB. */
const MOST_SYMBOLS = 3_000_000;
/** A vdso is a page or two. */
const MOST_VDSO = 65536;
/** How far up generated code is looked for: a child inherits it and writes no map of its own. */
const MOST_PARENTS = 3;
/** How long the event loop is held up for looking at processes. */
const LOOK_MS = 5;
/** How often it is looked whether runtimes have written more. */
const UPDATE_MS = 1000;

/** Addresses of a process that have been looked up. */
interface Frames {
  /** As its mappings were. */
  mappings: readonly Mapping[];
  readonly known: Map<number, UserFrame>;
}

/** A perf map as far as it was read; of size -1 if there is none. */
interface PerfMap {
  readonly path: string;
  readonly size: number;
  readonly table?: SymbolTable;
}

/**
 * Names for addresses of processes. What it learns it keeps, within bounds, so that addresses can be
 * named when their process is gone: see {@linkcode Symbolizer.watch}.
 */
export class Symbolizer implements Disposable {
  readonly #helpers: SymbolHelpers;
  readonly #roots = new Roots();
  readonly #processes = new Processes((pid) => this.#roots.pathOf(pid));
  readonly #watches = new Set<ProcessWatch>();
  #frames = new WeakMap<Process, Frames>();
  #frameCount = 0;
  /** By build id or path; in the order of their last use. */
  readonly #binaries = new Map<string, Binary | undefined>();
  /** Of processes, with those that live: they may write more. */
  readonly #perfMaps = new WeakMap<Process, PerfMap>();
  readonly #writers = new Set<Process>();
  /** The last process that was asked for: stacks come one at a time. */
  #last?: { pid: number; process: Process; frames: Frames };
  #updatedMs = -Infinity;
  #disposed = false;

  /**
   * Knows nothing at first.
   *
   * @param helpers What a caller can do for it.
   */
  constructor(helpers: SymbolHelpers = {}) {
    this.#helpers = helpers;
  }

  /**
   * Remembers from now on what processes map, so that their addresses can be named later.
   *
   * @param options `pid`: only this process counts, and what it starts. `alone`: nothing else is even
   * looked at, which an ordinary user may ask for of own processes; otherwise it needs CAP_PERFMON.
   * @returns Ends it when disposed; so does disposing of the symbolizer.
   * @throws {DtError} EACCES, EPERM not permitted; ESRCH no such process.
   */
  watch(options: { pid?: number; alone?: boolean } = {}): Disposable {
    const { pid, alone } = options;
    const watch = new ProcessWatch(this.#processes, alone ? pid ?? Deno.pid : undefined);
    this.#watches.add(watch);
    if (pid !== undefined) this.#processes.get(pid);
    else if (!alone) this.#lookAround();
    return {
      [Symbol.dispose]: () => {
        this.#watches.delete(watch);
        watch[Symbol.dispose]();
      },
    };
  }

  /** What processes have mapped already, without holding up who waits for events. */
  async #lookAround(): Promise<void> {
    let began = performance.now();
    for (const pid of allProcesses()) {
      if (this.#disposed) return;
      this.#processes.get(pid);
      if (performance.now() - began < LOOK_MS) continue;
      await new Promise((resolve) => Deno.unrefTimer(setTimeout(resolve, 0)));
      began = performance.now();
    }
  }

  /** Looks at a process now, unless these addresses of it can be placed already. */
  see(pid: number, addresses: readonly bigint[]): void {
    const process = this.#processes.get(pid);
    const unknown = (address: bigint) => process.find(addressNumber(address)) === undefined;
    if (addresses.some(unknown)) this.#processes.refresh(process);
  }

  /**
   * Takes in what has happened to processes until now. To be called before a round of naming: what
   * processes did since the last call is known by then.
   */
  update(): void {
    this.#drain();
    this.#last = undefined;
    const now = performance.now();
    if (now - this.#updatedMs < UPDATE_MS) return;
    this.#updatedMs = now;
    let grown = false;
    for (const process of this.#writers) {
      const { path, size, table } = this.#perfMaps.get(process)!;
      if (process.exited) this.#writers.delete(process);
      const newSize = sizeOf(path);
      // Of a process in a container that is gone what was read is kept.
      if (newSize === size || (newSize < 0 && table !== undefined)) continue;
      this.#perfMaps.delete(process);
      this.#writers.delete(process);
      grown = true;
    }
    // Memory of generated code is used again.
    if (grown) this.#forgetFrames();
  }

  /** Processes that were born of one while it was watched, and itself. */
  descendants(pid: number): number[] {
    this.update();
    const found = new Set([pid]);
    for (const process of this.#processes) {
      if (process.parent !== undefined && found.has(process.parent)) found.add(process.pid);
    }
    return [...found];
  }

  /**
   * What an address of a process is.
   *
   * @param pid As this process numbers it; of a process that is gone what was remembered counts.
   */
  user(pid: number, address: bigint): UserFrame {
    const at = addressNumber(address);
    let last = this.#last;
    if (last === undefined || last.pid !== pid) last = this.#turnTo(pid);
    return last.frames.known.get(at) ?? this.#look(last.process, last.frames, at);
  }

  /** Build id of the file that an address lies in, in hexadecimal. */
  buildId(pid: number, address: bigint): string | undefined {
    const process = this.#turnTo(pid).process;
    const mapping = process.find(addressNumber(address));
    return mapping && (mapping.buildId ?? this.#binary(process, mapping)?.elf.buildId);
  }

  /**
   * Address of a variable or function of a process, by its name.
   *
   * @returns Its bytes beside it; undefined if no file that is mapped has it.
   */
  address(pid: number, name: string): { address: bigint; size: number } | undefined {
    const { process } = this.#turnTo(pid);
    for (const mapping of process.mappings) {
      const binary = isFile(mapping) ? this.#binary(process, mapping) : undefined;
      const found = binary?.find(name);
      const mapped = binary?.elf.addressOf(mapping.offset);
      if (found === undefined || mapped === undefined) continue;
      return { address: BigInt(mapping.start - mapped + found.address), size: found.size };
    }
    return undefined;
  }

  /** Records of processes that the kernel had no room for. */
  get lost(): bigint {
    let lost = 0n;
    for (const watch of this.#watches) lost += watch.lost;
    return lost;
  }

  /** Forgets everything. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const watch of this.#watches) watch[Symbol.dispose]();
    this.#watches.clear();
    this.#roots[Symbol.dispose]();
    this.#frames = new WeakMap();
    this.#binaries.clear();
    this.#writers.clear();
    this.#last = undefined;
  }

  #drain(): void {
    for (const watch of this.#watches) watch.drain();
  }

  #turnTo(pid: number) {
    if (this.#processes.peek(pid) === undefined) this.#drain();
    const process = this.#processes.get(pid);
    let frames = this.#frames.get(process);
    if (frames?.mappings !== process.mappings) {
      this.#frameCount -= frames?.known.size ?? 0;
      this.#frames.set(process, frames = { mappings: process.mappings, known: new Map() });
    }
    return this.#last = { pid, process, frames };
  }

  #look(process: Process, frames: Frames, at: number): UserFrame {
    if (process.find(at) === undefined) {
      this.#drain();
      if (process.find(at) === undefined) this.#processes.refresh(process);
      if (process.mappings !== frames.mappings) ({ frames } = this.#turnTo(process.pid));
    }
    const frame = this.#resolve(process, at);
    frames.known.set(at, frame);
    if (this.#frameCount++ >= MOST_FRAMES) this.#forgetFrames();
    return frame;
  }

  #forgetFrames(): void {
    this.#frames = new WeakMap();
    this.#frameCount = 0;
    this.#last = undefined;
  }

  #resolve(process: Process, at: number): UserFrame {
    const mapping = process.find(at);
    if (mapping !== undefined && isFile(mapping)) {
      const moduleOffset = at - mapping.start + mapping.offset;
      const module = filePath(mapping);
      const binary = this.#binary(process, mapping);
      const address = binary?.elf.addressOf(moduleOffset);
      const symbol = address === undefined ? undefined : this.#table(binary!).resolve(address);
      if (symbol !== undefined) return { ...symbol, module, moduleOffset, generated: false };
      // A runtime's own code may lie in its file.
      const own = this.#generated(process, at);
      return { offset: 0, ...own, module, moduleOffset, generated: own !== undefined };
    }
    const symbol = this.#generated(process, at);
    if (mapping === undefined && symbol === undefined) return NOTHING;
    return {
      offset: 0,
      ...symbol,
      module: mapping?.path,
      moduleOffset: mapping === undefined ? 0 : at - mapping.start,
      generated: symbol !== undefined,
    };
  }

  /** Symbols of a file, as long as not too many are in memory. */
  #table(binary: Binary): SymbolTable {
    if (binary.loaded) return binary.table;
    const { table } = binary;
    let count = 0;
    for (const one of this.#binaries.values()) if (one?.loaded) count += one.table.size;
    for (const [key, one] of this.#binaries) {
      if (count <= MOST_SYMBOLS) break;
      if (one === undefined || one === binary || !one.loaded) continue;
      count -= one.table.size;
      this.#binaries.delete(key);
    }
    return table;
  }

  #binary(process: Process, mapping: Mapping): Binary | undefined {
    const key = mapping.buildId ?? keyOf(process, mapping);
    if (this.#binaries.has(key)) {
      const known = this.#binaries.get(key);
      this.#binaries.delete(key);
      this.#binaries.set(key, known);
      return known;
    }
    let binary = mapping.path === "[vdso]" ? this.#vdso(process, mapping) : undefined;
    for (const { path, strict } of binary === undefined ? candidates(process, mapping) : []) {
      const elf = openElf(path);
      if (elf === undefined || !isSame(path, elf.buildId, mapping, strict)) continue;
      binary = this.#binaries.get(elf.buildId ?? "") ??
        new Binary(elf, path, process.view.root, this.#helpers);
      if (elf.buildId !== undefined) this.#binaries.set(elf.buildId, binary);
      break;
    }
    this.#binaries.set(key, binary);
    return binary;
  }

  /** The kernel's part of a process: out of its memory, or, if it is gone, of ours. */
  #vdso(process: Process, mapping: Mapping): Binary | undefined {
    const own = () =>
      parseMaps(Deno.readTextFileSync("/proc/self/maps")).find(({ path }) => path === "[vdso]");
    for (const [pid, at] of [[process.pid, mapping], [Deno.pid, own()]] as const) {
      if (at === undefined || at.end - at.start > MOST_VDSO) continue;
      const bytes = new Uint8Array(at.end - at.start);
      const count = readMemory(pid, BigInt(at.start), bytes);
      const elf = elfOf((offset, length) =>
        bytes.subarray(offset, Math.min(offset + length, count))
      );
      if (elf !== undefined) return new Binary(elf, "", "", this.#helpers);
    }
    return undefined;
  }

  /** A name that a process's runtime, or that of one that it was forked off, has written. */
  #generated(process: Process, at: number) {
    let one: Process | undefined = process;
    for (let i = 0; i <= MOST_PARENTS && one !== undefined; i++) {
      const found = this.#perfMap(one)?.resolve(at);
      if (found !== undefined) return found;
      one = one.parent === undefined ? undefined : this.#processes.peek(one.parent);
    }
    return undefined;
  }

  #perfMap(process: Process): SymbolTable | undefined {
    let known = this.#perfMaps.get(process);
    // Looked at once a second at most, by update(): what is not there yet may come.
    if (known === undefined) {
      this.#perfMaps.set(process, known = readPerfMap(process));
      this.#writers.add(process);
    }
    return known.table;
  }
}

/** What tells files without build id apart. A vdso is of 64 bits, or of 32. */
function keyOf({ view }: Process, { path, inode, start, end }: Mapping): string {
  return path === "[vdso]"
    ? `[vdso] ${end - start} ${start < 2 ** 32}`
    : `${view.root} ${inode} ${path}`;
}

/**
 * Where a mapped file may be found. Where the kernel itself leads to it, it is the one; a path may lead to
 * another one by now, unless it is told apart; and last a path is believed as long as the process lives.
 */
function* candidates(
  { pid, view, exited }: Process,
  mapping: Mapping,
): Generator<{ path: string; strict: "kernel" | "file" | "path" }> {
  const path = filePath(mapping);
  const paths = isDeleted(mapping)
    ? []
    : [view.root + path, ...(view.root === "" ? [`/proc/${pid}/root${path}`] : [])];
  for (const one of paths) yield { path: one, strict: "file" };
  const direct = mappedPath(pid, mapping);
  yield { path: direct, strict: "kernel" };
  yield { path: `/proc/${pid}/exe`, strict: "file" };
  // Not permitted to follow the kernel: some file systems tell two numbers of one file.
  if (!exited && sizeOf(direct) < 0) {
    for (const one of paths) yield { path: one, strict: "path" };
  }
}

/** Whether a file is the one that was mapped, as far as that can be told. */
function isSame(
  path: string,
  buildId: string | undefined,
  mapping: Mapping,
  strict: "kernel" | "file" | "path",
): boolean {
  if (mapping.buildId !== undefined) return mapping.buildId === buildId;
  if (strict !== "file" || mapping.inode === 0) return true;
  try {
    return Deno.statSync(path).ino === mapping.inode;
  } catch {
    return false;
  }
}

/** The largest perf map that is read: a million functions. */
const MOST_MAP_BYTES = 1 << 27;

/** Reads a perf map, unless it is an earlier process's, or somebody else's. */
function readPerfMap({ view, bornMs, uid }: Process): PerfMap {
  const path = `${view.root}/tmp/perf-${view.ownPid}.map`;
  try {
    const { isFile, size, mtime, uid: owner } = Deno.statSync(path);
    if (!isFile) return { path, size: -1 };
    const own = (mtime?.getTime() ?? 0) >= bornMs - 1000 && size <= MOST_MAP_BYTES &&
      (owner === 0 || owner === uid || owner === Deno.uid());
    return { path, size, table: own ? parsePerfMap(Deno.readFileSync(path)) : undefined };
  } catch {
    return { path, size: -1 };
  }
}

/** Bytes of a file; -1 if it is gone. */
function sizeOf(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch {
    return -1;
  }
}

function allProcesses(): number[] {
  return [...Deno.readDirSync("/proc")].map(({ name }) => Number(name)).filter((pid) => pid > 0);
}
