// Pure: no I/O, no FFI.
// Counts of events by event and by command.

import { safeText } from "../../core/safe_text.ts";
import type { EventName, ProcessEvent } from "../../providers/proc-events/mod.ts";

/** Counts events of processes by event and by command. */
export class Totals {
  readonly #byCommand = new Map<string, Map<EventName, number>>();
  readonly #all = new Map<EventName, number>();

  /** Counts an event under its command. */
  add({ name, comm }: ProcessEvent): void {
    let own = this.#byCommand.get(comm);
    if (own === undefined) this.#byCommand.set(comm, own = new Map());
    for (const counts of [own, this.#all]) counts.set(name, (counts.get(name) ?? 0) + 1);
  }

  /** A table of counts: a column for each event that was counted, commands with most events first. */
  format(): string {
    const names = [...this.#all.keys()].sort();
    if (names.length === 0) return "No events\n";
    const sum = (counts: ReadonlyMap<EventName, number>) =>
      [...counts.values()].reduce((all, count) => all + count, 0);
    const row = (label: string, counts: ReadonlyMap<EventName, number>) =>
      `${label.padEnd(16)} ` +
      [...names.map((name) => counts.get(name) ?? 0), sum(counts)]
        .map((count) => String(count).padStart(14)).join("") +
      "\n";
    const head = ["COMMAND".padEnd(16), " "]
      .concat([...names, "total"].map((name) => name.replace("process:", "").padStart(14)));
    const commands = [...this.#byCommand].sort((a, b) => sum(b[1]) - sum(a[1]));
    return `${head.join("")}\n${
      commands.map(([comm, counts]) => row(safeText(comm), counts)).join("")
    }` +
      row("total", this.#all);
  }
}
