// Pure: no I/O, no FFI.
// A recording exists from prepare to finish: one plane with its programs, rings and attachments.

import { CPU_BLOCK } from "../contract/blocks.ts";
import { type EnterContext, type Entry, loadEnter, loadOnce } from "../kernel_plane/enter.ts";
import type { KernelPlane, LoadedProgram } from "../contract/kernel_plane.ts";
import type { Action } from "../contract/request.ts";
import type { KernelAttachment, Pulled, UserAttachment } from "../contract/attachment.ts";
import type { UserEvent } from "../contract/user_action.ts";
import { NO_STATS, type SessionStats } from "../contract/stats.ts";
import { Ticks } from "../kernel_plane/ticks.ts";
import type { UserPlane } from "../user_plane/user_plane.ts";

/** Takes a whole event, whose bytes are valid during the call only; false leaves the event unread. */
export type EventTaker = (event: Uint8Array) => boolean;

/** One recording, on either plane. */
export interface Recording extends Disposable {
  /** The kernel's side, on that plane. */
  readonly kernel?: KernelRecording;
  /** The control block: 32-bit words at CONTROL's offsets. */
  readonly control: Int32Array;
  /** Runs an action once, in this thread. */
  run(name: string, action: Action, pbn: number): void;
  /** Attaches everything: probes fire from now on. */
  attach(): void;
  /** Nothing fires any more; what was recorded can still be read. */
  detach(): void;
  /** Hands out events that wait, until `take` returns false. */
  drain(take: EventTaker): void;
  /** Settles when events may wait, or {@linkcode wake} was called. */
  wait(): Promise<void>;
  /** Ends a pending wait. */
  wake(): void;
  /** Counters so far; `read` is the reader's. */
  count(): SessionStats;
}

/** Longest time, in ms, for which pulled attachments may hold the thread. */
const PULL_MS = 5;

/** On the kernel plane: programs are loaded by the constructor and attached later. */
export class KernelRecording implements Recording {
  readonly kernel: KernelRecording = this;
  /** Maps and ring of the recording. */
  readonly plane: KernelPlane;
  /** Programs in the order in which they were loaded. */
  readonly programs: LoadedProgram[] = [];
  readonly #attachments: { program: LoadedProgram; attachment: KernelAttachment; ticks: Ticks }[];
  readonly #owned: DisposableStack;
  readonly #links: DisposableStack;
  readonly #context: EnterContext;
  readonly #ended: () => void;
  /** What still has something to fire. */
  readonly #pulled: Pulled[] = [];
  /** True if all attachments fire only when they are pulled. */
  #allPulled = true;

