// Pure: no I/O, no FFI.
// One open device: enabling, recording, reading, statistics. dt(4)'s softc and its operations. [I] marks
// what is immutable after creation.

import { CONTROL, CPU_BLOCK } from "../contract/blocks.ts";
import { checkRequest } from "../contract/check_request.ts";
import { DtError } from "../errors.ts";
import {
  type CaptureSource,
  captureSources,
  type EventLayout,
  eventLayout,
  HEADER,
  KIND_EVENT,
} from "../contract/event_layout.ts";
import { decodeEvent, type DtEvent } from "./event.ts";
import type { Pcb } from "../contract/pcb.ts";
import type { KernelPlane, LoadedProgram, RecordHandler } from "../contract/kernel_plane.ts";
import type { Probe } from "../contract/probe.ts";
import type { Action, EnableRequest } from "../contract/request.ts";
import type { Attachment, KernelAttachment, UserAttachment } from "../contract/attachment.ts";
import type { CaptureRequest } from "../contract/capture.ts";
import type { KernelAction } from "../contract/kernel_action.ts";
import type { PlaneName, ProviderSession } from "../contract/provider.ts";
import type { Target } from "../contract/target.ts";
import type { UserEvent } from "../contract/user_action.ts";
import { EventReader } from "./event_reader.ts";
import { recorder, type RecorderCache } from "../kernel_plane/standard_event.ts";
import { KernelRecording, type Recording, UserRecording } from "./recording.ts";
import type { CaptureOf, ProbeNameOf } from "./probe_types.ts";
import type { Registry } from "./registry.ts";
import { addStats, NO_STATS, type SessionStats } from "../contract/stats.ts";
import { UserPlane } from "../user_plane/user_plane.ts";

/** How to open a session. */
export interface SessionOptions {
  /**
   * Where clauses run. "auto", the default, is the kernel plane where that is permitted, else the user
   * plane; with a {@linkcode target}, which only the user plane knows, always the user plane.
   */
  readonly plane?: PlaneName | "auto";
  /** User plane: the process that is traced, with its descendants. */
  readonly target?: Target;
  /** Bytes of the ring: a power of two from 64 KiB to 1 GiB. Default 4 MiB. */
  readonly ringBytes?: number;
  /**
   * User plane: asked between events; while it returns a promise, system calls of the target wait for
   * the promise.
   */
  readonly held?: () => Promise<void> | undefined;
  /** User plane: events per CPU ring. Default 1024. */
  readonly ringSlots?: number;
}

/** Services that the device gives to a session, which itself does no I/O. */
export interface SessionServices {
  /** Registry of the device's probes. */
  readonly registry: Registry;
  /** Number of CPUs that rings are made for. */
  readonly cpuCount: number;
  /** Time of CLOCK_BOOTTIME now, in ns. */
  bootTimeNs(): bigint;
  /** AT_BASE of a process: address of its dynamic linker. */
  auxBase(pid: number): bigint;
  /** User plane: the event of an action that this process runs itself. */
  selfEvent(): UserEvent;
  /** Why the kernel plane is not permitted; undefined if it is. */
  kernelPlaneRefusal(): string | undefined;
  /** Creates the maps and the ring of a recording on the kernel plane. */
  openKernelPlane(options: { ringBytes: number; blockBytes: number }): KernelPlane;
}

/** One enabled probe of a session. */
export interface Enabling<C extends CaptureRequest = CaptureRequest> {
  /** The probe that is enabled. */
  readonly probe: Probe;
  /** Tells whether an event is of this probe, and types its captures. */
  is(event: DtEvent): event is DtEvent<C>;
}

interface Enabled {
  readonly probe: Probe;
  readonly pcbs: readonly Pcb[];
  readonly layout: EventLayout;
  readonly sources: readonly CaptureSource[];
  readonly action?: KernelAction;
}

const DEFAULT_RING_BYTES = 1 << 22;
const DEFAULT_RING_SLOTS = 1024;
const MOST_RING_SLOTS = 1 << 20;
const PLANES: readonly string[] = ["auto", "kernel", "user"] satisfies SessionOptions["plane"][];

/** Probe number that {@linkcode Session.run} passes to an action by default: no probe has this number. */
export const NO_PROBE = 0;

/**
 * An open device. Close it (or leave the scope of `using`): nothing is left in the kernel.
 *
 * @see {@link https://man.openbsd.org/dt.4}
 */
