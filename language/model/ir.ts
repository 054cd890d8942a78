// Pure: no I/O, no FFI.
// The typed tree: the checker makes it of the syntax tree, both backends read it. Every node has its
// type, every name is resolved, every constant expression is computed.

import type { BinaryOperator } from "../syntax/ast.ts";
import type { Span } from "../syntax/diagnostics.ts";
import type { FormatPart } from "../syntax/printf_format.ts";
import type { AggregationName, AggregationType } from "./aggregations.ts";
import type { MemoryBuiltin, RegisterBuiltin } from "./builtins.ts";
import type { MemoryCall, RegisterCall } from "./functions.ts";
import type { MapType, Type } from "./types.ts";

/** A variable of one clause. */
export interface Local {
  /** Name of the variable, with its `$`. */
  readonly name: string;
  /** Widens while the checker finds out the types. */
  type: Type;
  /** True for a variable that nothing in the script gives a type. */
  unresolved?: boolean;
}

/** A map of the script. The types of key and value widen while the checker finds them out. */
export interface MapVariable {
  /** Name of the map, with its `@`. */
  readonly name: string;
  /** Type of the keys; a tuple for several keys. */
  key?: Type;
  /** True if the map has keys; undefined until the checker has seen a use of the map. */
  keyed?: boolean;
  /** Type of the values; undefined until the checker has seen a value. */
  value?: Type | AggregationType;
  /** Kind and size, if `let @m = kind(entries)` declares the map. */
  declared?: MapType["declared"];
}

/** Operators that compare two values. */
export type Comparison = "==" | "!=" | "<" | ">" | "<=" | ">=";
/** Operators that compute a number. */
export type Arithmetic = Exclude<BinaryOperator, Comparison | "&&" | "||">;

/** An expression of the typed tree. */
export type Node =
  & (
    /** A number; after a `cast` arithmetic has 64 bits, without one as many as the result needs. */
    | { readonly op: "constant"; readonly value: bigint; readonly cast?: boolean }
    /** A string literal, one character a byte. */
    | { readonly op: "text"; readonly value: string }
    | { readonly op: "local"; readonly local: Local }
    /** `@m[k]` of plain values; zero if it is missing. */
    | { readonly op: "map"; readonly map: MapVariable; readonly key?: Node }
    /** The same of count() and the like: over all CPUs. */
    | { readonly op: "aggregate"; readonly map: MapVariable; readonly key?: Node }
    /** pid, nsecs, …: a value that each plane reads by itself. */
    | { readonly op: "builtin"; readonly name: RegisterBuiltin }
    /** comm and the like: the same, written to memory. */
    | { readonly op: "memory_builtin"; readonly name: MemoryBuiltin }
    /** A value of the probe's context, by the name of its location. */
    | { readonly op: "context"; readonly at: string }
    /** An array whose elements stand at several locations. */
    | { readonly op: "contexts"; readonly at: readonly string[] }
    /** Memory at an address. */
    | {
      readonly op: "load";
      readonly address: Node;
      readonly offset: number;
      readonly bits?: { readonly shift: number; readonly width: number };
    }
    /** A piece of a value in our memory, at a constant offset; C: laid out as in a structure. */
    | {
      readonly op: "part";
      readonly object: Node;
      readonly offset: number;
      readonly c: boolean;
      readonly bits?: { readonly shift: number; readonly width: number };
    }
    /** An element of an array in our memory, at an index that run time checks. */
    | {
      readonly op: "element";
      readonly object: Node & { type: { kind: "array" } };
      readonly index: Node;
    }
    | { readonly op: "tuple"; readonly elements: readonly Node[] }
    | { readonly op: "unary"; readonly operator: "-" | "~"; readonly operand: Node }
    | {
      readonly op: "binary";
      readonly operator: Arithmetic;
      readonly left: Node;
      readonly right: Node;
      readonly signed: boolean;
    }
    | {
      readonly op: "compare";
      readonly operator: Comparison;
      readonly left: Node;
      readonly right: Node;
      readonly signed: boolean;
    }
    /** Equality of what does not fit a register. */
    | {
      readonly op: "same";
      readonly left: Node;
      readonly right: Node;
      /** Both are compared as this type. */
      readonly as: Type;
      readonly negate: boolean;
    }
    | { readonly op: "not"; readonly operand: Node }
    | { readonly op: "and" | "or"; readonly left: Node; readonly right: Node }
    /** One of two values. Without `then`, a condition that is not zero is the value itself. */
    | {
      readonly op: "choose";
      readonly condition: Node;
      readonly then?: Node;
      readonly otherwise: Node;
    }
    /** Statements that run before a value is computed. */
    | { readonly op: "block"; readonly body: readonly Action[]; readonly value: Node }
    /** A function of the script, in place: `return` leaves it. */
    | { readonly op: "inline"; readonly body: readonly Action[]; readonly result: Local }
    /** A value as another type: integers are cut or widened, other values keep their bytes. */
    | { readonly op: "convert"; readonly operand: Node }
    /** `++` and `--`. */
    | {
      readonly op: "step";
      readonly target: Node & { op: "local" | "map" };
      readonly by: 1 | -1;
      readonly prefix: boolean;
    }
    /** Functions that are code of their own in each backend. */
    | RegisterCall
    | MemoryCall
    /** True if the map has the entry; `delete` removes it, too. */
    | { readonly op: "has_key" | "delete"; readonly map: MapVariable; readonly key?: Node }
    | { readonly op: "len"; readonly map: MapVariable }
    /** Address of a variable or a map. */
    | { readonly op: "address"; readonly local?: Local; readonly map?: MapVariable }
  )
  & { readonly type: Type; readonly span: Span };

