// Pure: no I/O, no FFI.
// Processes of a trace: who was made by whom, what they have executed, how long they were seen.

import { strings } from "../ktrace/formats/bytes.ts";
import type { KtrRecord, SystemName } from "../ktrace/formats/record.ts";
import { quoted } from "./text.ts";

/** System calls that make a process. */
const FORKS = /^(fork|vfork|clone|clone3|__clone|__fork14|rfork|pdfork|__vfork14|__tfork)$/;

/** One life of a process: its number may be another's later. */
interface Life {
  readonly pid: number;
  comm: string;
  readonly programs: string[];
  readonly children: Life[];
  hasParent: boolean;
  ended: boolean;
  firstNs: bigint;
  lastNs: bigint;
  records: number;
  readonly threads: Set<number>;
}

/** Collects processes. */
export class Tree {
  readonly #lives: Life[] = [];
  /** The last life of each number. */
  readonly #now = new Map<number, Life>();
  /** Whose call has told of a child that has not been seen yet. */
  readonly #told = new Map<number, Life>();
  readonly #nameOf: (code: number, system: SystemName) => string;

  /** @param nameOf Name of a system call. */
  constructor(nameOf: (code: number, system: SystemName) => string) {
    this.#nameOf = nameOf;
  }

  /** Looks at one record. */
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
    if (record.kind !== "sysret" || record.error !== 0 || record.retval <= 0n) return;
    if (FORKS.test(this.#nameOf(record.code, system))) this.#born(Number(record.retval), life);
  }

  /** An indented list. */
  format(): string {
    let text = "";
    const left = this.#lives.filter(({ hasParent }) => !hasParent).reverse().map((life) => ({
      life,
      depth: 0,
    }));
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      const { life, depth } = next;
      text += `${"  ".repeat(depth)}${line(life)}\n`;
      for (const child of life.children.toReversed()) left.push({ life: child, depth: depth + 1 });
    }
    return text;
  }

  #life(pid: number, timeNs: bigint): Life {
    const known = this.#now.get(pid);
    if (known !== undefined && !known.ended) return known;
    const life: Life = {
      pid,
      comm: "",
      programs: [],
      children: [],
      hasParent: false,
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

  /** A child may have been seen before the call that has made it returns. */
  #born(pid: number, parent: Life): void {
    const known = this.#now.get(pid);
    // One that has ended may be this child, unless it has a parent, or is an ancestor.
    const isOther = known !== undefined && (known.hasParent || isWithin(parent, known));
    if (known === undefined || (known.ended && isOther)) this.#told.set(pid, parent);
    else if (!isOther) adopt(parent, known);
  }
}

function adopt(parent: Life, child: Life): void {
  child.hasParent = true;
  parent.children.push(child);
}

/** Is it one of its descendants? Numbers that are used again could make it so. */
function isWithin(life: Life, root: Life): boolean {
  const left = [root];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (next === life) return true;
    left.push(...next.children);
  }
  return false;
}

function line({ pid, comm, programs, firstNs, lastNs, records, threads }: Life): string {
  const seconds = (Number(lastNs - firstNs) / 1e9).toFixed(6);
  const many = threads.size > 1 ? `, ${threads.size} threads` : "";
  const executed = programs.length > 0 ? ` ${programs.join(" → ")}` : "";
  return `${pid} ${comm}${executed} (${seconds} s, ${records} records${many})`;
}
