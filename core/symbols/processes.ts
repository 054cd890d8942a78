// Remembers processes and their mappings, while they live and afterwards. The facts come from
// /proc, and from records of births, executions, mappings and deaths, which process_watch.ts
// delivers in the order of time.

import { addMapping, type Mapping, mappingAt, parseMaps } from "./mappings.ts";

/** How a process sees files, and the id that the process has for itself. */
export interface View {
  /** Path of the process's root directory; "" if the process shares the root of this process. */
  readonly root: string;
  /** Process id in the process's own pid namespace; runtimes use it in the name of the perf map. */
  readonly ownPid: number;
}

/** A process, living or dead, with its mappings. */
export class Process {
  /** Process id, as this process numbers it. */
  readonly pid: number;
  /** Id of the parent; absent if no record of the birth was seen. */
  readonly parent?: number;
  /**
   * Mappings now. The list is replaced as a whole, so that a child can share it until one of them
   * maps something.
   */
  mappings: readonly Mapping[];
  /**
   * Mappings of the programs that the process executed before, latest first: a stack may be older
   * than an execution.
   */
  before: readonly (readonly Mapping[])[];
  /** Root directory and process id from the process's own point of view. */
  view: View;
  /** True after the process has died. */
  exited = false;
  /**
   * Time of birth in milliseconds since 1970, 0 if unknown: a perf map that is older belongs to
   * another process.
   */
  bornMs: number;
  /** Time at which /proc was last read for this process, in milliseconds of performance.now(). */
  askedMs = -Infinity;
  /** User id that the process runs as; undefined if unknown. */
  uid?: number;

  /**
   * Makes a process from what is known.
   *
   * @param pid Process id.
   * @param from Facts known already, such as those that a child shares with its parent.
   */
  constructor(pid: number, from: Partial<Process> & { view: View }) {
    this.pid = pid;
    this.parent = from.parent;
    this.mappings = from.mappings ?? [];
    this.before = from.before ?? [];
    this.view = from.view;
    this.bornMs = from.bornMs ?? 0;
  }

  /** Finds the mapping that an address lies in, now or before an execution. */
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

/** Number of executions back that are remembered of a process. */
const MOST_BEFORE = 4;
/** Number of dead processes that are remembered. */
const MOST_DEAD = 20_000;
/** Milliseconds that must pass before /proc is read again for the mappings of one process. */
const ASK_AGAIN_MS = 50;

/** The processes that are known, by process id. */
export class Processes {
  readonly #rootOf: (pid: number) => string;
  readonly #known = new Map<number, Process>();
  /** Dead processes in the order of their deaths. */
  readonly #dead = new Set<Process>();
  readonly #ourView: View = { root: "", ownPid: 0 };

  /** @param rootOf Finds the path of the root of a process in another mount namespace. */
  constructor(rootOf: (pid: number) => string) {
    this.#rootOf = rootOf;
  }

  /** Iterates over all processes that are known, dead ones included. */
  [Symbol.iterator](): IterableIterator<Process> {
    return this.#known.values();
  }

