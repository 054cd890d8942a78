// Pure: no I/O, no FFI.
// One open device: enabling, recording, reading, statistics. dt(4)'s softc and its operations.

import { CONTROL, CPU_BLOCK } from "./blocks.ts";
import { type EnterContext, loadEnter, loadOnce } from "./enter.ts";
import { DtError, errorCode } from "./errors.ts";
import {
  type Captured,
  decodeEvent,
  type DtEvent,
  type EventLayout,
  eventLayout,
  HEADER,
  KIND_EVENT,
} from "./event.ts";
import type { Pcb } from "./pcb.ts";
import type { KernelPlane, LoadedProgram, RecordHandler } from "./plane.ts";
import type { Probe } from "./probe.ts";
import type {
  CaptureRequest,
  EnableRequest,
  KernelAction,
  KernelAttachment,
  PlaneName,
  ProviderSession,
  UserAttachment,
} from "./provider.ts";
import { recorder } from "./recorder.ts";
import type { Registry } from "./registry.ts";
import { addStats, NO_STATS, type SessionStats } from "./stats.ts";
import { UserPlane } from "./user_plane.ts";

/** How to open a session. */
export interface SessionOptions {
  /** Default "kernel". */
  readonly plane?: PlaneName;
  /** Bytes of the ring: a power of two, at least 64 KiB. Default 4 MiB. */
  readonly ringBytes?: number;
  /** User plane: events per CPU ring. Default 1024. */
  readonly ringSlots?: number;
}

/** What the device gives to a session. */
export interface SessionServices {
  /** Its registry. */
  readonly registry: Registry;
  /** Number of CPUs that rings are made for. */
  readonly cpuCount: number;
  /** CLOCK_BOOTTIME. */
  bootTimeNs(): bigint;
  /** AT_BASE of a process. */
  auxBase(pid: number): bigint;
  /** Makes the kernel's side. */
  openKernelPlane(options: { ringBytes: number; blockBytes: number }): KernelPlane;
}

/** One enabled probe. */
export interface Enabling<C extends CaptureRequest = CaptureRequest> {
  /** What is enabled. */
  readonly probe: Probe;
  /** Tells whether an event is of this probe, and types its captures. */
  is(event: DtEvent): event is DtEvent<C>;
  /** For types only. */
  readonly captured?: Captured<C>;
}

interface Enabled {
  readonly probe: Probe;
  readonly pcbs: readonly Pcb[];
  readonly layout: EventLayout;
  readonly action?: KernelAction;
}

const DEFAULT_RING_BYTES = 1 << 22;
const DEFAULT_RING_SLOTS = 1024;

/** Number that {@linkcode Session.run} passes to an action as its probe: none of the registry's. */
export const NO_PROBE = 0;

/**
 * An open device. Close it (or leave the scope of `using`): nothing is left in the kernel.
 *
 * @see {@link https://man.openbsd.org/dt.4}
 */
