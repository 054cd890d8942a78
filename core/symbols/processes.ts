// What is known of processes: their mappings, while they live and after. It comes from /proc, and
// from records of births, executions, mappings and deaths (process_watch.ts) in the order of time.

import { addMapping, type Mapping, mappingAt, parseMaps } from "./mappings.ts";

/** Where a process sees files, and the id that it has for itself. */
export interface View {
  /** Path of its root: "" for ours. */
  readonly root: string;
  /** Its id in its own pid namespace, which names its perf map. */
  readonly ownPid: number;
}

/** A process. */
export class Process {
  readonly pid: number;
  /** Its parent, as far as it was told. */
  readonly parent?: number;
  /** Replaced as a whole: a child shares it until either maps something. */
  mappings: readonly Mapping[];
  /** Of the programs that it was before: a stack may be older than an execution. */
  before: readonly (readonly Mapping[])[];
  view: View;
  /** True once its death was told. */
  exited = false;
  /** Milliseconds since 1970 before which it was not there: an older perf map is another one's. */
  bornMs: number;
  /** When /proc was asked last, in ms of this process. */
  askedMs = -Infinity;
  /** User that it runs as; undefined if that was never told. */
  uid?: number;

  constructor(pid: number, from: Partial<Process> & { view: View }) {
    this.pid = pid;
    this.parent = from.parent;
    this.mappings = from.mappings ?? [];
    this.before = from.before ?? [];
    this.view = from.view;
    this.bornMs = from.bornMs ?? 0;
  }

  /** The mapping that an address lies in: now, or before an execution. */
  find(address: number): Mapping | undefined {
    const found = mappingAt(this.mappings, address);
    if (found !== undefined) return found;
    for (const mappings of this.before) {
      const older = mappingAt(mappings, address);
      if (older !== undefined) return older;
    }
    return undefined;
  }
}

/** How many executions back are remembered. */
const MOST_BEFORE = 4;
/** How many processes that have died are remembered. */
const MOST_DEAD = 20_000;
/** /proc is not asked again for a process's mappings before so long. */
const ASK_AGAIN_MS = 50;

/** All processes that are known. */
export class Processes {
  readonly #rootOf: (pid: number) => string;
  readonly #known = new Map<number, Process>();
  /** In the order of their deaths. */
  readonly #dead = new Set<Process>();
  readonly #ourView: View = { root: "", ownPid: 0 };

  /** @param rootOf Path of the root of a process in another mount namespace. */
  constructor(rootOf: (pid: number) => string) {
    this.#rootOf = rootOf;
  }

  /** Those that are known. */
  [Symbol.iterator](): IterableIterator<Process> {
    return this.#known.values();
  }

