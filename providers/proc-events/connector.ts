// Process events by the proc connector: the kernel multicasts them by netlink to whoever listens. Needs
// CAP_NET_ADMIN, or Linux 6.6, in the initial namespaces.

import { DtError, errorCode } from "../../core/errors.ts";
import type { Pcb } from "../../core/contract/pcb.ts";
import type { UserAttachment, UserHost } from "../../core/contract/attachment.ts";
import { bootTimeNs, monotonicTimeNs } from "../../core/sys/clock.ts";
import { NETLINK_CONNECTOR, NetlinkSocket } from "../../core/sys/netlink.ts";
import { Poller } from "../../core/sys/poller.ts";
import { CN_IDX_PROC, type ConnectorEvent, decode, listenMessage } from "./cn_proc.ts";
import { Lives } from "./lives.ts";

/** Bytes of the socket's queue: room for 50,000 events that have not been read. */
export const BUFFER_BYTES = 32 << 20;

/** Events that are handed out in one turn. */
const BATCH = 512;

/** The attachment of all probes: they share one socket. */
export function connectorAttachment(pcbs: readonly Pcb[], bufferBytes: number): UserAttachment {
  return {
    plane: "user",
    pcbs,
    run(host) {
      const connector = new Connector(pcbs, host, bufferBytes);
      host.signal.addEventListener("abort", () => connector[Symbol.dispose]());
      return connector.follow();
    },
  };
}

class Connector implements Disposable {
  readonly #host: UserHost;
  readonly #lives: Lives;
  readonly #socket: NetlinkSocket;
  readonly #poller: Poller;
  readonly #owned: DisposableStack;
  /** Sequence number of the next event of each CPU. */
  readonly #expected: number[] = [];
  /** Threads of each process that live: only what has more than one. */
  readonly #threads: Map<number, number>;
  readonly #sinceBoot = bootTimeNs() - monotonicTimeNs();
  /** Messages that were read. */
  #taken = 0;
  /** True when the kernel has said that it will tell events. */
  #acknowledged = false;
  #overflows = 0;
  #missing = 0;

  /** @throws {DtError} EPERM the proc connector is not permitted. */
  constructor(pcbs: readonly Pcb[], host: UserHost, bufferBytes: number) {
    this.#host = host;
    this.#lives = new Lives(pcbs, host);
    using stack = new DisposableStack();
    try {
      this.#socket = stack.use(new NetlinkSocket(NETLINK_CONNECTOR, CN_IDX_PROC, bufferBytes));
    } catch (error) {
      throw refused(
        errorCode(error) ?? "EPERM",
        `the proc connector says ${errorCode(error)}: it needs CAP_NET_ADMIN, or Linux 6.6`,
      );
    }
    this.#poller = stack.use(new Poller());
    this.#poller.add(this.#socket.fd, { level: true });
    this.#socket.send(listenMessage(Deno.pid, Deno.pid));
    // From now on births are told: those who are there already are looked at while they can be.
    this.#threads = livingThreads((pid) => this.#lives.of(pid));
    this.#checkAcknowledged();
    this.#owned = stack.move();
  }

  /**
   * The kernel acknowledges what was sent before send returns. In other namespaces than the initial ones,
   * of processes and of users, it ignores who asks, without an error.
   *
   * @throws {DtError} EPERM events will not be told.
   */
  #checkAcknowledged(): void {
    for (let before = -1; before !== this.#taken && !this.#acknowledged;) {
      before = this.#taken;
      this.#drain(BATCH);
    }
    // An overflow may have taken the acknowledgement.
    if (this.#acknowledged || this.#overflows > 0) return;
    throw refused("EPERM", "the proc connector is for the initial namespaces only");
  }

  async follow(): Promise<void> {
    while (!this.#owned.disposed) {
      await this.#poller.wait(-1);
      if (this.#owned.disposed) return;
      this.#drain(BATCH);
      // Whoever reads what was told has a turn: its ring is not as long as the socket's queue.
      await new Promise((resolve) => setTimeout(resolve));
    }
  }

  [Symbol.dispose](): void {
    if (this.#owned.disposed) return;
    this.#drain(Infinity);
    // Something was lost, and nothing came behind it that would tell how much.
    if (this.#overflows > 0 && this.#missing === 0) this.#host.skipped(0, 1);
    this.#owned.dispose();
  }

  #drain(most: number): void {
    this.#socket.drain(most, this.#take, () => this.#overflows++);
  }

  /** Handler of messages, bound to this connector. */
  readonly #take = (view: DataView, length: number): void => {
    const event = decode(view, length);
    if (event === undefined) return;
    this.#taken++;
    this.#count(event);
    if (event.kind === "acknowledgement") {
      if (event.acknowledged === Deno.pid + 1) this.#acknowledged = event.status === 0;
      return;
    }
    if (event.kind === "other") return;
    const task = { ...event, timestampNs: event.timestampNs + this.#sinceBoot };
    if (event.kind === "exec") return this.#lives.executed(task, event.tid);
    const isNew = event.kind === "fork" && event.tid === event.pid;
    const threads = this.#threads.get(event.pid) ?? (isNew ? 0 : 1);
    const left = event.kind === "fork" ? threads + 1 : threads - 1;
    if (left > 0) this.#threads.set(event.pid, left);
    else this.#threads.delete(event.pid);
    if (isNew) this.#lives.born(task);
    // Of a thread the parent of its process is told; which thread has made it, nobody tells.
    else if (event.kind === "fork") {
      this.#lives.born({ ...task, parentPid: task.pid, parentTid: task.pid });
    } else {
      this.#lives.ended(task, event.status, left <= 0);
    }
  };

  /** What is missing between two events of a CPU was lost: each has the next number. */
  #count({ cpu, sequence }: ConnectorEvent): void {
    const expected = this.#expected[cpu];
    this.#expected[cpu] = sequence + 1 >>> 0;
    const missing = expected === undefined ? 0 : sequence - expected >>> 0;
    if (missing === 0 || missing >= 1 << 30) return;
    this.#missing += missing;
    this.#host.skipped(cpu, missing);
  }
}

function refused(code: string, reason: string): DtError {
  return new DtError(
    code,
    `Cannot watch processes: ${reason}; a command (-c) or an own process (-p) can be traced`,
    { operation: "proc" },
  );
}

/** Threads of each process that has more than one; `see` is told of every process. */
function livingThreads(see: (pid: number) => void): Map<number, number> {
  const found = new Map<number, number>();
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    see(Number(name));
    try {
      const count = [...Deno.readDirSync(`/proc/${name}/task`)].length;
      if (count > 1) found.set(Number(name), count);
    } catch {
      // It has ended.
    }
  }
  return found;
}
