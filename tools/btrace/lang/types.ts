// Pure: no I/O, no FFI.
// Types of expressions, variables and maps.

/** An integer, a truth value, a pointer, the name of the probe: one register, 8 bytes in memory. */
export type ScalarType =
  | {
    /** Discriminator. */
    readonly kind: "integer";
    /** Bytes that its C type has; a register always holds it widened to 8. */
    readonly size: 1 | 2 | 4 | 8;
    /** How it is widened, compared, divided, shifted and printed. */
    readonly signed: boolean;
    /** {@linkcode UNKNOWN} only. */
    readonly unknown?: true;
  }
  | {
    /** Discriminator. */
    readonly kind: "bool";
  }
  | {
    /** Discriminator. */
    readonly kind: "pointer";
    /** C type that it points to. */
    readonly to: string;
  }
  | {
    /** Discriminator: the number of a probe, printed as its name. */
    readonly kind: "probe";
  };

/** Text in memory: zero-padded to `size`, always with at least one NUL. */
export interface StringType {
  /** Discriminator. */
  readonly kind: "string";
  /** Bytes in memory, a multiple of 8. */
  readonly size: number;
  /** Bytes that text and NUL may take of them. */
  readonly limit: number;
  /** Longer text was possible: marked when it fills `limit`. */
  readonly truncates: boolean;
}

/** What an expression can be. */
export type ValueType = ScalarType | StringType;

/** Names of the aggregating functions. */
export type AggregationName = "count" | "sum" | "min" | "max" | "avg" | "hist" | "lhist";

/** Value of a map that aggregates. */
export interface AggregationType {
  /** Discriminator. */
  readonly kind: "aggregation";
  /** Function. */
  readonly name: AggregationName;
  /** Of the aggregated number. */
  readonly signed: boolean;
  /** lhist: bounds and step. hist: bits per power of two. */
  readonly params: readonly bigint[];
}

/** What a map holds. */
export interface MapType {
  /** With its `@`. */
  readonly name: string;
  /** Empty for a scalar map. */
  readonly keys: readonly ValueType[];
  /** Values. */
  readonly value: ValueType | AggregationType;
}

/** A signed or unsigned integer type. */
export function integer(size: 1 | 2 | 4 | 8, signed: boolean): ScalarType {
  return { kind: "integer", size, signed };
}

/** int64 */
export const INT64: ScalarType = integer(8, true);
/** uint64 */
export const UINT64: ScalarType = integer(8, false);
/** uint32 */
export const UINT32: ScalarType = integer(4, false);
/** bool */
export const BOOL: ScalarType = { kind: "bool" };
/** The firing probe's name. */
export const PROBE: ScalarType = { kind: "probe" };

/**
 * The type of a map before anything was assigned to it, while types are being found out: it gives way
 * to every other one.
 */
export const UNKNOWN: ScalarType = { kind: "integer", size: 1, signed: true, unknown: true };

/** A string type with room for `bytes`, rounded up to a multiple of 8. */
export function string(bytes: number, truncates = false): StringType {
  return { kind: "string", size: (bytes + 7) & ~7, limit: bytes, truncates };
}

/** Smallest signed type that holds a literal; uint64 above INT64_MAX. */
export function literalType(value: bigint): ScalarType {
  for (const size of [1, 2, 4, 8] as const) {
    if (BigInt.asIntN(size * 8, value) === value) return integer(size, true);
  }
  return UINT64;
}

/** Bytes of a value in memory. */
export function storageSize(type: ValueType): number {
  return type.kind === "string" ? type.size : 8;
}

/** Words of one CPU's share of an aggregation. */
export function aggregationWords(type: AggregationType): number {
  switch (type.name) {
    case "count":
    case "sum":
      return 1;
    case "min":
    case "max":
    case "avg":
      return 2;
    case "hist":
      return HIST_BUCKETS;
    case "lhist":
      return lhistBuckets(type.params);
  }
}

/** hist(): negative, zero, and one per power of two. */
export const HIST_BUCKETS = 66;

/** lhist(): below, the steps, above. */
export function lhistBuckets(params: readonly bigint[]): number {
  const [min, max, step] = params;
  return Number((max - min + step - 1n) / step) + 2;
}

/** True if one register holds it. */
export function isScalar(type: ValueType | AggregationType): type is ScalarType {
  return type.kind !== "string" && type.kind !== "aggregation";
}

/** True if arithmetic makes sense. */
export function isNumeric(type: ValueType | AggregationType): boolean {
  return type.kind === "integer" || type.kind === "bool" || type.kind === "pointer";
}

/** As C would, but never narrower than 64 bits: signed if an operand is. */
export function arithmeticType(left: ValueType, right: ValueType): ScalarType {
  return isSigned(left) || isSigned(right) ? INT64 : UINT64;
}

/** Only integers can be signed. */
export function isSigned(type: ValueType): boolean {
  return type.kind === "integer" && type.signed;
}

/** The type that holds both, or undefined if nothing does. */
export function widen(a: ValueType, b: ValueType): ValueType | undefined {
  if (a === UNKNOWN) return b;
  if (b === UNKNOWN) return a;
  if (a.kind === "string" && b.kind === "string") {
    return string(Math.max(a.limit, b.limit), a.truncates || b.truncates);
  }
  if (a.kind === "integer" && b.kind === "integer") {
    if (a.signed === b.signed) return a.size >= b.size ? a : b;
    const [signed, unsigned] = a.signed ? [a, b] : [b, a];
    if (signed.size > unsigned.size) return signed;
    return unsigned.size < 8 ? integer(unsigned.size * 2 as 2 | 4 | 8, true) : INT64;
  }
  if (a.kind === "bool" && b.kind === "integer") return b;
  if (a.kind === "integer" && b.kind === "bool") return a;
  if (a.kind === "pointer" && b.kind === "pointer") return a.to === b.to ? a : UINT64;
  if (a.kind === "pointer" && b.kind === "integer") return UINT64;
  if (a.kind === "integer" && b.kind === "pointer") return UINT64;
  return a.kind === b.kind ? a : undefined;
}

/** The type's name in messages. */
export function typeName(type: ValueType | AggregationType): string {
  switch (type.kind) {
    case "integer":
      return `${type.signed ? "" : "u"}int${type.size * 8}`;
    case "string":
      return `string[${type.limit}]`;
    case "pointer":
      return `${type.to} *`;
    case "aggregation":
      return `${type.name}_t`;
    default:
      return type.kind;
  }
}
