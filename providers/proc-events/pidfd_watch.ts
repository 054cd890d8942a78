// Ends of named processes by pidfds: what anybody may ask for, on any kernel since 5.3.

import { DtError } from "../../core/errors.ts";
import type { Fd } from "../../core/sys/fd.ts";
import { pidfdOpen } from "../../core/sys/pidfd.ts";
import { Poller } from "../../core/sys/poller.ts";
import { EVENT_BITS } from "./events.ts";
import type { MonitorTarget } from "./registration.ts";
import type { ProcessEvent } from "./process_event.ts";
import { type KnownProcess, knownProcess, unseenEnd } from "./unseen.ts";

/** What can be told: that and how a process has ended. */
const POSSIBLE = EVENT_BITS["process:exit"] | EVENT_BITS["process:abort"];

interface Watched extends KnownProcess {
  readonly pidfd: Fd;
}

/** Watches processes until they end. */
export class PidfdWatch implements Disposable {
  readonly #tell: (event: ProcessEvent) => void;
  readonly #poller = new Poller();
  readonly #watched = new Map<number, Watched>();
  #disposed = false;

  /** @param tell Told of each end. */
  constructor(tell: (event: ProcessEvent) => void) {
    this.#tell = tell;
    this.#follow();
  }

  /**
   * Refuses what cannot be told.
   *
   * @throws {DtError} EOPNOTSUPP it is not about a process, or about more than its end.
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
   * @throws {DtError} EOPNOTSUPP; ESRCH it is none, or does not exist yet.
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

  /** Does not watch it any more. */
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
