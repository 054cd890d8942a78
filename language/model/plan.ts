// Pure: no I/O, no FFI.
// Plans: what the tracer does when a record arrives. A backend makes the plans together with its code;
// the record reader follows them. The id in a record is the index of its plan.

import { HEADER } from "../../core/contract/event_layout.ts";
import type { Action, Node, RecordAction } from "./ir.ts";
import type { Span } from "../syntax/diagnostics.ts";
import { storageSize, type Type } from "./types.ts";

/** Kind, in the header, of every record of a script; kind 0 is the device's standard event. */
export const KIND_PLAN = 1;

/** Clocks that nsecs() can read. A record of strftime() holds the index of its clock. */
export const CLOCKS = ["boot", "monotonic", "tai", "sw_tai"] as const;

/** Name of a clock that nsecs() can read. */
export type Clock = typeof CLOCKS[number];

/** Where a value lies in a record. */
export interface Slot {
  /** Type of the value. */
  readonly type: Type;
  /** Offset from the start of the record. */
  readonly at: number;
  /**
   * `inline`: the value as our memory holds it. `packed`: a word with the length there, the bytes of a
   * string or buffer after the fixed part, behind those of earlier ones.
   */
  readonly form: "inline" | "packed";
}

/** Where the values of a record lie. */
export interface RecordLayout {
  /** In order of evaluation. */
  readonly slots: readonly Slot[];
  /** Bytes of the fixed part, where packed strings begin. */
  readonly fixed: number;
  /** Bytes of the longest record. */
  readonly maximum: number;
}

/** A value of a plan: the index of its slot in the record, or the text of a literal, which is not sent. */
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
    /** The result that the message is about; other results are told by their error number. */
    readonly retcode?: number;
  }
  | {
    readonly kind: "runtime_error";
    readonly message: string;
  };

/** What to do when a record arrives. */
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

/** All plans of a script, and the texts that printing needs. */
export interface PlanList {
  /** Plans by the id that records hold. */
  readonly list: readonly Plan[];
  /** Texts by the number that values hold. */
  readonly texts: readonly string[];
}

/** Collects plans and texts while a backend makes code of a script. */
export class Plans implements PlanList {
  /** By id. */
  readonly list: Plan[] = [];
  /** By number. */
  readonly texts: string[] = [];
  readonly #ids = new Map<object, number>();
  /** One node can fail in several ways. */
  readonly #faults = new WeakMap<object, Map<string, object>>();

  /** Id of the plan of a statement or a fault; the plan is made when the id is first asked for. */
  id(key: object, make: () => Plan): number {
    let id = this.#ids.get(key);
    if (id === undefined) this.#ids.set(key, id = this.list.push(make()) - 1);
    return id;
  }

  /** Id of the plan that reports a fault at a place of the script. */
  fault(at: Pick<Node, "span">, fault: RuntimeFault): number {
    let keys = this.#faults.get(at);
    if (keys === undefined) this.#faults.set(at, keys = new Map());
    const name = fault.kind === "helper_error" ? fault.helper : fault.message;
    let key = keys.get(name);
    if (key === undefined) keys.set(name, key = {});
    return this.id(key, () => ({ kind: "fault", fault, span: at.span }));
  }

  /** Number of a text, which is kept once. */
  intern(text: string): number {
    const known = this.texts.indexOf(text);
    return known >= 0 ? known : this.texts.push(text) - 1;
  }

  /** A record's plan, and the values that are sent: literals are not. */
  record(action: Action & { op: "record" }): { id: number; layout: RecordLayout; sent: Node[] } {
    const sent: Node[] = [];
    const values = action.values.map((value): ValueRef =>
      value.op === "text" && value.type.kind === "string" ? value.value : sent.push(value) - 1
    );
    const layout = layoutOf(sent);
    const id = this.id(action, () => ({ kind: "record", action: action.action, values, layout }));
    return { id, layout, sent };
  }
}

/** Strings up to this size stand in the fixed part: cheaper than finding out their length. */
const INLINE_BYTES = 64;

/** Where the values of a record go. */
function layoutOf(values: readonly Node[]): RecordLayout {
  let fixed: number = HEADER.bytes;
  let packed = 0;
  const slots = values.map(({ type }): Slot => {
    const at = fixed;
    const size = storageSize(type);
    const packs = (type.kind === "string" || type.kind === "buffer") && size > INLINE_BYTES;
    fixed += packs ? 8 : size;
    if (packs) packed += size;
    return { type, at, form: packs ? "packed" : "inline" };
  });
  return { slots, fixed, maximum: fixed + packed };
}

/** Faults that both planes report in the same words. */
export const FAULT = {
  full: {
    kind: "helper_error",
    helper: "map_update_elem",
    retcode: -7, // E2BIG
    message: "Map full; can't update element. Try increasing max_map_keys config or manually " +
      "setting the max entries in a map declaration e.g. `let @a = hash(5000)`",
  },
  noLookup: {
    kind: "helper_error",
    helper: "map_lookup_elem",
    message: "Can't lookup map element because it does not exist.",
  },
  zeroDivisor: {
    kind: "runtime_error",
    message: "Divide or modulo by 0 detected. This can lead to unexpected results. 1 is being " +
      "used as the result.",
  },
  index: {
    kind: "runtime_error",
    message: "Array access out of bounds. This can lead to unexpected results.",
  },
  rounds: {
    kind: "runtime_error",
    message: "Loop stopped after 8388608 rounds, the most that the kernel allows.",
  },
  nestedRounds: {
    kind: "runtime_error",
    message: "Nested loops stopped after 134217728 rounds altogether.",
  },
} as const satisfies Record<string, RuntimeFault>;

/** BPF_MAX_LOOPS: a loop ends after so many rounds. */
export const MOST_ROUNDS = 1 << 23;

/**
 * Most rounds of all loops inside an outermost loop together: a second or two. The kernel bounds each
 * loop, but not the product of nested ones, and nothing else runs on that CPU meanwhile.
 */
export const MOST_NESTED_ROUNDS = 1 << 27;
