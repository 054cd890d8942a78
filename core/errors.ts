/**
 * The one error class of dt. Any layer may import this file; it imports nothing.
 * @module
 */

/** The facts that a {@linkcode DtError} carries beside its message. */
export interface DtErrorDetail {
  /**
   * Name of the failed operation: a system call ("bpf(BPF_MAP_CREATE)") or an operation of the
   * device ("enable").
   */
  operation: string;
  /** Full name of the probe that the failed operation was about. */
  probe?: string;
  /** The error that caused this error, where there is such an error. */
  cause?: unknown;
}

/**
 * A failed operation of the device or of the kernel underneath.
 *
 * Branch on {@linkcode DtError.code}, never on the class: a module loaded by URL may bring a second
 * copy of the class. The codes are errno names with the meaning that dt(4) gives them: EPERM not
 * allowed, EBUSY already recording or a second reader, ENOENT no such probe or nothing enabled,
 * EEXIST probe already enabled in this session, EINVAL bad rate or argument, ENOSPC buffer too
 * small for the list, EMSGSIZE buffer smaller than one event, ESRCH no such process, EINTR the read
 * was aborted, ENOMEM out of memory, EOPNOTSUPP the running kernel lacks a feature.
 */
export class DtError extends Error {
  /** Name of the class, the same in every copy of this module. */
  override readonly name: string = "DtError";
  /** Name of the reason, spelled as in errno(3), e.g. "ENOENT". */
  readonly code: string;
  /** Name of the operation that failed, e.g. "enable" or "bpf(BPF_MAP_CREATE)". */
  readonly operation: string;
  /** Full name of the probe concerned; absent if the operation was about no probe. */
  readonly probe?: string;

  /**
   * Makes an error from its code, message and details.
   *
   * @param code Name of the reason, spelled as in errno(3).
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
 * Reads the errno name that an error carries in its `code` property.
 *
 * @param error Anything that was thrown.
 * @returns "EPERM" and the like; undefined if the error has no code.
 */
export function errorCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === "string" ? code : undefined;
}
