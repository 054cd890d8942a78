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
   * The value is an address. `inline`: of the bytes in the context at `path[0]`. `data_loc`, `rel_loc`: of
   * data whose offset a 32-bit word at `path[0]` holds, counted from the start of the record or from the
   * end of that word.
   */
  readonly address?: "inline" | "data_loc" | "rel_loc";
  /** The value is in the memory of the process; the register at `path[0]` of the context is its base. */
  readonly memory?: UserOperand;
  /** The value, where the value is the same for each event. */
  readonly constant?: bigint;
  /**
   * True if the verifier would take the value for a typed pointer (BTF), with which no program can compute:
   * a helper copies the value, which makes a number of the pointer.
   */
  readonly pointer?: boolean;
  /** True if the value is extended to 64 bits by its sign; other values are extended by zeros. */
  readonly signed?: boolean;
  /** Which bits of the loaded word are the value. */
  readonly bits?: { readonly from: number; readonly width: number };
  /** True if the loaded word is a time of CLOCK_BOOTTIME; the value is the time since then, in ns. */
  readonly elapsed?: boolean;
  /** True if the value is an address of kernel memory; otherwise of the memory of the process. */
  readonly inKernel?: boolean;
}

/** A memory operand of a machine instruction: register + index × scale + displacement. */
export interface UserOperand {
  /** Bytes to add to the address. */
  readonly displacement: number;
  /** Offset of the index register in the context. */
  readonly index?: number;
  /** Factor of the index register: 1, 2, 4 or 8. */
  readonly scale?: number;
}

/** Where a program finds the values of an event in its context. */
export interface ContextLayout {
  /** Equal for equal layouts; actions are emitted once per layout. */
  readonly id: string;
  /** Locations by the names that {@linkcode ArgumentSpec.at} uses. */
  readonly locations: Readonly<Record<string, Location>>;
  /** True if all loads after the first need bpf_probe_read_kernel (no BTF types). */
  readonly untyped?: boolean;
}
