// Pure: no I/O, no FFI.
// The process that a session looks at.

/** The process that a session of the user plane looks at, with all that descends from it. */
export interface Target {
  /** Process. */
  readonly pid: number;
  /**
   * Hands over a child that this thread traces and holds before its first instruction. Without it
   * the process runs, and a source that needs ptrace(2) attaches.
   */
  take?(): void;
  /** Stops only calls that are asked for, by a seccomp filter in the child. */
  readonly seccomp?: boolean;
}

/** A child that is held before its first instruction: a target, or something to be released. */
export interface HeldChild extends Target, Disposable {
  /** Hands it over to a tracer. */
  take(): void;
  /** Lets it run, untraced. */
  release(): void;
}
