// Ends of named processes by pidfds, which any user may open, since Linux 5.3.

import { DtError } from "../../core/errors.ts";
import type { Fd } from "../../core/sys/fd.ts";
import { pidfdOpen } from "../../core/sys/pidfd.ts";
import { Poller } from "../../core/sys/poller.ts";
import { EVENT_BITS } from "./events.ts";
import type { MonitorTarget } from "./registration.ts";
import type { ProcessEvent } from "./process_event.ts";
import { type KnownProcess, knownProcess, unseenEnd } from "./unseen.ts";

/** Events that a pidfd tells: the end of a process, by itself or by a signal. */
const POSSIBLE = EVENT_BITS["process:exit"] | EVENT_BITS["process:abort"];

interface Watched extends KnownProcess {
  readonly pidfd: Fd;
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
   * Watches a process until its end.
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
    const one = { ...knownProcess(pid), pidfd };
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
    const events = unseenEnd(one);
    this.remove(one.pid);
    for (const event of events) this.#tell(event);
  }
}
