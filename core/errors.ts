/**
 * The one error class of dt. Any layer may import this file; it imports nothing.
 * @module
 */

/** What a {@linkcode DtError} says beside its message. */
export interface DtErrorDetail {
  /** The operation that failed: a system call ("bpf(BPF_MAP_CREATE)") or a device operation ("enable"). */
  operation: string;
  /** Full name of the probe that the operation was about. */
  probe?: string;
  /** The error underneath, where there is one. */
  cause?: unknown;
}

/**
 * A failed operation of the device or of the kernel underneath.
 *
 * Branch on {@linkcode DtError.code}, never on the class: a module loaded by URL may bring a
 * second copy of it. The codes are errno names with the meaning that dt(4) gives them: EPERM not
 * allowed, EBUSY already recording or a second reader, ENOENT no such probe or nothing enabled,
 * EEXIST probe already enabled in this session, EINVAL bad rate or argument, ENOSPC buffer too
 * small for the list, EMSGSIZE buffer smaller than one event, ESRCH no such process, EINTR the
 * read was aborted, ENOMEM, EOPNOTSUPP the running kernel lacks a feature.
 */
export class DtError extends Error {
  /** Name of the class, the same in every copy of this module. */
  override readonly name: string = "DtError";
  /** Errno name, e.g. "ENOENT". */
  readonly code: string;
  /** The operation that failed. */
  readonly operation: string;
  /** Full name of the probe concerned, if any. */
  readonly probe?: string;

  /**
   * Makes the error.
   *
   * @param code Errno name.
   * @param message Sentence without full stop, the action first.
   * @param detail Operation, probe and cause.
   */
  constructor(code: string, message: string, detail: DtErrorDetail) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.code = code;
    this.operation = detail.operation;
    this.probe = detail.probe;
  }
}

/**
 * The errno name of an error, or undefined if it carries none.
 *
 * @param error Anything that was thrown.
 * @returns "EPERM" and the like.
 */
export function errorCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === "string" ? code : undefined;
}
