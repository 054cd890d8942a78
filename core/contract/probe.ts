// Pure: no I/O, no FFI.
// A probe, as its provider describes it and as the registry numbers it. [I] marks what is immutable after
// creation.

/** One argument of a probe. */
export interface ArgumentSpec {
  /** Name of the argument, as in `args.NAME`. */
  readonly name: string;
  /** C type, as the kernel's headers spell it: "const char *", "unsigned int". */
  readonly type: string;
  /** Which location of the {@linkcode ContextLayout} holds it: "arg0", "retval", "number", … */
  readonly at: string;
  /** Number of elements, for an array whose element i is at `at` with its digits increased by i. */
  readonly count?: number;
}

/** The description of a probe by its provider, without a number. */
export interface ProbeSpec {
  /** Full name of the probe: "syscall:openat:entry". */
  readonly name: string;
  /** Arguments in order; `argN` is the one with `at: "argN"`. */
  readonly args: readonly ArgumentSpec[];
  /** C type of the result, for probes that have one. */
  readonly retval?: string;
  /** Names of further locations in the context: "reg:ip", "usermode". */
  readonly locations?: readonly string[];
  /** C type of the context, if the context is a C structure: "struct bpf_iter__task". */
  readonly context?: string;
  /** Warning shown to the user who enables the probe, such as that the kernel cannot tick so fast. */
  readonly warning?: string;
  /** Warning shown when the probe may harm the traced process; such a probe needs --unsafe. */
  readonly danger?: string;
  /** Shown with -v: how the probe is implemented, if its name suggests something else. */
  readonly note?: string;
  /**
   * What the provider read out of the name, so that neither alloc nor attachments parse the name again, as
   * dt(4) keeps dtp_sysnum. Of the provider alone: nobody else looks at the value.
   */
  readonly parsed?: unknown;
  /** Code of a program that it fires at. */
  readonly code?: ProbeCode;
  /** Tells apart probes whose arguments have equal names and types in different places. */
  readonly layout?: string;
}

/** Where a probe is in a file with code. */
export interface ProbeCode {
  /** Path of the file that holds the code. */
  readonly path: string;
  /** Start of the probe's function, in the file's own addresses; 0 if the start is not known. */
  readonly functionAddress: number;
  /** Bytes from the start of the function to the probe. */
  readonly within: number;
}

/** A named point that can be enabled: registered once, frozen, never removed. */
export interface Probe extends ProbeSpec {
  /** Number of the probe, from 1, given when the probe is first named. [I] */
  readonly pbn: number;
}