  /**
   * Returns a process; reads /proc if it is not known yet. A process that is gone has no mappings.
   */
  get(pid: number): Process {
    let process = this.#known.get(pid);
    if (process === undefined) {
      process = new Process(pid, { view: this.#viewOf(pid, this.#ourView) });
      this.#known.set(pid, process);
      this.#ask(process);
    }
    return process;
  }

  /** Returns a process if it is known already; never reads /proc. */
  peek(pid: number): Process | undefined {
    return this.#known.get(pid);
  }

  /**
   * Reads /proc again for a process, since an address lies in none of its known mappings. Does
   * nothing if the process is dead or was read a moment ago.
   */
  refresh(process: Process): void {
    if (process.exited || performance.now() - process.askedMs < ASK_AGAIN_MS) return;
    this.#ask(process);
  }

  /**
   * Takes in the birth of a process.
   *
   * @param pid Id of the child.
   * @param parent Id of the parent.
   * @param bornMs Time of birth in milliseconds since 1970.
   */
  fork(pid: number, parent: number, bornMs: number): void {
    const from = this.#known.get(parent);
    const replaced = this.#known.get(pid);
    if (replaced !== undefined) this.#dead.delete(replaced);
    const inherited = { root: from?.view.root ?? "", ownPid: pid };
    const elsewhere = from !== undefined && from.view.ownPid !== parent;
    const process = new Process(pid, {
      parent,
      mappings: from?.mappings,
      // A stack may also belong to an earlier process with the same id.
      before: [
        ...from?.before ?? [],
        ...(replaced === undefined ? [] : [replaced.mappings]),
      ].slice(0, MOST_BEFORE),
      // In another pid namespace the child has an own id of its own, which must be looked up.
      view: elsewhere ? this.#viewOf(pid, inherited) : inherited,
      bornMs,
    });
    process.uid = from?.uid;
    this.#known.set(pid, process);
    // The parent is unknown, so nothing was inherited; the child itself can still be read in /proc.
    if (from === undefined) this.#ask(process);
  }

  /** Takes in that a process executes a program. */
  exec(pid: number): void {
    const process = this.#known.get(pid);
    if (process === undefined) return void this.get(pid);
    // A death was reported, but it was that of the first thread: another thread executes the
    // program.
    process.exited = false;
    this.#dead.delete(process);
    process.uid = userOf(pid) ?? process.uid;
    if (process.mappings.length > 0) {
      process.before = [process.mappings, ...process.before].slice(0, MOST_BEFORE);
    }
    process.mappings = [];
    process.view = this.#viewOf(pid, process.view);
  }

  /** Takes in that a process has mapped code. */
  map(pid: number, mapping: Mapping): void {
    const process = this.#known.get(pid);
    if (process === undefined) return void this.get(pid);
    process.mappings = addMapping(process.mappings, mapping);
  }

  /** Takes in the death of a process. */
  exit(pid: number): void {
    const process = this.#known.get(pid);
    if (process !== undefined && !process.exited) this.#bury(process);
  }

  /**
   * Marks a process as dead, and forgets the one that has been dead longest if there are too many.
   */
  #bury(process: Process): void {
    process.exited = true;
    this.#dead.add(process);
    if (this.#dead.size <= MOST_DEAD) return;
    const [oldest] = this.#dead;
    this.#dead.delete(oldest);
    if (this.#known.get(oldest.pid) === oldest) this.#known.delete(oldest.pid);
  }

  /** Reads user, birth and mappings of a process in /proc. */
  #ask(process: Process): void {
    const { pid } = process;
    process.askedMs = performance.now();
    const uid = userOf(pid);
    if (uid === undefined) {
      // The process is gone. The facts known so far stay as long as there is room.
      this.#bury(process);
      return;
    }
    process.uid = uid;
    if (process.bornMs === 0) process.bornMs = bornMs(pid);
    try {
      process.mappings = parseMaps(Deno.readTextFileSync(`/proc/${pid}/maps`));
    } catch {
      // This user may not look at the process.
    }
  }

  /** Finds out how a process sees files; if it is gone, returns what was known. */
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

/** User id of a process; undefined if the process is gone. */
function userOf(pid: number): number | undefined {
  try {
    return Deno.statSync(`/proc/${pid}`).uid ?? undefined;
  } catch {
    return undefined;
  }
}

/** Ticks per second in which /proc/PID/stat counts times (USER_HZ). */
const TICKS_PER_S = 100;

/** Time of birth of a process in milliseconds since 1970; 0 if unknown. proc_pid_stat(5) */
function bornMs(pid: number): number {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    const [upS] = Deno.readTextFileSync("/proc/uptime").split(" ").map(Number);
    // Field 22; field 2, the name in parentheses, may hold any character.
    const startS = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]) / TICKS_PER_S;
    return Date.now() - (upS - startS) * 1000;
  } catch {
    return 0;
  }
}

/** Namespaces of this process by kind, as /proc names them. */
const namespaces = new Map<string, string>();

function ourNamespace(name: string): string {
  let found = namespaces.get(name);
  if (found === undefined) {
    namespaces.set(name, found = Deno.readLinkSync(`/proc/self/ns/${name}`));
  }
  return found;
}

/** Id of a process in its innermost pid namespace; proc_pid_status(5), NSpid. */
function lastPidOf(pid: number): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/^NSpid:.*\t(\d+)$/m.exec(status)?.[1] ?? pid);
}
