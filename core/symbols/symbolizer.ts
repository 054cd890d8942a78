// Names the addresses of processes. The names come from files (binary.ts), from the vdso, and from
// perf maps (perf_map.ts); which file stands at an address comes from processes.ts.

import { openInput, readOpen } from "../sys/input_file.ts";
import { readMemory } from "../sys/process_memory.ts";
import { Binary, type SymbolHelpers } from "./binary.ts";
import { elfOf, openElf } from "./elf_path.ts";
import { belowRoot } from "./mapped_files.ts";
import { filePath, isDeleted, isFile, mappedPath, type Mapping, parseMaps } from "./mappings.ts";
import { parsePerfMap } from "./perf_map.ts";
import { ProcessWatch } from "./process_watch.ts";
import { type Process, Processes } from "./processes.ts";
import { Roots } from "./roots.ts";
import { addressNumber, type SymbolTable } from "./symbol_table.ts";

export type { SymbolHelpers };

/** The facts about one address of a process. */
export interface UserFrame {
  /** Name of the function; absent if it is unknown. */
  readonly name?: string;
  /** Distance in bytes from the start of the function; 0 if the function is unknown. */
  readonly offset: number;
  /** Path of the file, or the kernel's word for other memory; absent if nothing was mapped. */
  readonly module?: string;
  /** Offset of the address in the file, in bytes. */
  readonly moduleOffset: number;
  /** True if the name comes from a perf map: a runtime generated the code or brought it along. */
  readonly generated: boolean;
}

/** Facts about an address at which nothing is mapped. */
const NOTHING: UserFrame = { offset: 0, moduleOffset: 0, generated: false };

/** Number of addresses remembered over all processes; they take some 200 MB. */
const MOST_FRAMES = 1_000_000;
/** Number of symbols in memory over all files; they take some 250 MB. */
const MOST_SYMBOLS = 3_000_000;
/** Greatest size of a vdso in bytes; the usual size is a page or two. */
const MOST_VDSO = 65536;
/**
 * Number of ancestors whose perf maps are searched: a forked child inherits generated code, but
 * writes no map of its own.
 */
const MOST_PARENTS = 3;
/** Milliseconds for which looking at processes may hold up the event loop at a time. */
const LOOK_MS = 5;
/** Milliseconds between two looks whether runtimes have written more. */
const UPDATE_MS = 1000;

/** The addresses of one process that have been named. */
interface Frames {
  /** Mappings for which the names hold; a change of the mappings makes them invalid. */
  mappings: readonly Mapping[];
  /** Facts by address. */
  readonly known: Map<number, UserFrame>;
}

/** A perf map as far as it has been read. */
interface PerfMap {
  /** Path of the file. */
  readonly path: string;
  /** Size of the file in bytes when it was read; -1 if there is none. */
  readonly size: number;
  /** The functions; absent if the file belongs to somebody else or to an earlier process. */
  readonly table?: SymbolTable;
}

/**
 * Names addresses of processes. The symbolizer remembers what it learns, within bounds, so that
 * addresses can be named after their process is gone: see {@linkcode Symbolizer.watch}.
 */
export class Symbolizer implements Disposable {
  readonly #helpers: SymbolHelpers;
  readonly #roots = new Roots();
  readonly #processes = new Processes((pid) => this.#roots.pathOf(pid));
  readonly #watches = new Set<ProcessWatch>();
  #frames = new WeakMap<Process, Frames>();
  #frameCount = 0;
  /**
   * Files by build id or path, in the order of their last use; undefined for a file that was not
   * found.
   */
  readonly #binaries = new Map<string, Binary | undefined>();
  /** Perf maps by process, and the processes that may write more. */
  readonly #perfMaps = new WeakMap<Process, PerfMap>();
  readonly #writers = new Set<Process>();
  /** The process asked for last, kept because the addresses of a stack come one after the other. */
  #last?: { pid: number; process: Process; frames: Frames };
  #updatedMs = -Infinity;
  #disposed = false;

