// Ends of named processes by pidfds, which any user may open, since Linux 5.3.

import { DtError } from "../../core/errors.ts";
import { bootTimeNs } from "../../core/sys/clock.ts";
import type { Fd } from "../../core/sys/fd.ts";
import { pidfdExitStatus, pidfdOpen } from "../../core/sys/pidfd.ts";
import { Poller } from "../../core/sys/poller.ts";
import { Thread } from "../../core/sys/thread.ts";
import { EVENT_BITS } from "./events.ts";
import type { MonitorTarget } from "./registration.ts";
import { startOf, zombieStatus } from "./lives.ts";
import type { ProcessEvent } from "./process_event.ts";

/** Events that a pidfd tells: the end of a process, by itself or by a signal. */
const POSSIBLE = EVENT_BITS["process:exit"] | EVENT_BITS["process:abort"];

interface Watched {
  readonly pid: number;
  readonly pidfd: Fd;
  readonly comm: string;
  readonly parentPid: number;
  readonly since?: bigint;
}

/** Watches named processes until they end. */
export class PidfdWatch implements Disposable {
  readonly #tell: (event: ProcessEvent) => void;
  readonly #poller = new Poller();
  readonly #watched = new Map<number, Watched>();
  #disposed = false;

  /** @param tell Called for each end of a process. */
  constructor(tell: (event: ProcessEvent) => void) {
    this.#tell = tell;
    this.#follow();
  }

  /**
   * Refuses targets and events that pidfds cannot tell.
   *
   * @throws {DtError} EOPNOTSUPP the target is no process, or more than its end is asked for.
   */
  check(target: MonitorTarget, mask: number): void {
    if (typeof target === "number" && (mask & ~POSSIBLE) === 0) return;
    throw new DtError(
      "EOPNOTSUPP",
      "Cannot register: without CAP_BPF and CAP_PERFMON, or the proc connector, only process:exit and " +
        "process:abort of named processes are told",
      { operation: "register" },
    );
  }

  /**
   * Watches a process.
   *
   * @throws {DtError} EOPNOTSUPP as {@linkcode check}; ESRCH there is no such process.
   */
  add(target: MonitorTarget, mask: number): void {
    this.check(target, mask);
    const pid = target as number;
    if (this.#watched.has(pid)) return;
    let pidfd: Fd;
    try {
      pidfd = pidfdOpen(pid);
    } catch (error) {
      throw new DtError("ESRCH", `Cannot register: ${pid} is no process that lives`, {
        operation: "register",
        cause: error,
      });
    }
    const { comm, ppid } = new Thread(pid);
    const one = { pid, pidfd, comm, parentPid: ppid, since: startOf(pid) };
    this.#watched.set(pid, one);
    this.#poller.add(pidfd.value, { level: true });
    this.#poller.cancel(); // the wait that is pending does not know it
  }

  /** Stops watching a process. */
  remove(target: MonitorTarget): void {
    const one = typeof target === "number" ? this.#watched.get(target) : undefined;
    if (one === undefined) return;
    this.#watched.delete(one.pid);
    this.#poller.remove(one.pidfd.value);
    one.pidfd[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    for (const pid of [...this.#watched.keys()]) this.remove(pid);
    this.#poller[Symbol.dispose]();
  }

  async #follow(): Promise<void> {
    while (!this.#disposed) {
      const ready = await this.#poller.wait(-1);
      for (const one of [...this.#watched.values()]) {
        if (ready.includes(one.pidfd.value)) this.#ended(one);
      }
    }
  }

  #ended(one: Watched): void {
    const { pid, comm, parentPid, since } = one;
    // A pidfd tells it when the parent has been told, /proc before that.
    const ask = () => pidfdExitStatus(one.pidfd);
    const status = ask() ?? zombieStatus(pid) ?? ask();
    this.remove(pid);
    const timestampNs = bootTimeNs();
    const event = {
      timestampNs,
      cpu: 0,
      pid,
      tid: pid,
      parentPid,
      parentTid: parentPid,
      comm,
      cgroup: 0n,
      // Where it cannot be told, nothing is said.
      ...(status === undefined ? {} : {
        code: status >> 8 & 0xff,
        signal: status & 0x7f,
        core: (status & 0x80) !== 0,
      }),
      runtimeNs: since === undefined ? undefined : timestampNs - since,
    };
    if (status !== undefined && (status & 0x7f) !== 0) {
      this.#tell({ ...event, name: "process:abort" });
    }
    this.#tell({ ...event, name: "process:exit" });
  }
}
