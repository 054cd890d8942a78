// A file that records go to. It only ever has whole records at its end.

import { DtError, errorCode } from "../../../core/errors.ts";
import { syscallError } from "../../../core/sys/errno.ts";
import type { Fd } from "../../../core/sys/fd.ts";
import { libc } from "../../../core/sys/libc.ts";
import {
  duplicate,
  O_WRONLY,
  openFile,
  seekEnd,
  setBlocking,
  truncateFile,
} from "../../../core/sys/open.ts";
import { openOutput } from "../../../core/sys/output_file.ts";
import { type Format, FREEBSD } from "../formats/write.ts";
import { rotate, type Rotation } from "./rotation.ts";
import { asRequester, type Credentials, ownCredentials } from "./credentials.ts";
import type { Request } from "./request.ts";

const BUFFER_BYTES = 1 << 18;
const EINTR = 4;
const EAGAIN = 11;

/** Options of a trace file's constructor. */
export interface TraceFileOptions {
  /** True to keep the file's present content. */
  readonly append?: boolean;
  /** Format of the file's records. Default: FreeBSD's ktrace.out. */
  readonly format?: Format;
  /**
   * The records that must stand before others, one of each process: they are written again when the file
   * has lost its first records, because somebody has emptied it or because it was rotated.
   */
  readonly heads?: () => readonly Request[];
  /** Descriptor that the path `-` stands for. Default: 1, standard output. */
  readonly descriptor?: 1 | 2;
  /** When the file is renamed and a new one is begun. Default: never. */
  readonly rotation?: Rotation;
  /** User and group that open and write the file. Default: those of this process. */
  readonly credentials?: Credentials;
  /**
   * Where a pipe's reader is slower than its writer: "wait" holds this thread (the default), "later" keeps what
   * could not be written for the next {@linkcode TraceFile.flush}, "stop" writes nothing any more.
   */
  readonly whenFull?: "wait" | "later" | "stop";
}

/** A file or a pipe that records are written to. */
export class TraceFile implements Disposable {
  /** Path with which the file was opened. */
  readonly path: string;
  /** User and group that asked for the file. */
  readonly credentials: Credentials;
  readonly #own = ownCredentials();
  /** Format of the file's records. */
  readonly format: Format;
  #fd: Fd;
  readonly #rotation?: Rotation;
  readonly #heads: () => readonly Request[];
  #wantsHeads = false;
  readonly #isRegular: boolean;
  /** This process has made the file. */
  readonly #isNew: boolean = false;
  /** What was in the file before is still there and is to be removed. */
  #isOld: boolean;
  readonly #whenFull: "wait" | "later" | "stop";
  #buffer = new Uint8Array(BUFFER_BYTES);
  #view = new DataView(this.#buffer.buffer);
  #length = 0;
  /** Bytes that were written to a regular file, with what was there before. */
  #end = 0;
  #failure?: DtError;
  #records = 0;
  #isFull = false;
  /** Bytes at the start of the buffer that belong to a record that was begun. */
  #rest = 0;
  /** The end of a record before the one that {@linkcode #boundary} has found. */
  #lastBoundary = 0;
  #isOpen = true;