/** What the tracer does when it reads a record. */
export type RecordAction =
  | {
    readonly kind: "printf" | "cat" | "system";
    readonly parts: readonly FormatPart[];
  }
  | {
    /** errorf, warnf. */
    readonly kind: "errorf" | "warnf";
    readonly parts: readonly FormatPart[];
    /** Innermost first. */
    readonly spans: readonly Span[];
  }
  | { readonly kind: "value" }
  | { readonly kind: "time"; readonly format: string }
  | { readonly kind: "join"; readonly separator: string }
  | { readonly kind: "skboutput"; readonly file: string };

/** A condition and what runs if the condition is the first that holds. */
export interface Arm {
  /** Expression that chooses this arm. */
  readonly condition: Node;
  /** Statements of this arm. */
  readonly then: readonly Action[];
}

/** A statement of the typed tree. */
export type Action =
  & (
    | { readonly op: "evaluate"; readonly value: Node }
    | { readonly op: "assign"; readonly local: Local; readonly value?: Node }
    | { readonly op: "store"; readonly map: MapVariable; readonly key?: Node; readonly value: Node }
    /** `@m[k] op= value`: the key is made once, the value before the map is read. */
    | {
      readonly op: "change";
      readonly map: MapVariable;
      readonly key?: Node;
      readonly operator: Arithmetic;
      readonly value: Node;
      readonly signed: boolean;
    }
    | {
      readonly op: "aggregated";
      readonly map: MapVariable;
      readonly key?: Node;
      readonly name: AggregationName;
      readonly value?: Node;
      /** tseries only: the time; default: the system's. */
      readonly clock?: Node;
      /** lhist and tseries take the time or weight from here. */
    }
    | {
      readonly op: "if";
      /** Conditions in the order they are tried, at least one; all but the first are `else if`. */
      readonly arms: readonly Arm[];
      readonly otherwise: readonly Action[];
    }
    | { readonly op: "while"; readonly condition: Node; readonly body: readonly Action[] }
    | {
      readonly op: "range";
      readonly local: Local;
      readonly from: Node;
      readonly to: Node;
      readonly body: readonly Action[];
    }
    | {
      readonly op: "each";
      readonly local: Local;
      readonly map: MapVariable;
      readonly body: readonly Action[];
    }
    | { readonly op: "repeat"; readonly count: number; readonly body: readonly Action[] }
    | { readonly op: "break" | "continue" }
    | { readonly op: "return"; readonly value?: Node }
    /** A record with values; `control` records may use the ring's reserve. */
    | {
      readonly op: "record";
      readonly action: RecordAction;
      readonly values: readonly Node[];
      readonly control: boolean;
    }
    /** print, clear or zero of a whole map: done when the record is read. */
    | {
      readonly op: "whole";
      readonly kind: "print" | "clear" | "zero";
      readonly map: MapVariable;
      readonly top?: number;
      readonly div?: bigint;
    }
    /** print(@m[k]) of an aggregation. */
    | { readonly op: "entry"; readonly map: MapVariable; readonly key: Node }
    | { readonly op: "exit"; readonly code?: Node }
    | { readonly op: "debugf"; readonly format: string; readonly values: readonly Node[] }
  )
  & { readonly span: Span };