  /**
   * Makes a symbolizer without any knowledge.
   *
   * @param helpers Functions that unpack and demangle; without them fewer names are found.
   */
  constructor(helpers: SymbolHelpers = {}) {
    this.#helpers = helpers;
  }

  /**
   * Starts to remember what processes map, so that their addresses can be named later.
   *
   * @param options `pid`: only this process and its descendants matter. `alone`: nothing else is
   * even looked at; an ordinary user may watch own processes in this way. Without `alone`, watching
   * needs CAP_PERFMON.
   * @returns A handle; disposing it, or the symbolizer, ends the watch.
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

  /** Reads the mappings of all processes, in portions, so that events are not held up. */
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

  /**
   * Reads the mappings of a process now, unless all of the given addresses lie in known mappings.
   */
  see(pid: number, addresses: readonly bigint[]): void {
    const process = this.#processes.get(pid);
    const unknown = (address: bigint) => process.find(addressNumber(address)) === undefined;
    if (addresses.some(unknown)) this.#processes.refresh(process);
  }

  /**
   * Takes in all changes of processes until now. Call this before a round of naming, so that
   * everything that processes did since the last round is known.
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
      // The perf map of a container that is gone: the functions read before are kept.
      if (newSize === size || (newSize < 0 && table !== undefined)) continue;
      this.#perfMaps.delete(process);
      this.#writers.delete(process);
      grown = true;
    }
    // Runtimes use the memory of generated code again, so names found before may be wrong.
    if (grown) this.#forgetFrames();
  }

  /** Lists a process and the descendants that were born while it was watched. */
  descendants(pid: number): number[] {
    this.update();
    const found = new Set([pid]);
    for (const process of this.#processes) {
      if (process.parent !== undefined && found.has(process.parent)) found.add(process.pid);
    }
    return [...found];
  }

  /**
   * Names an address of a process.
   *
   * @param pid Process id, as this process numbers it. For a process that is gone, the remembered
   * mappings count.
   * @param address Address in the process.
   * @returns The facts about the address; without a name if it is unknown. Never throws for a
   * missing process.
   */
  user(pid: number, address: bigint): UserFrame {
    const at = addressNumber(address);
    let last = this.#last;
    if (last === undefined || last.pid !== pid) last = this.#turnTo(pid);
    return last.frames.known.get(at) ?? this.#look(last.process, last.frames, at);
  }

