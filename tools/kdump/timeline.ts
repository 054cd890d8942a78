// A trace as a timeline: a row for each thread with its programs and, within them, its calls.

import { commandName, type Timeline, type TimelineEvent } from "../cli/timeline.ts";
import { Out } from "../../language/output/output_buffer.ts";
import { latin1, strings } from "../ktrace/formats/bytes.ts";
import type { Cursor } from "../ktrace/formats/cursor.ts";
import type { KtrRecord, SystemName } from "../ktrace/formats/record.ts";
import { numbersOf, systemBy } from "../ktrace/systems/linux.ts";
import { CallLines } from "./call_lines.ts";
import type { KdumpOptions } from "./options.ts";
import { signalCodeName } from "./symbols/signals.ts";
import { nameText, quoted } from "./text.ts";

/** Something of a thread that has begun. */
interface Begun {
  readonly name: string | undefined;
  readonly category: string;
  readonly ns: number;
  readonly details: Record<string, unknown>;
}

/** A thread of the trace. */
interface Thread {
  readonly pid: number;
  readonly tid: number;
  comm: string;
  /** The program, the call, the fault, and the time off the CPU; each is within the one before. */
  program?: Begun;
  call?: Begun;
  fault?: Begun;
  pause?: Begun;
  /** Arguments of the program that an exec has started. */
  executed?: string;
}

/** What stands within what, the innermost first. */
const LEVELS = ["pause", "fault", "call", "program"] as const;
const EXECUTES = /^(f?execve|execveat|fexecve)$/;
/** Calls that do not return. */
const ENDS_THREAD = /^(exit|thr_exit|_lwp_exit|__threxit)$/;
/** Names of paths that a call keeps. */
const MOST_PATHS = 16;

/** Makes the timeline of a trace, record by record. */
export class TraceTimeline {
  readonly #start: (startMs: number) => Timeline;
  readonly #calls: CallLines;
  readonly #out = new Out(() => {});
  readonly #processes = new Map<number, Map<number, Thread>>();
  #timeline?: Timeline;
  /** Second of the time that all times count from. */
  #second = 0;
  #lastNs = 0;

  /** @param start Starts the timeline's file at a time, in milliseconds since 1970. */
  constructor(options: KdumpOptions, start: (startMs: number) => Timeline) {
    this.#start = start;
    this.#calls = new CallLines(options);
  }

