// Pure: no I/O, no FFI.
// What happens in this process when a record arrives: made by the code generator, followed by the
// printers. A record's id is the index of its plan.

import type { Span } from "../lang/diagnostics.ts";
import type { FormatPart } from "../lang/format.ts";
import type { ValueType } from "../lang/types.ts";

/** Kind of all of btrace's records; 0 is the device's standard event. */
export const KIND_PLAN = 1;

/** Where a value lies in a record. */
export interface Slot {
  /** Its type. */
  readonly type: ValueType;
  /** Offset from the start of the record. */
  readonly at: number;
  /**
   * `word`: 8 bytes there. `inline`: the string's bytes there, NUL-padded. `packed`: the length there,
   * the bytes after the fixed part, behind those of earlier packed strings.
   */
  readonly form: "word" | "inline" | "packed";
}

/** A record's values. */
export interface RecordLayout {
  /** In order of evaluation. */
  readonly slots: readonly Slot[];
  /** Bytes of the fixed part, where packed strings begin. */
  readonly fixed: number;
  /** Bytes of the longest record. */
  readonly maximum: number;
}

/** What to do. */
export type Plan =
  | {
    /** printf(): text and conversions, each with its slot or its constant text. */
    readonly kind: "printf";
    /** Parts of the format. */
    readonly parts: readonly FormatPart[];
    /** For each conversion: index of a slot, or a string literal. */
    readonly values: readonly (number | string)[];
    /** The record. */
    readonly layout: RecordLayout;
  }
  | {
    /** print(value). */
    readonly kind: "value";
    /** The value, or a string literal. */
    readonly value: number | string;
    /** The record. */
    readonly layout: RecordLayout;
  }
  | {
    /** print(@map[key]) of an aggregation: the key is in the record. */
    readonly kind: "element";
    /** Name of the map. */
    readonly map: string;
    /** Offset of the key. */
    readonly at: number;
  }
  | {
    /** print(@map), clear(@map), zero(@map). */
    readonly kind: "print" | "clear" | "zero";
    /** Name of the map. */
    readonly map: string;
    /** Only the last so many, in print order. */
    readonly top?: number;
    /** Divides values. */
    readonly div?: bigint;
  }
  | {
    /** exit(): wakes this process; the flag stands in the control block. */
    readonly kind: "exit";
  }
  | {
    /** A division by zero happened. */
    readonly kind: "divide-by-zero";
    /** Where in the script. */
    readonly span: Span;
  };
