// Pure: no I/O, no FFI.
// Counts and times of system calls, in a table like that of strace -c.

import { ERESTART, restartOf } from "../ktrace/systems/restarts.ts";
import type { KtrRecord, SystemName } from "../ktrace/formats/record.ts";

interface Total {
  calls: number;
  errors: number;
  ns: bigint;
}

/** Counts calls, errors and the time from the entry to the return. */
export class Summary {
  readonly #totals = new Map<string, Total>();
  /** The last entry into a system call without its return, by thread: "pid/tid". */
  readonly #open = new Map<string, { name: string; timeNs: bigint }>();
  readonly #nameOf: (code: number, system: SystemName) => string;

  /** @param nameOf Names a system call by its number. */
  constructor(nameOf: (code: number, system: SystemName) => string) {
    this.#nameOf = nameOf;
  }

  /** Counts a record if it is an entry into a system call or a return. */
  add(record: KtrRecord, system: SystemName): void {
    if (record.kind !== "syscall" && record.kind !== "sysret") return;
    const { timeNs } = record;
    const thread = `${record.pid}/${record.tid}`;
    const name = this.#nameOf(record.code, system);
    const total = this.#total(name);
    if (record.kind === "syscall") {
      total.calls++;
      this.#open.set(thread, { name, timeNs });
      return;
    }
    const entry = this.#open.get(thread);
    this.#open.delete(thread);
    // A return without its entry: the call began before the trace, or in the parent.
    if (entry?.name !== name) total.calls++;
    else total.ns += timeNs - entry.timeNs;
    const isAgain = record.error === ERESTART && system === "linux" &&
      restartOf(Number(record.retval)) !== undefined;
    if (record.error > 0 || isAgain) total.errors++;
  }

  /** A table of the calls, those that took the most time first. */
  format(): string {
    const rows = [...this.#totals].sort(([, a], [, b]) => Number(b.ns - a.ns));
    const all = rows.reduce((sum, [, { ns }]) => sum + ns, 0n);
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
        String(calls === 0 ? 0 : Math.round(Number(ns) / 1000 / calls)),
        String(calls),
        errors === 0 ? "" : String(errors),
        name,
      );
    }
    const average = sum.calls === 0 ? 0 : Math.round(Number(all) / 1000 / sum.calls);
    return text + rule +
      line("100.00", seconds(all), String(average), String(sum.calls), String(sum.errors), "total");
  }

  #total(name: string): Total {
    let total = this.#totals.get(name);
    if (total === undefined) this.#totals.set(name, total = { calls: 0, errors: 0, ns: 0n });
    return total;
  }
}

function percent(part: bigint, all: bigint): string {
  return (all === 0n ? 0 : Number(part * 10000n / all) / 100).toFixed(2);
}

function seconds(ns: bigint): string {
  return (Number(ns) / 1e9).toFixed(6);
}