  /** Takes the record that the cursor is at. */
  add(cursor: Cursor, system: SystemName): void {
    const { kind, pid, comm, dropped, seconds, nanoseconds } = cursor;
    if (this.#timeline === undefined) {
      // Records of several processes are not all in order: none is before this second.
      this.#second = seconds - 1;
      this.#timeline = this.#start(this.#second * 1000);
    }
    const ns = (seconds - this.#second) * 1e9 + nanoseconds;
    if (ns > this.#lastNs) this.#lastNs = ns;
    const thread = this.#thread(pid, cursor.tid > 0 ? cursor.tid : pid, ns);
    if (thread.comm !== comm) this.#name(thread, comm);
    if (dropped) this.#instant(thread, { name: "records lost", category: "loss", ns });
    switch (kind) {
      case "syscall": {
        cursor.readCall();
        this.#end(thread, "call", ns);
        const name = this.#calls.name(cursor.code, system);
        const details = { call: this.#text((out) => this.#calls.call(out, cursor, system)) };
        thread.call = { name, category: "call", ns, details };
        if (ENDS_THREAD.test(name)) this.#end(thread, "call", ns);
        break;
      }
      case "sysret":
        cursor.readCall();
        this.#returned(thread, cursor, system, ns);
        break;
      case "namei": {
        const details = thread.call?.details;
        const path = quoted(cursor.payload()).slice(1, -1);
        if (details === undefined) break;
        const paths = (details.paths ??= []) as string[];
        if (paths.length < MOST_PATHS) paths.push(path);
        break;
      }
      case "procdtor":
        for (const one of this.#processes.get(pid)?.values() ?? []) this.#end(one, "program", ns);
        this.#processes.delete(pid);
        break;
      case "psig":
      case "csw":
      case "fault":
      case "faultend":
      case "args":
      case "user":
      case "procctor":
        this.#event(thread, cursor.record(), system, ns);
    }
  }

  /** Ends what has not ended, with the trace. */
  end(): void {
    for (const threads of this.#processes.values()) {
      for (const thread of threads.values()) this.#end(thread, "program", this.#lastNs);
    }
    (this.#timeline ?? this.#start(0)).end();
  }

  #event(thread: Thread, record: KtrRecord, system: SystemName, ns: number): void {
    switch (record.kind) {
      case "procctor":
        if (record.parent === undefined) break;
        this.#timeline!.process(thread.pid, nameText(thread.comm), `child of ${record.parent}`);
        break;
      case "args":
        thread.executed = commandName(strings(record.data));
        break;
      case "psig": {
        const signo = numbersOf(record, system).signo ?? record.signo;
        this.#instant(thread, {
          name: systemBy(system).signal(signo) ?? `signal ${signo}`,
          category: "signal",
          ns,
          details: { code: signalCodeName(signo, record.code, system) },
        });
        break;
      }
      case "user":
        this.#instant(thread, {
          name: "utrace",
          category: "user",
          ns,
          details: { data: quoted(record.data) },
        });
        break;
      case "csw":
        this.#end(thread, "pause", ns);
        if (!record.isOut) break;
        thread.pause = {
          name: record.isUser ? "preempted" : "off CPU",
          category: "switch",
          ns,
          details: record.wmesg === "" ? {} : { reason: quoted(latin1(record.wmesg)) },
        };
        break;
      case "fault":
        this.#end(thread, "fault", ns);
        thread.fault = {
          name: "page fault",
          category: "fault",
          ns,
          details: { address: `0x${record.address.toString(16)}` },
        };
        break;
      case "faultend":
        this.#end(thread, "fault", ns);
    }
  }

  #returned(thread: Thread, cursor: Cursor, system: SystemName, ns: number): void {
    const name = this.#calls.name(cursor.code, system);
    const { call } = thread;
    if (call?.name === name) {
      const result = this.#text((out) => this.#calls.result(out, cursor, system));
      call.details.result = result.slice(name.length + 1);
      this.#end(thread, "call", ns);
    }
    if (cursor.error !== 0 || !EXECUTES.test(name)) return;
    this.#end(thread, "program", ns);
    this.#begin(thread, thread.executed ?? nameText(thread.comm), ns);
    thread.executed = undefined;
  }

  #thread(pid: number, tid: number, ns: number): Thread {
    let threads = this.#processes.get(pid);
    if (threads === undefined) this.#processes.set(pid, threads = new Map());
    let thread = threads.get(tid);
    if (thread === undefined) {
      threads.set(tid, thread = { pid, tid, comm: "\0" });
      if (tid === pid || threads.size === 1) this.#begin(thread, undefined, ns);
    }
    return thread;
  }

  #begin(thread: Thread, name: string | undefined, ns: number): void {
    // Until a program is executed, its slice has the name that the process has at its end.
    thread.program = { name, category: "program", ns, details: {} };
  }

  #name(thread: Thread, comm: string): void {
    thread.comm = comm;
    const name = nameText(comm);
    if (thread.tid === thread.pid) this.#timeline!.process(thread.pid, name);
    this.#timeline!.thread(thread.pid, thread.tid, name);
  }

  /** Ends what a thread is in, and what is within that. */
  #end(thread: Thread, what: typeof LEVELS[number], ns: number): void {
    for (const one of LEVELS.slice(0, LEVELS.indexOf(what) + 1)) {
      const begun = thread[one];
      thread[one] = undefined;
      if (begun === undefined) continue;
      const { pid, tid, comm } = thread;
      const name = begun.name ?? nameText(comm);
      this.#timeline!.slice({ ...begun, pid, tid, name }, ns - begun.ns);
    }
  }

  #instant({ pid, tid }: Thread, event: Omit<TimelineEvent, "pid" | "tid">): void {
    this.#timeline!.instant({ pid, tid, ...event });
  }

  #text(put: (out: Out) => void): string {
    const mark = this.#out.length;
    put(this.#out);
    return this.#out.take(mark);
  }
}
