// Pure: no I/O, no FFI.
// A request is a record on its way to a file. All requests come from a pool, which allocates them before
// tracing starts, and return to it.

import { ERESTART } from "../systems/restarts.ts";
import { DtError } from "../../../core/errors.ts";
import { callNumber, COMM_BYTES, KTR, type KtrType } from "../formats/types.ts";

/** Room for the payload of most records; it grows for those that need more. */
const PAYLOAD_BYTES = 128;

/** A signal, as a record tells of it. */
export interface SignalRecord {
  /** Number of the signal in FreeBSD. */
  readonly signo: number;
  /** Address of the handler; 0 is the default action, 1 ignores, all bits set is unknown. */
  readonly action: bigint;
  /** Who sent the signal: SI_* and the like, of Linux. */
  readonly code: number;
  /** Signals that the thread blocks, a bit for each. */
  readonly mask: Uint8Array;
  /** Of a SIGSYS by seccomp: number of the refused call. */
  readonly call: number;
  /** Of a SIGSYS by seccomp: AUDIT_ARCH_* of the refused call. */
  readonly arch: number;
}

const FREEBSD_SIGSYS = 12;
const SYS_SECCOMP = 1;

/** A thread (LWP) at one time: its id may be another's later. */
export interface Lwp {
  /** Id of the kernel's thread (LWP). */
  readonly tid: number;
  /** Time when the thread was made, CLOCK_BOOTTIME in nanoseconds; 0 if unknown. */
  readonly startNs: number;
  /** Name, with zeros behind it; up to 20 bytes. */
  readonly comm: Uint8Array;
}

/** Where a request is: in the pool, with its maker, or in a process's queue. */
export type RequestState = "free" | "made" | "queued";

/** A record that is being made, or waits. */
export class Request implements Lwp {
  /** Where the request is; the pool and the recorder say so. */
  state: RequestState = "free";
  /** Type of the record. [the maker's until it is submitted] */
  type: KtrType = KTR.user;
  /** Id of the record's process. */
  pid = 0;
  /** Id of the record's thread. */
  tid = 0;
  /** When the thread was made, CLOCK_BOOTTIME in ns. */
  startNs = 0;
  /** Number of the CPU; -1 if unknown. */
  cpu: number = -1;
  /** Whole seconds of the record's time, CLOCK_REALTIME. */
  seconds = 0;
  /** Nanoseconds of the record's time beyond whole seconds. */
  nanoseconds = 0;
  /** Records of the process before this one were lost. */
  dropped = false;
  /** Name of the process, with zeros behind it. */
  readonly comm: Uint8Array<ArrayBuffer> = new Uint8Array(COMM_BYTES);
  /** Bytes of the payload, laid out as FreeBSD's. */
  length = 0;
  #bytes = new Uint8Array(PAYLOAD_BYTES);
  #view = new DataView(this.#bytes.buffer);

  /** The payload, and room behind it. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** View of the payload's bytes, for numbers. */
  get view(): DataView {
    return this.#view;
  }

  /** Starts a payload of so many bytes, all of them zero. */
  begin(type: KtrType, length: number): void {
    this.type = type;
    this.length = length;
    if (length > this.#bytes.length) {
      this.#bytes = new Uint8Array(2 ** Math.ceil(Math.log2(length)));
      this.#view = new DataView(this.#bytes.buffer);
    } else {
      this.#bytes.fill(0, 0, length);
    }
  }

  /** Sets the process and the thread of the record. */
  belongsTo(pid: number, lwp: Lwp): void {
    this.pid = pid;
    this.tid = lwp.tid;
    this.startNs = lwp.startNs;
    this.comm.fill(0);
    this.comm.set(lwp.comm.subarray(0, COMM_BYTES - 1));
  }

  /** A system call. `args` has at least `count` words. */
  syscall(code: number, args: BigInt64Array, count: number): void {
    this.begin(KTR.syscall, 8 + count * 8);
    this.#view.setInt16(0, callNumber(code), true);
    this.#view.setInt16(2, count, true);
    for (let i = 0; i < count; i++) this.#view.setBigInt64(8 + i * 8, args[i], true);
  }

  /** The return of a system call. @param error FreeBSD's number, 0 for none. */
  sysret(code: number, error: number, value: bigint): void {
    this.begin(KTR.sysret, 16);
    this.#view.setInt16(0, callNumber(code), true);
    this.#view.setInt32(4, error, true);
    // Of a call that is made again, the result tells why.
    if (error === ERESTART) this.#view.setBigInt64(8, -value, true);
    if (error === 0) this.#view.setBigInt64(8, value, true);
  }

  /** Bytes and nothing else: a path, a user record, arguments of an exec. */
  raw(type: KtrType, bytes: Uint8Array): void {
    this.begin(type, bytes.length);
    this.#bytes.set(bytes);
  }