export class Session implements Disposable, ProviderSession {
  /** Where its clauses run. [I] */
  readonly plane: PlaneName;
  readonly #services: SessionServices;
  readonly #options: SessionOptions;
  readonly #enabled = new Map<number, Enabled>();
  /** Programs, maps and rings of the recording that is prepared or runs. */
  #recording?: {
    readonly stack: DisposableStack;
    readonly links: DisposableStack;
    readonly kernel?: KernelPlane;
    readonly user?: UserPlane;
    readonly programs: LoadedProgram[];
    readonly attachments: [LoadedProgram, KernelAttachment][];
  };
  #running = false;
  #reading = false;
  #closed = false;
  #read = 0n;
  /** Final numbers of earlier recordings. */
  #past: SessionStats = NO_STATS;

  /** Opened by {@linkcode Device.open} only. */
  constructor(services: SessionServices, options: SessionOptions) {
    const { ringBytes = DEFAULT_RING_BYTES } = options;
    if (ringBytes < 65536 || !Number.isInteger(Math.log2(ringBytes))) {
      throw new DtError(
        "EINVAL",
        `Cannot use a ring of ${ringBytes} bytes: a power of two from 65536`,
        { operation: "open" },
      );
    }
    this.plane = options.plane ?? "kernel";
    this.#services = services;
    this.#options = options;
  }

  /** True between {@linkcode start} and {@linkcode stop}. */
  get recording(): boolean {
    return this.#running;
  }

  /**
   * Enables a probe; it fires from {@linkcode start} on. DTIOCPRBENABLE.
   *
   * @param name Full name, or number of the probe.
   * @throws {DtError} ENOENT no such probe; EEXIST already enabled in this session; EINVAL the
   * request does not fit the probe; EBUSY already recording.
   */
  enable<const C extends CaptureRequest = CaptureRequest>(
    name: string | number,
    request: EnableRequest & { readonly capture?: C } = {},
  ): Enabling<C> {
    const probe = this.#probe(name, "enable");
    if (this.#enabled.has(probe.pbn)) {
      throw new DtError("EEXIST", `Cannot enable ${probe.name}: already enabled in this session`, {
        operation: "enable",
        probe: probe.name,
      });
    }
    if (this.#recording !== undefined) throw this.#busy("enable");
    const layout = eventLayout(request.states ?? [], request.capture);
    const action = request.action === undefined ? recorder(layout, probe) : request.action.kernel;
    const pcbs = probe.provider.alloc(probe, request, this);
    this.#enabled.set(probe.pbn, { probe, pcbs, layout, action });
    return { probe, is: (event): event is DtEvent<C> => event.pbn === probe.pbn };
  }

  /**
   * Disables a probe. DTIOCPRBDISABLE.
   *
   * @throws {DtError} ENOENT it is not enabled; EBUSY recording.
   */
  disable(name: string | number): void {
    const probe = this.#probe(name, "disable");
    const enabled = this.#enabled.get(probe.pbn);
    if (enabled === undefined) {
      throw new DtError("ENOENT", `Cannot disable ${probe.name}: not enabled in this session`, {
        operation: "disable",
        probe: probe.name,
      });
    }
    if (this.#recording !== undefined) throw this.#busy("disable");
    probe.provider.dealloc(enabled.pcbs);
    this.#enabled.delete(probe.pbn);
  }

  /**
   * Creates maps and loads programs, attaches nothing: {@linkcode run} works from here on.
   *
   * @throws {DtError} EBUSY already prepared; EPERM; VerifierError.
   */
  prepare(options: { scratchBytes?: number } = {}): void {
    this.#checkOpen("start");
    if (this.#recording !== undefined) throw this.#busy("start");
    using stack = new DisposableStack();
    const programs: LoadedProgram[] = [];
    const attachments: [LoadedProgram, KernelAttachment][] = [];
    let kernel: KernelPlane | undefined;
    let user: UserPlane | undefined;
    if (this.plane === "kernel") {
      kernel = stack.use(this.#openPlane(options.scratchBytes ?? 0));
      const context = this.#context(stack, programs, kernel);
      for (const attachment of this.#attachments<KernelAttachment>()) {
        const entries = attachment.pcbs.map(({ probe, request }) => ({
          pbn: probe.pbn,
          action: this.#enabled.get(probe.pbn)!.action!,
          filter: request.filter,
        }));
        attachments.push([loadEnter(context, attachment, entries), attachment]);
      }
    } else {
      user = new UserPlane({
        cpuCount: this.#services.cpuCount,
        slots: this.#options.ringSlots ?? DEFAULT_RING_SLOTS,
        slotBytes: this.eventSize,
        layoutOf: (pbn) => this.#enabled.get(pbn)!.layout,
      });
    }
    const links = stack.use(new DisposableStack());
    this.#recording = { stack: stack.move(), links, kernel, user, programs, attachments };
  }

  /**
   * Starts recording. DTIOCRECORD.
   *
   * @throws {DtError} EBUSY already recording; ENOENT nothing is enabled; EPERM; VerifierError.
   */
  start(): void {
    if (this.#running) throw this.#busy("start");
    if (this.#enabled.size === 0) {
      throw new DtError("ENOENT", "Cannot start: no probe is enabled", { operation: "start" });
    }
    if (this.#recording === undefined) this.prepare();
    const { links, attachments, user } = this.#recording!;
    for (const [program, attachment] of attachments) links.use(attachment.attach(program));
    user?.start(this.#attachments<UserAttachment>());
    this.#running = true;
  }

  /** Stops recording: nothing fires any more. What was recorded can still be read. Idempotent. */
  stop(): void {
    if (!this.#running) return;
    this.#running = false;
    this.#recording!.links.dispose();
    this.#recording!.user?.stop();
    this.#wake();
  }

  /**
   * Runs an action once, in this thread, through the same guard and counters (kernel plane).
   *
   * @param pbn What the action sees as its probe.
   */
  run(name: string, action: KernelAction, pbn: number = NO_PROBE): void {
    const { kernel, stack, programs } = this.#recording!;
    loadOnce(this.#context(stack, programs, kernel!), name, { pbn, action }).testRun();
  }

  /** Bytes of the largest event that the enabled probes can make. */
  get eventSize(): number {
    let size: number = HEADER.bytes;
    for (const { layout } of this.#enabled.values()) size = Math.max(size, layout.size);
    return size;
  }

  /**
   * Copies whole events into a buffer, blocking until there is one. On the user plane the CPUs are
   * served round robin from where the last read ended; on the kernel plane events come in the order
   * in which they were written.
   *
   * @param buffer At least {@linkcode eventSize} bytes.
   * @param options `signal` aborts a read that blocks.
   * @returns Bytes filled; 0 when recording has stopped and everything was read.
   * @throws {DtError} EMSGSIZE the buffer cannot hold an event; EBUSY another read is pending;
   * EINTR aborted.
   */
  async read(buffer: Uint8Array, options: { signal?: AbortSignal } = {}): Promise<number> {
    if (buffer.length < this.eventSize) {
      throw new DtError(
        "EMSGSIZE",
        `Cannot read into ${buffer.length} bytes: an event has ${this.eventSize}`,
        { operation: "read" },
      );
    }
    let filled = 0;
    await this.#readLoop(options.signal, () => {
      this.#drain((bytes) => {
        if (filled + bytes.length > buffer.length) return false;
        buffer.set(bytes, filled);
        filled += bytes.length;
        return true;
      });
      return filled > 0;
    });
    return filled;
  }

  /**
   * The events as a stream, for pipeThrough and @std/streams. It ends when recording stops; one at
   * a time.
   */
  events(options: { signal?: AbortSignal } = {}): ReadableStream<DtEvent> {
    const cancelled = new AbortController();
    const signal = AbortSignal.any([cancelled.signal, ...(options.signal ? [options.signal] : [])]);
    return new ReadableStream<DtEvent>({
      pull: async (controller) => {
        let any = false;
        try {
          await this.#readLoop(signal, () => {
            this.#drain((bytes) => {
              const event = this.decode(bytes);
              if (event !== undefined) controller.enqueue(event);
              any = true;
              return true;
            });
            return any;
          });
        } catch (error) {
          if (cancelled.signal.aborted || errorCode(error) === "EINTR" && options.signal?.aborted) {
            any = false;
          } else throw error;
        }
        if (!any && !cancelled.signal.aborted) controller.close();
      },
      cancel: () => {
        cancelled.abort();
      },
    }, { highWaterMark: 0 });
  }

  /** The events, until recording stops. */
  [Symbol.asyncIterator](): AsyncIterableIterator<DtEvent> {
    return this.events()[Symbol.asyncIterator]() as AsyncIterableIterator<DtEvent>;
  }

  /** Decodes one event; undefined for a record of another kind. */
  decode(bytes: Uint8Array): DtEvent | undefined {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (view.getUint32(HEADER.kind, true) !== KIND_EVENT) return undefined;
    const enabled = this.#enabled.get(view.getUint32(HEADER.id, true))!;
    return decodeEvent(view, enabled.layout, enabled.probe);
  }

  /**
   * Hands every record to `handler` in place, nothing copied: for the session's owner, which knows
   * the kinds that its actions write. Kernel plane.
   *
   * @param handler Gets offset and length in `bytes`, which are the kernel's.
   */
  drain(handler: RecordHandler): number {
    return this.#recording!.kernel!.ring.drain(handler);
  }

  /** Memory that {@linkcode drain}'s offsets lie in. */
  get recordBytes(): Uint8Array<ArrayBuffer> {
    return this.#recording!.kernel!.ring.bytes;
  }

  /** Waits until records may be there, or {@linkcode wake}. */
  async wait(): Promise<void> {
    await (this.#recording?.kernel ?? this.#recording?.user)?.wait();
  }

  /** Ends a pending {@linkcode wait}. */
  wake(): void {
    this.#wake();
  }

  /** The control block that actions share with this side; words of 32 bits, see {@linkcode CONTROL}. */
  get control(): Int32Array {
    return this.#recording!.kernel!.control.words;
  }

  /** Programs of the recording, for listings. */
  get programs(): readonly LoadedProgram[] {
    return this.#recording?.programs ?? [];
  }

  /** DTIOCGSTATS, summed over all CPUs. */
  stats(): SessionStats {
    const now = this.#recording === undefined ? NO_STATS : this.#count();
    return { ...addStats(this.#past, now), read: this.#read };
  }

  /** Records lost so far, in a form cheap enough to ask after every read. */
  lostRecords(): number {
    const { words, stride } = this.#recording!.kernel!.blocks;
    let sum = 0;
    for (let at = CPU_BLOCK.lost / 8; at < words.length; at += stride / 8) {
      sum += Number(Atomics.load(words, at));
    }
    return sum;
  }

  /**
   * AT_BASE of a process: where its dynamic linker was loaded.
   *
   * @throws {DtError} ESRCH no such process; EACCES not ours to read.
   */
  auxBase(pid: number): bigint {
    return this.#services.auxBase(pid);
  }

  /** Ends the recording: programs, maps and rings are gone; probes stay enabled. */
  finish(): void {
    this.stop();
    if (this.#recording === undefined) return;
    this.#past = addStats(this.#past, this.#count());
    const { stack } = this.#recording;
    this.#recording = undefined;
    stack.dispose();
  }

  /** Stops, detaches and frees everything. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.finish();
    this.#closed = true;
    for (const { probe, pcbs } of this.#enabled.values()) probe.provider.dealloc(pcbs);
    this.#enabled.clear();
  }

  /** {@linkcode close} */
  [Symbol.dispose](): void {
    this.close();
  }

  #wake(): void {
    (this.#recording?.kernel ?? this.#recording?.user)?.wake();
  }

  #probe(name: string | number, operation: string): Probe {
    this.#checkOpen(operation);
    const { registry } = this.#services;
    const probe = typeof name === "number" ? registry.number(name) : registry.lookup(name);
    if (probe === undefined) {
      throw new DtError("ENOENT", `Cannot ${operation} ${name}: no such probe`, {
        operation,
        probe: `${name}`,
      });
    }
    return probe;
  }

  #checkOpen(operation: string): void {
    if (this.#closed) {
      throw new DtError("EBADF", `Cannot ${operation}: the session is closed`, { operation });
    }
  }

  #busy(operation: string): DtError {
    return new DtError("EBUSY", `Cannot ${operation}: the session is recording`, { operation });
  }

  #openPlane(scratchBytes: number): KernelPlane {
    const scratch = Math.max(
      scratchBytes,
      ...[...this.#enabled.values()].map(({ action }) => action?.scratchBytes ?? 0),
    );
    const kernel = this.#services.openKernelPlane({
      ringBytes: this.#options.ringBytes ?? DEFAULT_RING_BYTES,
      blockBytes: CPU_BLOCK.scratch + scratch,
    });
    const start = new BigInt64Array(kernel.control.words.buffer, CONTROL.startTime, 1);
    start[0] = this.#services.bootTimeNs();
    return kernel;
  }

  #context(stack: DisposableStack, programs: LoadedProgram[], plane: KernelPlane): EnterContext {
    return {
      plane,
      own: (program) => {
        programs.push(stack.use(program));
      },
    };
  }

  #attachments<A extends KernelAttachment | UserAttachment>(): A[] {
    const byProvider = Map.groupBy(this.#enabled.values(), ({ probe }) => probe.provider);
    return [...byProvider].flatMap(([provider, enabled]) =>
      provider.attachments(enabled.flatMap(({ pcbs }) => pcbs), this) as A[]
    );
  }

  /** Hands over whole events from either plane and counts them. */
  #drain(take: (event: Uint8Array) => boolean): void {
    const { kernel, user } = this.#recording ?? {};
    const counted = (event: Uint8Array) => {
      const taken = take(event);
      if (taken) this.#read++;
      return taken;
    };
    kernel?.ring.drain((offset, length) =>
      counted(kernel.ring.bytes.subarray(offset, offset + length))
    );
    user?.drain(counted);
  }

  /** Calls `attempt` until it got something, waiting in between. */
  async #readLoop(signal: AbortSignal | undefined, attempt: () => boolean): Promise<void> {
    if (this.#reading) {
      throw new DtError("EBUSY", "Cannot read: another read is pending", { operation: "read" });
    }
    const aborted = () =>
      new DtError("EINTR", "Cannot read: aborted", { operation: "read", cause: signal?.reason });
    if (signal?.aborted) throw aborted();
    this.#reading = true;
    const onAbort = () => this.#wake();
    signal?.addEventListener("abort", onAbort);
    try {
      while (!attempt()) {
        if (signal?.aborted) throw aborted();
        if (!this.#running) return;
        await this.wait();
      }
    } finally {
      this.#reading = false;
      signal?.removeEventListener("abort", onAbort);
    }
  }

  #count(): SessionStats {
    const { kernel, user, programs } = this.#recording!;
    if (user !== undefined) return { ...NO_STATS, ...user.stats() };
    const { words, stride } = kernel!.blocks;
    const sum = (offset: number) => {
      let total = 0n;
      for (let at = offset / 8; at < words.length; at += stride / 8) {
        total += Atomics.load(words, at);
      }
      return total;
    };
    const outcome = (index: number) => sum(CPU_BLOCK.outcomes + index * 8);
    return {
      read: 0n,
      filtered: outcome(0),
      aggregated: outcome(1),
      recorded: outcome(2),
      dropped: outcome(3),
      fired: sum(CPU_BLOCK.fired),
      recursed: sum(CPU_BLOCK.recursed),
      lostRecords: sum(CPU_BLOCK.lost),
      failedUpdates: sum(CPU_BLOCK.failedUpdates),
      skippedTicks: sum(CPU_BLOCK.skippedTicks),
      recursionMisses: programs.reduce((total, one) => total + one.info().recursionMisses, 0n),
    };
  }
}
