// A thread that is traced, and the events of its system calls.

import type { UserEvent } from "../../contract/user_action.ts";
import { arch } from "../../sys/arch/mod.ts";
import { bootTimeNs } from "../../sys/clock.ts";
import { registers, type SyscallInfo } from "../../sys/ptrace.ts";
import { Thread } from "../../sys/thread.ts";

/** A thread that is traced by ptrace(2). */
export class Tracee extends Thread {
  /** Number of the system call in progress; -1 if the thread is in none. */
  call = -1;
  /** True if the number is of another architecture, as in a 32-bit program. */
  foreign = false;
  /**
   * "unborn": its first stop has not come. "orphan": that stop came before its parent's, and it waits
   * for that.
   */
  state: "unborn" | "orphan" | "known" = "known";
  /** True once listeners have been told that this thread was made. */
  told = false;
  /** The thread that created this thread, if that was traced by then. */
  parent?: Tracee;
  /** Start of tracing, in milliseconds of performance.now(). */
  readonly since = performance.now();
  /** True from a reported stop until the thread is resumed. */
  stopped = false;
  /** True if the first stop was a stop of the whole process. */
  groupStop = false;

  /** Follows the frame pointers, as the kernel does for BPF programs. The thread must be stopped. */
  override stack(limit: number): readonly bigint[] {
    const now = registers(this.tid);
    if (now === undefined) return [];
    const { ip, framePointer } = arch.userRegisters;
    const frames = [now.getBigUint64(ip, true)];
    const record = new BigUint64Array(2);
    const bytes = new Uint8Array(record.buffer);
    let frame = now.getBigUint64(framePointer, true);
    while (frames.length < limit) {
      if (frame === 0n || this.read(frame, bytes) < 16) break;
      frames.push(record[1]);
      frame = record[0];
    }
    return frames;
  }
}

/** At the entry: reads the stop's arguments where they are. */
class EntryValues {
  readonly #info: SyscallInfo;

  constructor(info: SyscallInfo) {
    this.#info = info;
  }
  get arg0() {
    return this.#info.argument(0);
  }
  get arg1() {
    return this.#info.argument(1);
  }
  get arg2() {
    return this.#info.argument(2);
  }
  get arg3() {
    return this.#info.argument(3);
  }
  get arg4() {
    return this.#info.argument(4);
  }
  get arg5() {
    return this.#info.argument(5);
  }
  get number() {
    return BigInt(this.#info.number);
  }
}

/** One object for all entries or all returns: only its thread changes. */
export class SyscallEvent implements UserEvent {
  /** Always 0: ptrace(2) does not tell the CPU. */
  readonly cpu = 0;
  readonly values: Readonly<Record<string, bigint>>;
  /** The thread that has stopped. */
  thread!: Tracee;

  constructor(values: object) {
    this.values = values as Readonly<Record<string, bigint>>;
  }

  get timestampNs(): bigint {
    return bootTimeNs();
  }
}

/** The event of an entry. */
export function entryEvent(info: SyscallInfo): SyscallEvent {
  return new SyscallEvent(new EntryValues(info));
}

/** The event of a return from fork() or clone() in the child: 0, and no stop tells it. */
export function birthEvent(): SyscallEvent {
  const event: SyscallEvent = new SyscallEvent({
    retval: 0n,
    get number() {
      return BigInt(event.thread.call);
    },
  });
  return event;
}

/** The event of a return. */
export function returnEvent(info: SyscallInfo): SyscallEvent {
  const event: SyscallEvent = new SyscallEvent({
    get retval() {
      return info.result;
    },
    get number() {
      return BigInt(event.thread.call);
    },
  });
  return event;
}