  /** Data that was read from a descriptor or written to it. */
  genio(fd: number, isWrite: boolean, data: Uint8Array): void {
    this.begin(KTR.genio, 8 + data.length);
    this.#view.setInt32(0, fd, true);
    this.#view.setInt32(4, isWrite ? 1 : 0, true);
    this.#bytes.set(data, 8);
  }

  /** A structure by its name. */
  struct(name: string, data: Uint8Array): void {
    this.begin(KTR.struct, name.length + 1 + data.length);
    this.#ascii(0, name);
    this.#bytes.set(data, name.length + 1);
  }

  /** An array of structures of one type. */
  structArray(name: string, elementBytes: number, data: Uint8Array): void {
    this.begin(KTR.structArray, 9 + name.length + data.length);
    this.#view.setBigUint64(0, BigInt(elementBytes), true);
    this.#ascii(8, name);
    this.#bytes.set(data, 9 + name.length);
  }

  /** A signal that is delivered. @param mask 8 bytes: Linux has 64 signals. */
  psig(signal: SignalRecord): void {
    // A call that seccomp refuses stands behind FreeBSD's structure.
    const isRefused = signal.signo === FREEBSD_SIGSYS && signal.code === SYS_SECCOMP;
    this.begin(KTR.psig, isRefused ? 48 : 40);
    this.#view.setInt32(0, signal.signo, true);
    this.#view.setBigUint64(8, signal.action, true);
    this.#view.setInt32(16, signal.code, true);
    this.#bytes.set(signal.mask.subarray(0, 16), 20);
    if (!isRefused) return;
    this.#view.setInt32(40, signal.call, true);
    this.#view.setUint32(44, signal.arch, true);
  }

  /** The thread leaves a CPU or comes to one. */
  csw(isOut: boolean, isUser: boolean, wmesg: string): void {
    this.begin(KTR.csw, 16);
    this.#view.setInt32(0, isOut ? 1 : 0, true);
    this.#view.setInt32(4, isUser ? 1 : 0, true);
    this.#ascii(8, wmesg.slice(0, 7));
  }

  /** A page fault. @param access VM_PROT_*: 1 read, 2 write, 4 execute. */
  fault(address: bigint, access: number): void {
    this.begin(KTR.fault, 16);
    this.#view.setBigUint64(0, address, true);
    this.#view.setInt32(8, access, true);
  }

  /** A call that was not permitted. */
  capfail(type: number, code: number, flags: number): void {
    this.begin(KTR.capfail, 1040);
    this.#view.setInt32(0, type, true);
    this.#view.setInt16(4, callNumber(code), true);
    this.#view.setUint32(8, flags, true);
  }

  /** A process is known from here on. */
  procctor(flags: number, parent?: number): void {
    // FreeBSD's kdump reads the flags and passes over the rest.
    this.begin(KTR.procctor, parent === undefined ? 4 : 8);
    this.#view.setUint32(0, flags, true);
    if (parent !== undefined) this.#view.setUint32(4, parent, true);
  }

  #ascii(at: number, text: string): void {
    for (let i = 0; i < text.length; i++) this.#bytes[at + i] = text.charCodeAt(i);
  }
}

/** A pool of requests: unused ones can be taken, and are given back after use. */
export class RequestPool {
  #free: Request[] = [];
  #size = 0;
  #used = 0;
  #warned = false;
  readonly #warn: (message: string) => void;

  /**
   * Allocates all of them.
   *
   * @param size Requests. kern.ktrace.request_pool has 100.
   * @param warn Told once that there are none left, and again after each {@linkcode resize}.
   */
  constructor(size: number, warn: (message: string) => void) {
    this.#warn = warn;
    this.resize(size);
  }

  /** Number of requests, in use or not. */
  get size(): number {
    return this.#size;
  }

  /** Number of requests that nobody uses. */
  get free(): number {
    return this.#free.length;
  }

  /**
   * Makes it larger or smaller, while it is in use.
   *
   * @throws {DtError} ENOSPC more are in use than shall be there; EINVAL no number of requests.
   */
  resize(size: number): void {
    if (!Number.isInteger(size) || size < 1) {
      throw new DtError("EINVAL", `Cannot have a pool of ${size} requests: 1 or more`, {
        operation: "resize",
      });
    }
    if (size < this.#used) {
      throw new DtError(
        "ENOSPC",
        `Cannot make the pool ${size} requests small: ${this.#used} are in use`,
        { operation: "resize" },
      );
    }
    this.#free.length = Math.min(this.#free.length, size - this.#used);
    while (this.#free.length < size - this.#used) this.#free.push(new Request());
    this.#size = size;
    this.#warned = false;
  }

  /** A request, undefined if all are in use. */
  take(): Request | undefined {
    const request = this.#free.pop();
    if (request !== undefined) {
      this.#used++;
      request.state = "made";
      return request;
    }
    if (!this.#warned) this.#warn("Out of ktrace request objects.");
    this.#warned = true;
    return undefined;
  }

  /** Returns a request to the pool. */
  give(request: Request): void {
    this.#used--;
    request.state = "free";
    this.#free.push(request);
  }
}