  /** A process; asks /proc about one that nobody has told of. Without mappings if it is gone. */
  get(pid: number): Process {
    let process = this.#known.get(pid);
    if (process === undefined) {
      process = new Process(pid, { view: this.#viewOf(pid, this.#ourView) });
      this.#known.set(pid, process);
      this.#ask(process);
    }
    return process;
  }

  /** One that is known already. */
  peek(pid: number): Process | undefined {
    return this.#known.get(pid);
  }

  /** Asks /proc again, because an address lies in no mapping that is known. */
  refresh(process: Process): void {
    if (process.exited || performance.now() - process.askedMs < ASK_AGAIN_MS) return;
    this.#ask(process);
  }

  /** A process was born. */
  fork(pid: number, parent: number, bornMs: number): void {
    const from = this.#known.get(parent);
    const replaced = this.#known.get(pid);
    if (replaced !== undefined) this.#dead.delete(replaced);
    const inherited = { root: from?.view.root ?? "", ownPid: pid };
    const elsewhere = from !== undefined && from.view.ownPid !== parent;
    const process = new Process(pid, {
      parent,
      mappings: from?.mappings,
      // A stack may also be of an earlier process with that id.
      before: [
        ...from?.before ?? [],
        ...(replaced === undefined ? [] : [replaced.mappings]),
      ].slice(0, MOST_BEFORE),
      // Where ids differ, it has one of its own.
      view: elsewhere ? this.#viewOf(pid, inherited) : inherited,
      bornMs,
    });
    process.uid = from?.uid;
    this.#known.set(pid, process);
    // A parent that nobody knows: what the child has can still be asked for.
    if (from === undefined) this.#ask(process);
  }

  /** It executes a program. */
  exec(pid: number): void {
    const process = this.#known.get(pid);
    if (process === undefined) return void this.get(pid);
    // By another thread than the one that its exit was told of.
    process.exited = false;
    this.#dead.delete(process);
    process.uid = userOf(pid) ?? process.uid;
    if (process.mappings.length > 0) {
      process.before = [process.mappings, ...process.before].slice(0, MOST_BEFORE);
    }
    process.mappings = [];
    process.view = this.#viewOf(pid, process.view);
  }

  /** It has mapped code. */
  map(pid: number, mapping: Mapping): void {
    const process = this.#known.get(pid);
    if (process === undefined) return void this.get(pid);
    process.mappings = addMapping(process.mappings, mapping);
  }

  /** It has died. */
  exit(pid: number): void {
    const process = this.#known.get(pid);
    if (process !== undefined && !process.exited) this.#bury(process);
  }

  #bury(process: Process): void {
    process.exited = true;
    this.#dead.add(process);
    if (this.#dead.size <= MOST_DEAD) return;
    const [oldest] = this.#dead;
    this.#dead.delete(oldest);
    if (this.#known.get(oldest.pid) === oldest) this.#known.delete(oldest.pid);
  }

  #ask(process: Process): void {
    const { pid } = process;
    process.askedMs = performance.now();
    const uid = userOf(pid);
    if (uid === undefined) {
      // Gone: what was known stays, as long as there is room.
      this.#bury(process);
      return;
    }
    process.uid = uid;
    if (process.bornMs === 0) process.bornMs = bornMs(pid);
    try {
      process.mappings = parseMaps(Deno.readTextFileSync(`/proc/${pid}/maps`));
    } catch {
      // Not ours to look at.
    }
  }

  /** Where a process sees files; what was known if it is gone. */
  #viewOf(pid: number, otherwise: View): View {
    try {
      const own = (name: string) =>
        Deno.readLinkSync(`/proc/${pid}/ns/${name}`) === ourNamespace(name);
      const root = own("mnt") ? "" : this.#rootOf(pid);
      const ownPid = own("pid") ? pid : lastPidOf(pid);
      return { root, ownPid };
    } catch {
      return { root: otherwise.root, ownPid: otherwise.ownPid || pid };
    }
  }
}

/** User of a process; undefined if it has gone. */
function userOf(pid: number): number | undefined {
  try {
    return Deno.statSync(`/proc/${pid}`).uid ?? undefined;
  } catch {
    return undefined;
  }
}

/** USER_HZ: the unit of times in /proc/PID/stat. */
const TICKS_PER_S = 100;

/** When a process was born, in milliseconds since 1970; 0 if that cannot be told. proc_pid_stat(5) */
function bornMs(pid: number): number {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    const [upS] = Deno.readTextFileSync("/proc/uptime").split(" ").map(Number);
    // Field 22; the second one is in parentheses and may hold anything.
    const startS = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]) / TICKS_PER_S;
    return Date.now() - (upS - startS) * 1000;
  } catch {
    return 0;
  }
}

const namespaces = new Map<string, string>();

function ourNamespace(name: string): string {
  let found = namespaces.get(name);
  if (found === undefined) {
    namespaces.set(name, found = Deno.readLinkSync(`/proc/self/ns/${name}`));
  }
  return found;
}

/** Id of a process in the innermost pid namespace. proc_pid_status(5), NSpid */
function lastPidOf(pid: number): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/^NSpid:.*\t(\d+)$/m.exec(status)?.[1] ?? pid);
}
