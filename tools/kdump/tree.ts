// Pure: no I/O, no FFI.
// The processes of a trace: the parent of each, the programs it executed, and the time between its first
// and its last record.

import { nameText } from "./text.ts";
import { strings } from "../ktrace/formats/bytes.ts";
import type { KtrRecord, SystemName } from "../ktrace/formats/record.ts";
import { quoted } from "./text.ts";

/** System calls that make a process. */
const FORKS = /^(fork|vfork|clone|clone3|__clone|__fork14|rfork|pdfork|__vfork14|__tfork)$/;

/** Levels that are indented; what is deeper tells its level. */
const MOST_INDENT = 100;
/** Ancestors that are looked at. */
const MOST_ANCESTORS = 1000;

/** One life of a process, as another process may have the same number later. */
interface Life {
  readonly pid: number;
  comm: string;
  readonly programs: string[];
  readonly children: Life[];
  parent?: Life;
  ended: boolean;
  firstNs: bigint;
  lastNs: bigint;
  records: number;
  readonly threads: Set<number>;
}

/** Builds the tree of processes from the records of a trace. */
export class Tree {
  readonly #lives: Life[] = [];
  /** The latest life by process number. */
  readonly #now = new Map<number, Life>();
  /** Parents whose fork has returned a child without records yet, by the child's number. */
  readonly #told = new Map<number, Life>();
  readonly #nameOf: (code: number, system: SystemName) => string;

  /** True if records of the making of processes tell the parents. */
  #tellsParents = false;

  /** @param nameOf Names a system call by its number. */
  constructor(nameOf: (code: number, system: SystemName) => string) {
    this.#nameOf = nameOf;
  }

  /** Takes a record into account, in the order of the trace. */
  add(record: KtrRecord, system: SystemName): void {
    const { pid, tid, comm, timeNs } = record;
    const life = this.#life(pid, timeNs);
    life.comm = comm;
    life.records++;
    if (timeNs > life.lastNs) life.lastNs = timeNs;
    if (timeNs < life.firstNs) life.firstNs = timeNs;
    if (tid > 0) life.threads.add(tid);
    if (record.kind === "args") {
      const shown = strings(record.data).map((one) =>
        quoted(new TextEncoder().encode(one)).slice(1, -1)
      );
      life.programs.push(shown.join(" "));
    }
    if (record.kind === "procdtor") life.ended = true;
    if (record.kind === "procctor" && record.parent !== undefined) {
      this.#tellsParents = true;
      const parent = this.#now.get(record.parent);
      if (parent !== undefined && life.parent === undefined && !isWithin(parent, life)) {
        adopt(parent, life);
      }
    }
    // The result of a fork is a number of the parent's namespace: of no use where there is a better one.
    if (this.#tellsParents) return;
    if (record.kind !== "sysret" || record.error !== 0 || record.retval <= 0n) return;
    if (FORKS.test(this.#nameOf(record.code, system))) this.#born(Number(record.retval), life);
  }

  /** The processes as an indented list, children below their parents. */
  format(): string {
    return [...this.lines()].join("");
  }

  /** The lines of the list, each with its line end; a large trace has more text than a string can. */
  *lines(): Generator<string> {
    const left = this.#lives.filter(({ parent }) => parent === undefined).reverse().map((life) => ({
      life,
      depth: 0,
    }));
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      const { life, depth } = next;
      const indent = "  ".repeat(Math.min(depth, MOST_INDENT));
      yield `${indent}${depth > MOST_INDENT ? `(${depth}) ` : ""}${line(life)}\n`;
      for (const child of life.children.toReversed()) left.push({ life: child, depth: depth + 1 });
    }
  }

  #life(pid: number, timeNs: bigint): Life {
    const known = this.#now.get(pid);
    if (known !== undefined && !known.ended) return known;
    const life: Life = {
      pid,
      comm: "",
      programs: [],
      children: [],
      ended: false,
      firstNs: timeNs,
      lastNs: timeNs,
      records: 0,
      threads: new Set(),
    };
    this.#lives.push(life);
    this.#now.set(pid, life);
    const parent = this.#told.get(pid);
    this.#told.delete(pid);
    if (parent !== undefined) adopt(parent, life);
    return life;
  }

  /** Notes a fork's return; the child's own records may stand before it. */
  #born(pid: number, parent: Life): void {
    const known = this.#now.get(pid);
    // A known life is this child, even if it has ended, unless the life has a parent or is an ancestor.
    const isOther = known !== undefined && (known.parent !== undefined || isWithin(parent, known));
    if (known === undefined || (known.ended && isOther)) this.#told.set(pid, parent);
    else if (!isOther) adopt(parent, known);
  }
}

function adopt(parent: Life, child: Life): void {
  child.parent = parent;
  parent.children.push(child);
}

/**
 * True if `life` is `root` or a descendant: numbers that are used again could close a circle. True, too,
 * for a process that has too many ancestors.
 */
function isWithin(life: Life, root: Life): boolean {
  let next: Life | undefined = life;
  for (let i = 0; i < MOST_ANCESTORS && next !== undefined; i++) {
    if (next === root) return true;
    next = next.parent;
  }
  return next !== undefined;
}

function line({ pid, comm, programs, firstNs, lastNs, records, threads }: Life): string {
  const seconds = (Number(lastNs - firstNs) / 1e9).toFixed(6);
  const many = threads.size > 1 ? `, ${threads.size} threads` : "";
  const executed = programs.length > 0 ? ` ${programs.join(" → ")}` : "";
  return `${pid} ${nameText(comm)}${executed} (${seconds} s, ${records} records${many})`;
}
