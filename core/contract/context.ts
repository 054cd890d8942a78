// Pure: no I/O, no FFI.
// Where a BPF program finds the values of a firing probe: the layout of its context.

import type { AccessSize } from "../asm/load_store.ts";

/**
 * A place to load from: the context is loaded from at `path[0]`, the result at `path[1]`, and so
 * on; the last load has `size` bytes.
 */
export interface Location {
  /** Byte offsets, one per load. */
  readonly path: readonly number[];
  /** Bytes of the last load. */
  readonly size: AccessSize;
  /**
   * The value is an address: `inline` of the context at `path[0]` itself; `data_loc` and `rel_loc` of
   * data that a 32-bit word there tells the offset of, from the record's start or from the word's end.
   */
  readonly address?: "inline" | "data_loc" | "rel_loc";
  /** The value is in the process's memory, at what the context has at `path[0]` and more. */
  readonly memory?: UserOperand;
  /** The value is always this one. */
  readonly constant?: bigint;
  /**
   * The verifier would make a typed pointer of it (BTF), which cannot be computed with: it is copied by a
   * helper and is a number.
   */
  readonly pointer?: boolean;
  /** It is extended by its sign: others by zeros. */
  readonly signed?: boolean;
  /** The value is these bits of what is loaded. */
  readonly bits?: { readonly from: number; readonly width: number };
  /** What is loaded is a time of CLOCK_BOOTTIME, and the value what has passed since then; ns. */
  readonly elapsed?: boolean;
  /** It is an address of the kernel's memory, not of the process's. */
  readonly inKernel?: boolean;
}

/** An operand in memory as processors have them: register + index × scale + displacement. */
export interface UserOperand {
  /** Bytes to add. */
  readonly displacement: number;
  /** Offset of the index register in the context. */
  readonly index?: number;
  /** What the index is multiplied with: 1, 2, 4 or 8. */
  readonly scale?: number;
}

/** Where a program finds what, in its context. */
export interface ContextLayout {
  /** Equal for equal layouts; actions are emitted once per layout. */
  readonly id: string;
  /** By the name that {@linkcode ArgumentSpec.at} uses. */
  readonly locations: Readonly<Record<string, Location>>;
  /** True if all loads after the first need bpf_probe_read_kernel (no BTF types). */
  readonly untyped?: boolean;
}