  /**
   * Loads the programs.
   *
   * @param plane Taken over, also if loading fails.
   * @param entriesOf The enabled probes of an attachment, in the order of its PCBs.
   * @param now CLOCK_BOOTTIME.
   * @param ended Called when nothing can fire any more.
   * @throws {DtError} As BPF_PROG_LOAD.
   */
  constructor(
    plane: KernelPlane,
    attachments: readonly KernelAttachment[],
    entriesOf: (attachment: KernelAttachment) => Entry[],
    now: () => bigint,
    ended: () => void,
  ) {
    this.#ended = ended;
    using stack = new DisposableStack();
    this.plane = stack.use(plane);
    const programs = stack.use(new DisposableStack());
    this.#context = {
      plane,
      own: (program) => {
        this.programs.push(programs.use(program));
      },
    };
    this.#attachments = attachments.map((attachment) => {
      const { program, ticks } = loadEnter(this.#context, attachment, entriesOf(attachment));
      return { program, attachment, ticks: new Ticks(ticks, attachment.periodNs ?? 0n, now) };
    });
    this.#links = stack.use(new DisposableStack());
    this.#owned = stack.move();
  }

  get control(): Int32Array {
    return this.plane.control.words;
  }

  run(name: string, action: Action, pbn: number): void {
    this.loadOnce(name, { pbn, action: action.kernel! }).testRun();
  }

  attach(): void {
    for (const { program, attachment, ticks } of this.#attachments) {
      const link = this.#links.use(attachment.attach(program, ticks));
      if ("pull" in link) this.#pulled.push(link);
      else this.#allPulled = false;
    }
    this.plane.attached();
  }

  detach(): void {
    this.#pulled.length = 0;
    this.#links.dispose();
  }

  /** An action as a program to be run in this thread. */
  loadOnce(name: string, entry: Entry): LoadedProgram {
    return loadOnce(this.#context, name, entry);
  }

  drain(take: EventTaker): void {
    const { ring } = this.plane;
    ring.drain((offset, length) => take(ring.bytes.subarray(offset, offset + length)));
  }

  async wait(): Promise<void> {
    const [source] = this.#pulled;
    if (source === undefined) return await this.plane.wait();
    const { ring } = this.plane;
    const until = performance.now() + PULL_MS;
    let more = source.pull();
    // Until the reader has something to do.
    while (more && ring.available < ring.size / 4 && performance.now() < until) {
      more = source.pull();
    }
    if (!more) this.#pulled.shift();
    if (this.#pulled.length === 0 && this.#allPulled) this.#ended();
    // Signals and timers have their turn.
    await new Promise((resolve) => setTimeout(resolve));
  }

  wake(): void {
    this.plane.wake();
  }

  /** Records lost so far, cheap enough to ask after every read. */
  lostRecords(): number {
    return Number(this.#sum(CPU_BLOCK.lost));
  }

  count(): SessionStats {
    const outcome = (index: number) => this.#sum(CPU_BLOCK.outcomes + index * 8);
    return {
      read: 0n,
      filtered: outcome(0),
      aggregated: outcome(1),
      recorded: outcome(2),
      dropped: outcome(3),
      fired: this.#sum(CPU_BLOCK.fired),
      recursed: this.#sum(CPU_BLOCK.recursed),
      lostRecords: this.#sum(CPU_BLOCK.lost),
      failedUpdates: this.#sum(CPU_BLOCK.failedUpdates),
      refusedUpdates: this.#sum(CPU_BLOCK.refusedUpdates),
      foreignCalls: this.#sum(CPU_BLOCK.foreignCalls),
      skippedTicks: this.#attachments.reduce(
        (sum, { ticks }) => sum + ticks.skipped,
        this.#sum(CPU_BLOCK.skippedTicks),
      ),
      recursionMisses: this.programs.reduce((sum, one) => sum + one.info().recursionMisses, 0n),
    };
  }

  [Symbol.dispose](): void {
    this.#owned.dispose();
  }

  /** A counter over all CPUs. */
  #sum(offset: number): bigint {
    const { words, stride } = this.plane.blocks;
    let total = 0n;
    for (let at = offset / 8; at < words.length; at += stride / 8) total += Atomics.load(words, at);
    return total;
  }
}

/** On the user plane: event sources run in this process. */
export class UserRecording implements Recording {
  readonly #plane: UserPlane;
  readonly #attachments: readonly UserAttachment[];
  readonly #self: () => UserEvent;

  /**
   * Nothing runs yet.
   *
   * @param self Makes the event of an action that this process runs itself.
   */
  constructor(plane: UserPlane, attachments: readonly UserAttachment[], self: () => UserEvent) {
    this.#plane = plane;
    this.#attachments = attachments;
    this.#self = self;
  }

  get control(): Int32Array {
    return this.#plane.control;
  }

  run(_name: string, action: Action, pbn: number): void {
    this.#plane.run(action, pbn, this.#self());
  }

  attach(): void {
    this.#plane.start(this.#attachments);
  }

  detach(): void {
    this.#plane.stop();
  }

  drain(take: EventTaker): void {
    this.#plane.drain(take);
  }

  wait(): Promise<void> {
    return this.#plane.wait();
  }

  wake(): void {
    this.#plane.wake();
  }

  count(): SessionStats {
    return { ...NO_STATS, ...this.#plane.stats() };
  }

  [Symbol.dispose](): void {
    this.#plane.stop();
  }
}