export class Session implements Disposable, ProviderSession {
  /** Where the clauses run; tells which plane "auto" took. [I] */
  readonly plane: PlaneName;
  /** User plane: the process that is traced. [I] */
  readonly target?: Target;
  readonly #services: SessionServices;
  readonly #options: SessionOptions;
  readonly #enabled = new Map<number, Enabled>();
  readonly #recorders: RecorderCache = new Map();
  /** Present from {@linkcode prepare} to {@linkcode finish}. */
  #current?: Recording;
  #running = false;
  /** True from the first start on: a read before then waits. */
  #begun = false;
  /** Settles at the first start, or when a read is to look again. */
  #starting = Promise.withResolvers<void>();
  /** True after {@linkcode stop}: events can be read, starting again makes a new recording. */
  #stopped = false;
  #closed = false;
  /** Final numbers of earlier recordings. */
  #past: SessionStats = NO_STATS;
  readonly #reader: EventReader;

  /** Opened by {@linkcode Device.open} only. */
  constructor(services: SessionServices, options: SessionOptions) {
    const { plane = "auto", ringBytes = DEFAULT_RING_BYTES, ringSlots = DEFAULT_RING_SLOTS } =
      options;
    if (!PLANES.includes(plane)) {
      throw new DtError("EINVAL", `Cannot open plane ${plane}: ${PLANES.join(", ")}`, {
        operation: "open",
      });
    }
    if (!Number.isInteger(ringSlots) || ringSlots < 1 || ringSlots > MOST_RING_SLOTS) {
      throw new DtError(
        "EINVAL",
        `Cannot use rings of ${ringSlots} events: an integer from 1 to ${MOST_RING_SLOTS}`,
        { operation: "open" },
      );
    }
    if (ringBytes < 65536 || ringBytes > 1 << 30 || !Number.isInteger(Math.log2(ringBytes))) {
      throw new DtError(
        "EINVAL",
        `Cannot use a ring of ${ringBytes} bytes: a power of two from 64 KiB to 1 GiB`,
        { operation: "open" },
      );
    }
    this.plane = planeOf(options, services);
    this.target = options.target;
    this.#services = services;
    this.#options = options;
    this.#reader = new EventReader({
      mayCome: () => this.#running || (!this.#begun && !this.#closed),
      eventSize: () => this.eventSize,
      drain: (take) => this.#current?.drain(take),
      wait: () => this.wait(),
      wake: () => this.wake(),
      decode: (bytes) => this.decode(bytes),
    });
  }

  /** True between {@linkcode start} and {@linkcode stop}. */
  get recording(): boolean {
    return this.#running;
  }

  /**
   * Enables a probe; it fires from {@linkcode start} on. DTIOCPRBENABLE.
   *
   * @param name Full name, or number of the probe. Of system calls, the compiler knows names and arguments.
   * @throws {DtError} ENOENT no such probe; EEXIST already enabled in this session; EINVAL the
   * request does not fit the probe; EBUSY already recording.
   */
  enable<const N extends string | number, const C extends CaptureRequest = CaptureRequest>(
    name: N & ProbeNameOf<N>,
    request: EnableRequest & { readonly capture?: CaptureOf<N, C> } = {},
  ): Enabling<C> {
    const probe = this.#probe(name, "enable");
    checkRequest(request, probe.name);
    if (this.#enabled.has(probe.pbn)) {
      throw new DtError("EEXIST", `Cannot enable ${probe.name}: already enabled in this session`, {
        operation: "enable",
        probe: probe.name,
      });
    }
    if (this.#current !== undefined && !this.#stopped) throw this.#busy("enable");
    if (this.plane === "user" && request.filter !== undefined && "inCgroup" in request.filter) {
      throw new DtError("EOPNOTSUPP", "Cannot filter by a cgroup on the user plane", {
        operation: "enable",
        probe: probe.name,
      });
    }
    if (this.plane === "user" && request.states?.includes("kstack")) {
      throw new DtError(
        "EOPNOTSUPP",
        `Cannot record a kernel stack with ${probe.name} on the user plane: it needs CAP_BPF and ` +
          "CAP_PERFMON",
        { operation: "enable", probe: probe.name },
      );
    }
    const layout = eventLayout(request.states ?? [], request.capture);
    const sources = request.action === undefined ? captureSources(layout, probe) : [];
    const action = request.action === undefined
      ? recorder(layout, sources, this.#recorders)
      : request.action.kernel;
    const pcbs = this.#services.registry.providerOf(probe).alloc(probe, request, this);
    this.#enabled.set(probe.pbn, { probe, pcbs, layout, sources, action });
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
    if (this.#current !== undefined && !this.#stopped) throw this.#busy("disable");
    this.#services.registry.providerOf(probe).dealloc?.(enabled.pcbs);
    this.#enabled.delete(probe.pbn);
  }

  /**
   * Creates maps and loads programs, attaches nothing: {@linkcode run} works from here on.
   *
   * @throws {DtError} EBUSY already prepared; EPERM; VerifierError.
   */
  prepare(options: { scratchBytes?: number } = {}): void {
    this.#checkOpen("start");
    // A recording that was stopped is over: its links are gone, and its events are kept.
    if (this.#stopped) {
      this.#current?.drain((bytes) => {
        this.#reader.keep(bytes);
        return true;
      });
      this.finish();
    }
    if (this.#current !== undefined) throw this.#busy("start");
    this.#current = this.plane === "kernel"
      ? this.#prepareKernel(options.scratchBytes ?? 0)
      : new UserRecording(
        new UserPlane({
          cpuCount: this.#services.cpuCount,
          slots: this.#options.ringSlots ?? DEFAULT_RING_SLOTS,
          slotBytes: this.eventSize,
          recordingOf: (pbn) => this.#enabled.get(pbn)!,
          held: this.#options.held,
          ended: () => this.stop(),
        }),
        this.#attachments<UserAttachment>(),
        () => this.#services.selfEvent(),
      );
    const start = new BigInt64Array(
      this.#current.control.buffer,
      this.#current.control.byteOffset + CONTROL.startTime,
      1,
    );
    start[0] = this.#services.bootTimeNs();
  }

  /**
   * Starts recording with the enabled probes: DTIOCRECORD.
   *
   * @throws {DtError} EBUSY already recording; ENOENT nothing is enabled; EPERM; VerifierError.
   */
  start(): void {
    this.#checkOpen("start");
    if (this.#running) throw this.#busy("start");
    if (this.#enabled.size === 0) {
      throw new DtError("ENOENT", "Cannot start: no probe is enabled", { operation: "start" });
    }
    if (this.#current === undefined || this.#stopped) this.prepare();
    try {
      this.#current!.attach();
    } catch (error) {
      this.finish();
      throw error;
    }
    this.#running = true;
    this.#begun = true;
    this.#starting.resolve();
  }

  /** Stops recording: nothing fires any more. What was recorded can still be read. Idempotent. */
  stop(): void {
    if (!this.#running) return;
    this.#running = false;
    this.#stopped = true;
    this.#current!.detach();
    this.wake();
  }

  /**
   * Runs an action once, in this thread, through the same guard and counters.
   *
   * @param pbn Probe number that the action sees.
   * @throws {DtError} EINVAL not prepared.
   */
  run(name: string, action: Action, pbn: number = NO_PROBE): void {
    this.#prepared("run").run(name, action, pbn);
  }

  /**
   * Loads an action as a program that can be run more than once, as {@linkcode Session.run} runs it once.
   * Kernel plane. The session owns the program.
   *
   * @throws {DtError} EINVAL not prepared, or not on the kernel plane.
   */
  loadOnce(name: string, action: KernelAction, pbn: number = NO_PROBE): LoadedProgram {
    return this.#kernel("run").loadOnce(name, { pbn, action });
  }

  /** Bytes of the largest event that the enabled probes can make. */
  get eventSize(): number {
    let size: number = HEADER.bytes;
    for (const { layout } of this.#enabled.values()) size = Math.max(size, layout.size);
    return size;
  }

  /**
   * Copies whole events into a buffer, waiting until there is one. On the user plane the CPUs are
   * served round robin from where the last read ended; on the kernel plane events come in the order
   * in which they were written.
   *
   * @param buffer At least {@linkcode eventSize} bytes.
   * @param options `signal` aborts a read that blocks.
   * @returns Bytes filled; 0 when recording has stopped and everything was read.
   * @throws {DtError} EMSGSIZE the buffer cannot hold an event; EBUSY another read is pending;
   * EINTR aborted.
   */
  read(buffer: Uint8Array, options: { signal?: AbortSignal } = {}): Promise<number> {
    return this.#reader.read(buffer, options.signal);
  }

  /**
   * The events as a stream, for pipeThrough and @std/streams. It ends when recording stops; one at
   * a time.
   */
  events(options: { signal?: AbortSignal } = {}): ReadableStream<DtEvent> {
    return this.#reader.events(options.signal);
  }

  /** The events, until recording stops. */
  [Symbol.asyncIterator](): AsyncIterableIterator<DtEvent> {
    return this.events()[Symbol.asyncIterator]() as AsyncIterableIterator<DtEvent>;
  }

  /** Hands out the events that are there, without waiting: for owners with a loop around {@linkcode wait}. */
  drainEvents(handler: (event: DtEvent) => void): void {
    this.#reader.drain(handler);
  }

  /** Decodes one event; undefined for a record of another kind or of a probe disabled since. */
  decode(bytes: Uint8Array): DtEvent | undefined {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (view.getUint32(HEADER.kind, true) !== KIND_EVENT) return undefined;
    const enabled = this.#enabled.get(view.getUint32(HEADER.id, true));
    return enabled && decodeEvent(view, enabled.layout, enabled.probe);
  }

  /**
   * Hands every record to `handler` in place, nothing copied: for the session's owner, which knows
   * the kinds that its actions write. Kernel plane.
   *
   * @param handler Gets offset and length of the record in {@linkcode recordBytes}.
   */
  drain(handler: RecordHandler): number {
    return this.#kernel("drain").plane.ring.drain(handler);
  }

  /** Bytes that were read from the ring, and bytes that were written into it, since {@linkcode prepare}. */
  get ringPosition(): { readonly read: number; readonly written: number } {
    const { position, available } = this.#kernel("drain").plane.ring;
    return { read: position, written: position + available };
  }

  /** Memory that {@linkcode drain}'s offsets lie in. */
  get recordBytes(): Uint8Array<ArrayBuffer> {
    return this.#kernel("drain").plane.ring.bytes;
  }

  /** Waits until records may be there, or {@linkcode wake}. */
  async wait(): Promise<void> {
    if (this.#current !== undefined) return await this.#current.wait();
    await this.#starting.promise;
  }

  /** Ends a pending {@linkcode wait}. */
  wake(): void {
    this.#current?.wake();
    this.#starting.resolve();
    this.#starting = Promise.withResolvers();
  }

  /** The control block that actions share with this side; words of 32 bits, see {@linkcode CONTROL}. */
  get control(): Int32Array {
    return this.#prepared("control").control;
  }

  /** Programs of the recording, for listings. */
  get programs(): readonly LoadedProgram[] {
    return this.#current?.kernel?.programs ?? [];
  }

  /** DTIOCGSTATS, summed over all CPUs. */
  stats(): SessionStats {
    const now = this.#current?.count() ?? NO_STATS;
    return { ...addStats(this.#past, now), read: this.#reader.count };
  }

  /** Records lost so far on the kernel plane, in a form cheap enough to ask after every read. */
  lostRecords(): number {
    return this.#kernel("stats").lostRecords();
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
    this.#stopped = false;
    const ended = this.#current;
    if (ended === undefined) return;
    this.#past = addStats(this.#past, ended.count());
    ended.wake();
    this.#current = undefined;
    ended[Symbol.dispose]();
  }

  /** Stops, detaches and frees everything. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.finish();
    this.#closed = true;
    this.wake();
    const { registry } = this.#services;
    for (const { probe, pcbs } of this.#enabled.values()) {
      registry.providerOf(probe).dealloc?.(pcbs);
    }
    this.#enabled.clear();
  }

  /** The same as {@linkcode close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  #prepared(operation: string): Recording {
    if (this.#current !== undefined) return this.#current;
    throw new DtError("EINVAL", `Cannot ${operation}: nothing is prepared`, { operation });
  }

  /** The recording on the kernel plane. */
  #kernel(operation: string): KernelRecording {
    const kernel = this.#current?.kernel;
    if (kernel !== undefined) return kernel;
    throw new DtError("EINVAL", `Cannot ${operation}: nothing is prepared on the kernel plane`, {
      operation,
    });
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

  #prepareKernel(scratchBytes: number): KernelRecording {
    const scratch = Math.max(
      scratchBytes,
      ...[...this.#enabled.values()].map(({ action }) => action?.scratchBytes ?? 0),
    );
    const plane = this.#services.openKernelPlane({
      ringBytes: this.#options.ringBytes ?? DEFAULT_RING_BYTES,
      blockBytes: CPU_BLOCK.scratch + scratch,
    });
    return new KernelRecording(
      plane,
      this.#attachments<KernelAttachment>(),
      (attachment) =>
        attachment.pcbs.map(({ probe, request }) => ({
          pbn: probe.pbn,
          action: this.#enabled.get(probe.pbn)!.action!,
          filter: request.filter,
        })),
      this.#services.bootTimeNs,
      () => this.stop(),
    );
  }

  #attachments<A extends Attachment>(): A[] {
    const { registry } = this.#services;
    const byProvider = Map.groupBy(
      this.#enabled.values(),
      ({ probe }) => registry.providerOf(probe),
    );
    return [...byProvider].flatMap(([provider, enabled]) =>
      provider.attachments(enabled.flatMap(({ pcbs }) => pcbs), this) as A[]
    );
  }
}

/** The plane that a session takes. */
function planeOf({ plane = "auto", target }: SessionOptions, services: SessionServices): PlaneName {
  if (plane !== "auto") return plane;
  return target === undefined && services.kernelPlaneRefusal() === undefined ? "kernel" : "user";
}