  /**
   * Creates or opens it. What was in it before stays until {@linkcode begin}.
   *
   * @throws {DtError} What {@linkcode openOutput} says: ENOENT, EACCES, EISDIR, ELOOP, EPERM, ENXIO, …
   */
  constructor(path: string, options: TraceFileOptions = {}) {
    this.path = path;
    this.credentials = options.credentials ?? this.#own;
    this.format = options.format ?? FREEBSD;
    const whenFull = options.whenFull ?? "wait";
    if (path === "-" && options.descriptor === 2) this.#fd = duplicate(2);
    else if (path === "-") this.#fd = this.#as(() => ownOutput(whenFull !== "wait"));
    else {
      const { uid } = this.credentials;
      // Whoever empties the file while it is written leaves no hole.
      const { fd, isNew } = this.#as(() => openOutput(path, { append: true, uid }));
      this.#fd = fd;
      this.#isNew = isNew;
    }
    const { isFile, size } = Deno.statSync(`/proc/self/fd/${this.#fd.value}`);
    this.#isRegular = isFile && path !== "-";
    this.#end = this.#isRegular ? size : 0;
    this.#isOld = this.#isRegular && !options.append && size > 0;
    this.#heads = options.heads ?? (() => []);
    this.#rotation = this.#isRegular ? options.rotation : undefined;
    // A descriptor that is shared with others stays as they want it.
    this.#whenFull = isFile || this.#fd.what.startsWith("dup:") ? "wait" : whenFull;
    if (this.#whenFull !== "wait") setBlocking(this.#fd.value, false);
  }

  /** False when it was closed. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** False if its path leads to another file now, or to none. */
  isAtItsPath(): boolean {
    try {
      const [own, there] = [`/proc/self/fd/${this.#fd.value}`, this.path].map((one) =>
        Deno.statSync(one)
      );
      return own.dev === there.dev && own.ino === there.ino;
    } catch {
      return false;
    }
  }

  /** Why nothing is written any more. */
  get failure(): DtError | undefined {
    return this.#failure;
  }

  /** Records that were taken. */
  get records(): number {
    return this.#records;
  }

  /** There is something that could not be written yet: {@linkcode flush} tries again. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Empties the file, unless it is appended to: what is recorded goes there from now on. Idempotent. */
  begin(): void {
    if (!this.#isOld) return;
    this.#isOld = false;
    truncateFile(this.#fd.value, 0);
    this.#end = 0;
  }

  /** Closes the file. If nothing was recorded, it is as it was before, and one that was made is removed. */
  discard(): void {
    if (!this.#isOpen) return;
    if (this.#records > 0) return this[Symbol.dispose]();
    const isUnused = this.#isNew && this.isAtItsPath();
    this.#isOpen = false;
    this.#fd[Symbol.dispose]();
    if (!isUnused) return;
    try {
      this.#as(() => Deno.removeSync(this.path));
    } catch {
      // The folder does not let anybody remove files: an empty one stays.
    }
  }

  /** Takes a record; it is written by the next {@linkcode flush}, or earlier. */
  append(request: Request): void {
    if (this.#failure !== undefined || !this.#isOpen) return;
    const size = this.format.size(request);
    if (this.#length + size > this.#buffer.length) {
      this.flush();
      if (this.#length + size > this.#buffer.length) this.#grow(this.#length + size);
    }
    this.#length = this.format.write(request, this.#buffer, this.#view, this.#length);
    this.#records++;
  }

  /** Writes what was taken. A failure ends the file at a whole record and is kept. */
  flush(): void {
    if (this.#length === 0 || this.#failure !== undefined) return;
    this.begin();
    try {
      this.#as(() => {
        this.#restoreHeads();
        this.#writeAll();
      });
    } catch (error) {
      if (errorCode(error) === undefined) throw error;
      this.#failure = error as DtError;
    }
    if (this.#failure !== undefined) this.#length = 0;
    else this.#rotate();
  }

  /** Writes the first record of each process, if the file has lost them. */
  #restoreHeads(): void {
    if (!this.#isRegular) return;
    const size = seekEnd(this.#fd.value);
    if (size >= 0 && size < this.#end) {
      this.#end = size;
      this.#wantsHeads = true;
    }
    if (!this.#wantsHeads) return;
    this.#wantsHeads = false;
    const heads = this.#heads();
    const bytes = new Uint8Array(heads.reduce((sum, head) => sum + this.format.size(head), 0));
    const view = new DataView(bytes.buffer);
    let length = 0;
    for (const head of heads) length = this.format.write(head, bytes, view, length);
    for (let done = 0; done < length;) {
      done += this.#write(bytes.subarray(done, length), false);
    }
    this.#end += length;
  }

  /** Begins a new file if this one is large enough. */
  #rotate(): void {
    const rotation = this.#rotation;
    if (rotation === undefined || this.#end < rotation.bytes || this.#length > 0) return;
    try {
      this.#as(() => rotate(this.path, rotation));
      const { fd } = this.#as(() =>
        openOutput(this.path, { uid: this.credentials.uid, append: true })
      );
      this.#fd[Symbol.dispose]();
      this.#fd = fd;
      this.#end = 0;
      this.#wantsHeads = true;
    } catch (error) {
      if (errorCode(error) === undefined) throw error;
      this.#failure = error as DtError;
    }
  }

  /** Writes what was taken, closes. What its reader does not take at once is lost, which is a failure. */
  [Symbol.dispose](): void {
    if (!this.#isOpen) return;
    this.begin();
    this.flush();
    if (this.#isFull) this.#failure ??= tooSlow(`, ${this.#unwritten()} records lost`);
    this.#isOpen = false;
    this.#fd[Symbol.dispose]();
  }

  #grow(bytes: number): void {
    const before = this.#buffer;
    this.#buffer = new Uint8Array(2 ** Math.ceil(Math.log2(bytes)));
    this.#buffer.set(before.subarray(0, this.#length));
    this.#view = new DataView(this.#buffer.buffer);
  }

  #writeAll(): void {
    let done = 0;
    this.#isFull = false;
    try {
      while (done < this.#length && !this.#isFull) {
        done += this.#write(this.#buffer.subarray(done, this.#length), done === 0);
      }
      this.#end += done;
      this.#rest = this.#isFull ? this.#boundary(done) - done : 0;
      this.#buffer.copyWithin(0, done, this.#length);
      this.#length -= done;
    } catch (error) {
      // What came before in this round may be whole records, and what is behind them is not.
      if (this.#isRegular) {
        const last = this.#boundary(done);
        const whole = last === done ? done : this.#lastBoundary;
        truncateFile(this.#fd.value, this.#end + whole);
      }
      throw error;
    }
  }

  #write(bytes: Uint8Array, first: boolean): number {
    for (;;) {
      const count = Number(libc().write(this.#fd.value, bytes, BigInt(bytes.length)));
      if (count >= 0) return count;
      const errno = libc().errno();
      if (errno === EINTR) continue;
      if (errno === EAGAIN && this.#whenFull === "later") {
        this.#isFull = true;
        return 0;
      }
      if (errno === EAGAIN && this.#whenFull === "stop") {
        if (first) throw tooSlow();
        // A record was begun: it is finished.
        setBlocking(this.#fd.value, true);
        continue;
      }
      throw syscallError("write", { errno });
    }
  }

  /** The first end of a record at or behind a place in the buffer; the one before is kept. */
  #boundary(place: number): number {
    let at = this.#lastBoundary = this.#rest;
    while (at < place) {
      this.#lastBoundary = at;
      at = this.format.endOf(this.#buffer, this.#view, at);
    }
    return at;
  }

  /** Records that could not be written, the one that was begun among them. */
  #unwritten(): number {
    let count = this.#rest > 0 ? 1 : 0;
    for (let at = this.#rest; at < this.#length; count++) {
      at = this.format.endOf(this.#buffer, this.#view, at);
    }
    return count;
  }

  #as<T>(action: () => T): T {
    return asRequester(this.credentials, this.#own, action);
  }
}

function tooSlow(loss = ""): DtError {
  return new DtError("EAGAIN", `its reader is too slow${loss}`, { operation: "write" });
}

/**
 * Standard output, whose place in a file is shared with whoever has it, too. Whoever must not wait opens a
 * pipe anew: others may want to.
 */
function ownOutput(nonblocking: boolean): Fd {
  if (!nonblocking || !isPipe()) return duplicate(1);
  return openFile("/proc/self/fd/1", O_WRONLY);
}

function isPipe(): boolean {
  return Deno.statSync("/proc/self/fd/1").isFifo ?? false;
}
