// Pure: no I/O, no FFI.
// Counts and times of system calls, in a table like that of strace -c.

import { ERESTART, restartOf } from "../ktrace/systems/restarts.ts";
import type { RecordKind, SystemName } from "../ktrace/formats/record.ts";

interface Total {
  calls: number;
  errors: number;
  ns: number;
}

/** What counts of a record. */
export interface CallRecord {
  /** Kind of the record; calls, returns and ends of processes count. */
  readonly kind: RecordKind;
  /** Id of the process that made the record. */
  readonly pid: number;
  /** Id of the thread that made the record. */
  readonly tid: number;
  /** Time of the record, in seconds since 1970. */
  readonly seconds: number;
  /** The rest of the time, in nanoseconds. */
  readonly nanoseconds: number;
  /** Number of the call; of calls and returns alone, as what follows. */
  readonly code: number;
  /** Error of the return. */
  readonly error: number;
  /** Lower 32 bits of the result. */
  readonly resultLow: number;
}

/** An entry into a system call. */
interface Entry {
  /** What the call's name counts; undefined if the call has returned. */
  total?: Total;
  seconds: number;
  nanoseconds: number;
}

/** Counts calls, errors and the time from the entry to the return. */
export class Summary {
  readonly #totals = new Map<string, Total>();
  /** Totals by number of the call: names cost more to look up. */
  readonly #byCode: Record<SystemName, Map<number, Total>> = {
    linux: new Map(),
    freebsd: new Map(),
    netbsd: new Map(),
    openbsd: new Map(),
  };
  /** The last entry into a system call, by process and thread. */
  readonly #entries = new Map<number, Map<number, Entry>>();
  readonly #nameOf: (code: number, system: SystemName) => string;

  /** @param nameOf Names a system call by its number. */
  constructor(nameOf: (code: number, system: SystemName) => string) {
    this.#nameOf = nameOf;
  }

  /** Counts a record if it is an entry into a system call or a return. */
  add(record: CallRecord, system: SystemName): void {
    const { kind, seconds, nanoseconds } = record;
    if (kind === "procdtor") this.#entries.delete(record.pid);
    if (kind !== "syscall" && kind !== "sysret") return;
    const total = this.#total(record.code, system);
    const entry = this.#entry(record.pid, record.tid);
    if (kind === "syscall") {
      total.calls++;
      entry.total = total;
      entry.seconds = seconds;
      entry.nanoseconds = nanoseconds;
      return;
    }
    // A return without its entry: the call began before the trace, or in the parent.
    if (entry.total !== total) total.calls++;
    else total.ns += (seconds - entry.seconds) * 1e9 + nanoseconds - entry.nanoseconds;
    entry.total = undefined;
    const { error, resultLow } = record;
    const isAgain = error === ERESTART && system === "linux" && restartOf(resultLow) !== undefined;
    if (error > 0 || isAgain) total.errors++;
  }

  #entry(pid: number, tid: number): Entry {
    let threads = this.#entries.get(pid);
    if (threads === undefined) this.#entries.set(pid, threads = new Map());
    let entry = threads.get(tid);
    if (entry === undefined) threads.set(tid, entry = { seconds: 0, nanoseconds: 0 });
    return entry;
  }

  /** A table of the calls, those that took the most time first. */
  format(): string {
    const rows = [...this.#totals].sort(([, a], [, b]) => b.ns - a.ns);
    const all = rows.reduce((sum, [, { ns }]) => sum + ns, 0);
    const line = (...cells: string[]) => {
      const widths = [6, 11, 11, 9, 9];
      return `${cells.map((cell, i) => i < 5 ? cell.padStart(widths[i]) : cell).join(" ")}\n`;
    };
    const rule = line(
      "------",
      "-----------",
      "-----------",
      "---------",
      "---------",
      "----------------",
    );
    let text = line("% time", "seconds", "usecs/call", "calls", "errors", "syscall") + rule;
    const sum = { calls: 0, errors: 0 };
    for (const [name, { calls, errors, ns }] of rows) {
      sum.calls += calls;
      sum.errors += errors;
      text += line(
        percent(ns, all),
        seconds(ns),
        String(calls === 0 ? 0 : Math.round(ns / 1000 / calls)),
        String(calls),
        errors === 0 ? "" : String(errors),
        name,
      );
    }
    const average = sum.calls === 0 ? 0 : Math.round(all / 1000 / sum.calls);
    text += rule;
    text += line(
      "100.00",
      ...[seconds(all), String(average), String(sum.calls), String(sum.errors)],
      "total",
    );
    return text;
  }

  #total(code: number, system: SystemName): Total {
    let total = this.#byCode[system].get(code);
    if (total === undefined) {
      const name = this.#nameOf(code, system);
      total = this.#totals.get(name) ?? { calls: 0, errors: 0, ns: 0 };
      this.#totals.set(name, total);
      this.#byCode[system].set(code, total);
    }
    return total;
  }
}

function percent(part: number, all: number): string {
  return (all === 0 ? 0 : Math.floor(part * 10_000 / all) / 100).toFixed(2);
}

function seconds(ns: number): string {
  return (ns / 1e9).toFixed(6);
}