  /**
   * Finds the build id, in hexadecimal, of the file that an address lies in; undefined if there is
   * none.
   */
  buildId(pid: number, address: bigint): string | undefined {
    const process = this.#turnTo(pid).process;
    const mapping = process.find(addressNumber(address));
    return mapping && (mapping.buildId ?? this.#binary(process, mapping)?.elf.buildId);
  }

  /**
   * Finds a variable or function of a process by its name.
   *
   * @param pid Process id.
   * @param name Name of the symbol, not demangled.
   * @returns Its address and its size in bytes; undefined if no mapped file has such a symbol.
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

  /**
   * Number of records of processes that the kernel had no room for; names may be missing after a
   * loss.
   */
  get lost(): bigint {
    let lost = 0n;
    for (const watch of this.#watches) lost += watch.lost;
    return lost;
  }

  /** Ends all watches and forgets everything. */
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

  /** Makes a process the current one, and forgets its names if its mappings have changed. */
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

  /** Names an address that has not been named yet, and remembers the name. */
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

  /** Names an address by its file, else by a perf map. */
  #resolve(process: Process, at: number): UserFrame {
    const mapping = process.find(at);
    if (mapping !== undefined && isFile(mapping)) {
      const moduleOffset = at - mapping.start + mapping.offset;
      const module = filePath(mapping);
      const binary = this.#binary(process, mapping);
      const address = binary?.elf.addressOf(moduleOffset);
      const symbol = address === undefined ? undefined : this.#table(binary!).resolve(address);
      if (symbol !== undefined) return { ...symbol, module, moduleOffset, generated: false };
      // A runtime may keep code of its own in its file, and name it in the perf map.
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

  /**
   * Symbols of a file. Symbols of files that were not used for long are dropped if too many are in
   * memory.
   */
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

  /** The file behind a mapping; undefined if it cannot be found or read. */
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

  /**
   * The vdso of a process, read from its memory; if the process is gone, from the memory of this
   * one.
   */
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

  /**
   * Finds a name that the runtime of a process, or of one of its ancestors, has written to a perf
   * map.
   */
  #generated(process: Process, at: number) {
    let one: Process | undefined = process;
    for (let i = 0; i <= MOST_PARENTS && one !== undefined; i++) {
      const found = this.#perfMap(one)?.resolve(at);
      if (found !== undefined) return found;
      one = one.parent === undefined ? undefined : this.#processes.peek(one.parent);
    }
    return undefined;
  }

  /** The perf map of a process. */
  #perfMap(process: Process): SymbolTable | undefined {
    let known = this.#perfMaps.get(process);
    // A missing map is remembered, too. update() looks again, at most once a second, whether it has
    // come.
    if (known === undefined) {
      this.#perfMaps.set(process, known = readPerfMap(process));
      this.#writers.add(process);
    }
    return known.table;
  }
}

/**
 * Key for a file whose build id is unknown. There may be two vdsos, for 64-bit and for 32-bit
 * processes.
 */
function keyOf({ view }: Process, { path, inode, start, end }: Mapping): string {
  return path === "[vdso]"
    ? `[vdso] ${end - start} ${start < 2 ** 32}`
    : `${view.root} ${inode} ${path}`;
}

/**
 * Lists paths at which a mapped file may be found, with how strictly the file there must be
 * checked. "kernel": the kernel's own link leads to the right file. "file": the path may lead to
 * another file by now, so the inode must agree. "path": the path is believed as long as the process
 * lives.
 */
function* candidates(
  { pid, view, exited }: Process,
  mapping: Mapping,
): Generator<{ path: string; strict: "kernel" | "file" | "path" }> {
  const path = filePath(mapping);
  const paths = isDeleted(mapping)
    ? []
    : [...view.root === "" ? [path] : [], ...belowRoot(view.root || `/proc/${pid}/root`, path)];
  for (const one of paths) yield { path: one, strict: "file" };
  const direct = mappedPath(pid, mapping);
  yield { path: direct, strict: "kernel" };
  yield { path: `/proc/${pid}/exe`, strict: "file" };
  // The kernel's link may not be followed, and some file systems report two inodes for one file.
  if (!exited && sizeOf(direct) < 0) {
    for (const one of paths) yield { path: one, strict: "path" };
  }
}

/** True if a file is the mapped one, as far as that can be told. */
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

/** Greatest size in bytes of a perf map that is read: half a million functions. */
const MOST_MAP_BYTES = 1 << 25;

/** Reads a perf map, unless it belongs to an earlier process with this id or to another user. */
function readPerfMap({ view, bornMs, uid }: Process): PerfMap {
  const path = `${view.root}/tmp/perf-${view.ownPid}.map`;
  try {
    using input = openInput(path);
    const { size, mtime, uid: owner } = input.info;
    const own = (mtime?.getTime() ?? 0) >= bornMs - 1000 && size <= MOST_MAP_BYTES &&
      (owner === 0 || owner === uid || owner === Deno.uid());
    return {
      path,
      size,
      table: own ? parsePerfMap(readOpen(input, path, MOST_MAP_BYTES)) : undefined,
    };
  } catch {
    return { path, size: -1 };
  }
}

/** Size of a file in bytes; -1 if it is gone. */
function sizeOf(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch {
    return -1;
  }
}

/** Ids of all processes that run now. */
function allProcesses(): number[] {
  return [...Deno.readDirSync("/proc")].map(({ name }) => Number(name)).filter((pid) => pid > 0);
}
