// Pure: no I/O, no FFI.
// A probe: what its provider says about it, and what it is once the registry has numbered it.

/** An argument of a probe. */
export interface ArgumentSpec {
  /** Name, as in `args.NAME`. */
  readonly name: string;
  /** C type, as the kernel's headers spell it: "const char *", "unsigned int". */
  readonly type: string;
  /** Which location of the {@linkcode ContextLayout} holds it: "arg0", "retval", "number", … */
  readonly at: string;
  /** Number of elements, for an array whose element i is at `at` with its digits increased by i. */
  readonly count?: number;
}

/** What a provider says about one of its probes, before it has a number. */
export interface ProbeSpec {
  /** Full name: "syscall:openat:entry". */
  readonly name: string;
  /** Arguments in order; `argN` is the one with `at: "argN"`. */
  readonly args: readonly ArgumentSpec[];
  /** C type of the result, for probes that have one. */
  readonly retval?: string;
  /** Further locations of its context: "reg:ip", "usermode". */
  readonly locations?: readonly string[];
  /** C type of its context, where that has one: "struct bpf_iter__task". */
  readonly context?: string;
  /** What whoever asks for it should know: that the kernel cannot tick so fast. */
  readonly warning?: string;
  /** What it may do to those that are traced, if it is not known to be harmless. */
  readonly danger?: string;
  /** How it is had, where that is not as its name says: told to who asks for details. */
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
  /** The file. */
  readonly path: string;
  /** Where its function starts, as the file speaks of addresses; 0 if that is not known. */
  readonly functionAddress: number;
  /** How far behind that the probe is, in bytes. */
  readonly within: number;
}

/** A named point that can be enabled: registered once, frozen, never removed. */
export interface Probe extends ProbeSpec {
  /** Number of the probe: from 1, given when the probe is first named. [I] */
  readonly pbn: number;
}
