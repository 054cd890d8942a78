// Pure: no I/O, no FFI.
// What happens in this process when a record arrives: made by the code generator, followed by the
// printers. A record's id is the index of its plan.

import type { Span } from "../lang/diagnostics.ts";
import type { RecordAction } from "../ir.ts";
import type { Type } from "../lang/types.ts";

/** Kind of all of btrace's records; 0 is the device's standard event. */
export const KIND_PLAN = 1;

/** Where a value lies in a record. */
export interface Slot {
  /** Its type. */
  readonly type: Type;
  /** Offset from the start of the record. */
  readonly at: number;
  /**
   * `inline`: the value as our memory holds it. `packed`: a word with the length there, the bytes of a
   * string or buffer after the fixed part, behind those of earlier ones.
   */
  readonly form: "inline" | "packed";
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

/** A value of a record: the index of its slot, or a string literal, which is not sent. */
export type ValueRef = number | string;

/** Something that went wrong while a program ran. */
export type RuntimeFault =
  | {
    /** A helper failed; its result is the record's first word. */
    readonly kind: "helper_error";
    /** Name of the helper. */
    readonly helper: string;
    /** What to say; undefined: what the error number means. */
    readonly message?: string;
  }
  | {
    readonly kind: "runtime_error";
    readonly message: string;
  };

/** What to do. */
export type Plan =
  | {
    readonly kind: "record";
    readonly action: RecordAction;
    /** For each value or conversion. */
    readonly values: readonly ValueRef[];
    readonly layout: RecordLayout;
  }
  | {
    /** print(@map[key]) of an aggregation: the key is in the record. */
    readonly kind: "entry";
    readonly map: string;
    /** Offset of the key. */
    readonly at: number;
  }
  | {
    /** print(@map), clear(@map), zero(@map). */
    readonly kind: "print" | "clear" | "zero";
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
    readonly kind: "fault";
    readonly fault: RuntimeFault;
    /** Where in the script. */
    readonly span: Span;
  };
