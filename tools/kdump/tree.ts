// Pure: no I/O, no FFI.
// Processes of a trace: who was made by whom, what they have executed, how long they were seen.

import { strings } from "../ktrace/formats/bytes.ts";
import type { KtrRecord, SystemName } from "../ktrace/record.ts";

/** System calls that make a process. */
const FORKS = /^(fork|vfork|clone|clone3|__clone|__fork14|rfork|pdfork|__vfork14|__tfork)$/;

interface Seen {
  readonly pid: number;
  parent?: number;
  comm: string;
  readonly programs: string[];
  firstNs: bigint;
  lastNs: bigint;
  records: number;
  readonly threads: Set<number>;
}

/** Collects processes. */
export class Tree {
  readonly #processes = new Map<number, Seen>();
  /** Children that a fork has told of, by number. */
  readonly #parents = new Map<number, number>();
  readonly #nameOf: (code: number, system: SystemName) => string;

  /** @param nameOf Name of a system call. */
  constructor(nameOf: (code: number, system: SystemName) => string) {
    this.#nameOf = nameOf;
  }

  /** Looks at one record. */
  add(record: KtrRecord, system: SystemName): void {
    const { pid, tid, comm, timeNs } = record;
    let seen = this.#processes.get(pid);
    if (seen === undefined) {
      const [programs, threads] = [[], new Set<number>()];
      seen = { pid, comm, programs, firstNs: timeNs, lastNs: timeNs, records: 0, threads };
      this.#processes.set(pid, seen);
    }
    seen.comm = comm;
    seen.records++;
    if (timeNs > seen.lastNs) seen.lastNs = timeNs;
    if (timeNs < seen.firstNs) seen.firstNs = timeNs;
    if (tid > 0) seen.threads.add(tid);
    if (record.kind === "args") seen.programs.push(strings(record.data).join(" "));
    if (record.kind === "sysret" && record.error === 0 && record.retval > 0n) {
      const isFork = FORKS.test(this.#nameOf(record.code, system));
      if (isFork) this.#parents.set(Number(record.retval), pid);
    }
  }

  /** An indented list. */
  format(): string {
    const children = new Map<number | undefined, Seen[]>();
    for (const seen of this.#processes.values()) {
      const told = this.#parents.get(seen.pid);
      const parent = told !== undefined && told !== seen.pid && this.#processes.has(told)
        ? told
        : undefined;
      const list = children.get(parent);
      if (list === undefined) children.set(parent, [seen]);
      else list.push(seen);
    }
    let text = "";
    const show = (seen: Seen, depth: number) => {
      const { pid, comm, programs, firstNs, lastNs, records, threads } = seen;
      const seconds = (Number(lastNs - firstNs) / 1e9).toFixed(6);
      const many = threads.size > 1 ? `, ${threads.size} threads` : "";
      const executed = programs.length > 0 ? ` ${programs.join(" → ")}` : "";
      text += `${
        "  ".repeat(depth)
      }${pid} ${comm}${executed} (${seconds} s, ${records} records${many})\n`;
      for (const child of children.get(pid) ?? []) show(child, depth + 1);
    };
    for (const root of children.get(undefined) ?? []) show(root, 0);
    return text;
  }
}
