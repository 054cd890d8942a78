// Pure: no I/O, no FFI.
// Which parts of the thread's state and which arguments a standard event records.

/** Part of the thread's state that the standard event records. dt(4)'s evtflags. */
export type State = "comm" | "args" | "kstack" | "ustack";

/**
 * How an argument is copied at the moment of the event: "int" its 64 bits; "string" what it points
 * to up to the NUL (at most 256 bytes, or as many as `string` says); `bytes` that many bytes.
 */
export type CaptureKind = "int" | "string" | {
  /** Most bytes of the string, its NUL included. */
  readonly string: number;
} | {
  /** Bytes to copy. */
  readonly bytes: number;
  /** Name of an argument that is an address: copying ends there if that is before `bytes`. */
  readonly upTo?: string;
};

/** Arguments to capture, by name. */
export type CaptureRequest = Readonly<Record<string, CaptureKind>>;
