// Processes as a timeline: a row for each thread, with the programs that it ran.

import type { ProcessEvent } from "../../providers/proc-events/mod.ts";
import { commandName, type Timeline } from "../cli/timeline.ts";

/** What a thread runs, from a birth or an exec to the next exec or its end. */
interface Running {
  readonly pid: number;
  readonly tid: number;
  /** The program and its arguments; undefined until it executes one. */
  readonly command?: string;
  comm: string;
  readonly ns: number;
  readonly details: Record<string, unknown>;
}

/** Makes the timeline of processes, event by event. */
export class ProcessTimeline {
  readonly #start: (startMs: number) => Timeline;
  /** By thread. */
  readonly #running = new Map<number, Running>();
  #timeline?: Timeline;
  /** Time that all times count from, in milliseconds since 1970. */
  #startMs = 0;
  #lastNs = 0;

  /** @param start Starts the timeline's file at a time, in milliseconds since 1970. */
  constructor(start: (startMs: number) => Timeline) {
    this.#start = start;
  }

  /**
   * Takes an event into the timeline.
   *
   * @param wallMs Time of the event, in milliseconds since 1970.
   */
  add(event: ProcessEvent, wallMs: number): void {
    if (this.#timeline === undefined) {
      this.#startMs = Math.floor(wallMs / 1000) * 1000 - 1000;
      this.#timeline = this.#start(this.#startMs);
    }
    const { name, pid, tid, parentPid, comm, cpu } = event;
    const ns = Math.round((wallMs - this.#startMs) * 1e6);
    if (ns > this.#lastNs) this.#lastNs = ns;
    switch (name) {
      case "process:fork":
        this.#timeline.process(pid, comm, `child of ${parentPid}`);
        this.#begin({ pid, tid, comm, ns, details: { born_on_cpu: cpu } });
        break;
      case "thread:create":
        this.#begin({ pid, tid, comm, ns, details: { born_on_cpu: cpu } });
        break;
      case "process:exec": {
        this.#end(event.oldTid ?? tid, ns, {});
        this.#end(tid, ns, {});
        const { path, argv = [], argvTruncated } = event;
        const cut = argvTruncated === true ? { argv_truncated: true } : {};
        const command = commandName(argv.length > 0 ? argv : [path || comm]);
        const details = { path, argv, ...cut, parent_pid: parentPid, executed_on_cpu: cpu };
        this.#timeline.process(pid, comm);
        this.#begin({ pid, tid, comm, command, ns, details });
        break;
      }
      case "process:exit":
      case "thread:exit": {
        const { code, signal = 0, core, runtimeNs } = event;
        const how = signal > 0 ? { signal, core } : code === undefined ? {} : { status: code };
        const ran = runtimeNs === undefined ? {} : { run_ns: Number(runtimeNs) };
        this.#end(tid, ns, { ...how, ...ran, ended_on_cpu: cpu });
        break;
      }
      case "process:abort":
      case "thread:abort":
        this.#timeline.instant({
          ...{ pid, tid, ns, category: "signal" },
          name: `killed by signal ${event.signal ?? "?"}`,
        });
    }
  }

  /** Ends what has not ended, with the last event. */
  end(): void {
    for (const tid of [...this.#running.keys()]) this.#end(tid, this.#lastNs, {});
    (this.#timeline ?? this.#start(0)).end();
  }

  #begin(running: Running): void {
    this.#timeline!.thread(running.pid, running.tid, running.comm);
    this.#running.set(running.tid, running);
  }

  #end(tid: number, ns: number, more: Record<string, unknown>): void {
    const running = this.#running.get(tid);
    if (running === undefined) return;
    this.#running.delete(tid);
    const { pid, comm, command } = running;
    const name = command ?? comm;
    const details = { ...running.details, ...more };
    this.#timeline!.slice(
      { pid, tid, name, category: "program", ns: running.ns, details },
      ns - running.ns,
    );
  }
}
