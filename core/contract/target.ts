// Pure: no I/O, no FFI.
// The process that a session of the user plane traces.

/** The process that a session of the user plane traces, with all its descendants. */
export interface Target {
  /** Number of the process. */
  readonly pid: number;
  /**
   * Hands over a child that this thread traces and holds before its first instruction. Absent if the
   * process runs already: then a source that needs ptrace(2) attaches to the process.
   */
  take?(): void;
  /** True if a seccomp filter in the child lets only the traced system calls stop. */
  readonly seccomp?: boolean;
}

/** A child that is held before its first instruction, to be handed to a tracer or released. */
export interface HeldChild extends Target, Disposable {
  /** Hands the child over to a tracer. */
  take(): void;
  /** Lets the child run untraced. */
  release(): void;
}
