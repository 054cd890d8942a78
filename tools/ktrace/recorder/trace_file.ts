// A file that records go to. It only ever has whole records at its end.

import { DtError, errorCode } from "../../../core/errors.ts";
import { syscallError } from "../../../core/sys/errno.ts";
import { Fd } from "../../../core/sys/fd.ts";
import { libc } from "../../../core/sys/libc.ts";
import {
  duplicate,
  O_APPEND,
  O_CREAT,
  O_TRUNC,
  O_WRONLY,
  openFile,
  setBlocking,
  truncateFile,
} from "../../../core/sys/open.ts";
import { type Format, FREEBSD } from "../formats/write.ts";
import { asRequester, type Credentials, ownCredentials } from "./credentials.ts";
import type { Request } from "./request.ts";

const BUFFER_BYTES = 1 << 18;
/** Nobody but the requester reads what others' programs have said. */
const MODE = 0o600;
const EINTR = 4;
const EAGAIN = 11;

/** How to open a file. */
export interface TraceFileOptions {
  /** Keep what is there. */
  readonly append?: boolean;
  /** Default FreeBSD's ktrace.out. */
  readonly format?: Format;
  /** Who opens and writes it, whoever makes the records. Default: this process. */
  readonly credentials?: Credentials;
  /** Never wait for a reader: a file that cannot take a record at once is not written to any more. */
  readonly nonblocking?: boolean;
}

/** A file, or a pipe. */
export class TraceFile implements Disposable {
  /** As it was opened. */
  readonly path: string;
  /** Who asked for it. */
  readonly credentials: Credentials;
  readonly #own = ownCredentials();
  /** How records stand in it. */
  readonly format: Format;
  readonly #fd: Fd;
  readonly #isRegular: boolean;
  readonly #nonblocking: boolean;
  #buffer = new Uint8Array(BUFFER_BYTES);
  #view = new DataView(this.#buffer.buffer);
  #length = 0;
  /** Bytes that were written to a regular file, with what was there before. */
  #end = 0;
  #failure?: DtError;
  #records = 0;
  #isOpen = true;

  /**
   * Creates or opens it.
   *
   * @throws {DtError} What open(2) says: ENOENT, EACCES, EISDIR, …
   */
  constructor(path: string, options: TraceFileOptions = {}) {
    this.path = path;
    this.credentials = options.credentials ?? this.#own;
    this.format = options.format ?? FREEBSD;
    this.#nonblocking = options.nonblocking ?? false;
    const flags = O_WRONLY | O_CREAT | (options.append ? O_APPEND : O_TRUNC);
    this.#fd = this.#as(() =>
      path === "-" ? ownOutput(this.#nonblocking) : openFile(path, flags, MODE)
    );
    const { isFile, size } = Deno.statSync(`/proc/self/fd/${this.#fd.value}`);
    this.#isRegular = isFile && path !== "-";
    this.#end = this.#isRegular ? size : 0;
    if (this.#nonblocking && !isFile) setBlocking(this.#fd.value, false);
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

  /** Takes a record; it is written by the next {@linkcode flush}, or earlier. */
  append(request: Request): void {
    if (this.#failure !== undefined || !this.#isOpen) return;
    const size = this.format.size(request);
    if (this.#length + size > this.#buffer.length) {
      this.flush();
      if (size > this.#buffer.length) {
        this.#buffer = new Uint8Array(size);
        this.#view = new DataView(this.#buffer.buffer);
      }
    }
    this.#length = this.format.write(request, this.#buffer, this.#view, this.#length);
    this.#records++;
  }

  /** Writes what was taken. A failure ends the file at a whole record and is kept. */
  flush(): void {
    if (this.#length === 0 || this.#failure !== undefined) return;
    try {
      this.#as(() => this.#writeAll());
    } catch (error) {
      if (errorCode(error) === undefined) throw error;
      this.#failure = error as DtError;
    }
    this.#length = 0;
  }

  /** Writes what was taken, closes. */
  [Symbol.dispose](): void {
    if (!this.#isOpen) return;
    this.flush();
    this.#isOpen = false;
    this.#fd[Symbol.dispose]();
  }

  #writeAll(): void {
    let done = 0;
    try {
      while (done < this.#length) {
        const count = this.#write(this.#buffer.subarray(done, this.#length), done === 0);
        done += count;
      }
      this.#end += done;
    } catch (error) {
      // What came before in this round may be whole records, and what is behind them is not.
      if (this.#isRegular) truncateFile(this.#fd.value, this.#end + this.#wholeRecords(done));
      throw error;
    }
  }

  #write(bytes: Uint8Array, first: boolean): number {
    for (;;) {
      const count = Number(libc().write(this.#fd.value, bytes, BigInt(bytes.length)));
      if (count >= 0) return count;
      const errno = libc().errno();
      if (errno === EINTR) continue;
      if (errno === EAGAIN && this.#nonblocking) {
        if (first) throw new DtError("EAGAIN", "its reader is too slow", { operation: "write" });
        // A record was begun: it is finished.
        setBlocking(this.#fd.value, true);
        continue;
      }
      throw syscallError("write", { errno });
    }
  }

  /** Bytes of the records that are complete in the first `bytes` of the buffer. */
  #wholeRecords(bytes: number): number {
    return this.format.whole(this.#buffer, this.#view, bytes);
  }

  #as<T>(action: () => T): T {
    return asRequester(this.credentials, this.#own, action);
  }
}

/**
 * Standard output, whose place in a file is shared with whoever has it, too. Whoever must not wait opens a
 * pipe anew: others may want to.
 */
function ownOutput(nonblocking: boolean): Fd {
  return nonblocking ? openFile("/proc/self/fd/1", O_WRONLY) : duplicate(1);
}
