// Pure: no I/O, no FFI.
// Maps as text.

import type { MapType } from "../lang/types.ts";
import { Out } from "./out.ts";
import { printScalar, type ProbeName } from "./record.ts";
import type { Bucket, Datum, Entry, Histogram, MapValue } from "./value.ts";

const LABEL_WIDTH = 16;
const COUNT_WIDTH = 8;
const BAR_WIDTH = 52;

/** How print(@map, top, div) limits and scales. */
export interface PrintLimits {
  /** Only the last so many entries. */
  readonly top?: number;
  /** Divides values. */
  readonly div?: bigint;
}

/** Prints a map: one line an entry, a chart for a histogram. */
export function printMap(
  out: Out,
  map: MapType,
  entries: readonly Entry[],
  limits: PrintLimits,
  probeName: ProbeName,
): void {
  const shown = limits.top === undefined || limits.top === 0 ? entries : entries.slice(-limits.top);
  for (const { keys, value } of shown) {
    out.text(map.name);
    if (keys.length > 0) out.text(`[${keyText(keys, probeName)}]`);
    printMapValue(out, value, limits.div, probeName);
  }
}

/** After the name: `: value`, or a chart below it. */
function printMapValue(
  out: Out,
  value: MapValue,
  div: bigint | undefined,
  probeName: ProbeName,
): void {
  if ("buckets" in value) {
    out.text(":\n");
    printBuckets(out, value);
    out.text("\n");
    return;
  }
  out.text(": ");
  printDatum(out, divided(value, div), probeName);
  out.text("\n");
}

/** The value alone, as print(@map[key]) shows it. */
export function printElement(out: Out, value: MapValue, probeName: ProbeName): void {
  if ("buckets" in value) printBuckets(out, value);
  else printDatum(out, value, probeName);
  out.text("\n");
}

function divided(datum: Datum, div: bigint | undefined): Datum {
  if (div === undefined || div === 0n || typeof datum.value === "string") return datum;
  return { ...datum, value: datum.value / div };
}

/** Keys joined; an enclosing pair of parentheses goes, whoever put it there. */
function keyText(keys: readonly Datum[], probeName: ProbeName): string {
  const text = keys.map((key) => datumText(key, probeName)).join(", ");
  return text.startsWith("(") && text.endsWith(")") ? text.slice(1, -1) : text;
}

function datumText(datum: Datum, probeName: ProbeName): string {
  if (typeof datum.value === "string") return datum.value;
  let text = "";
  const out = new Out((bytes) => text = new TextDecoder().decode(bytes));
  printDatum(out, datum, probeName);
  out.flush();
  return text;
}

function printDatum(out: Out, { type, value }: Datum, probeName: ProbeName): void {
  if (typeof value === "string") return out.text(value);
  const bits = BigInt.asUintN(64, value);
  printScalar(out, type, Number(bits & 0xffff_ffffn), Number(bits >> 32n), probeName);
}

function printBuckets(out: Out, value: Histogram): void {
  const most = value.buckets.reduce((max, { count }) => count > max ? count : max, 1n);
  for (const bucket of value.buckets) {
    const bar = Math.trunc(Number(bucket.count) / Number(most) * BAR_WIDTH);
    out.text(
      `${label(bucket, value.abbreviate).padEnd(LABEL_WIDTH)}` +
        `${String(bucket.count).padStart(COUNT_WIDTH)} |${"@".repeat(bar).padEnd(BAR_WIDTH)}|\n`,
    );
  }
}

function label({ min, max }: Bucket, abbreviate: boolean): string {
  const show = (value: bigint) => abbreviate ? abbreviated(value) : `${value}`;
  if (min === undefined) return `(..., ${show(max! + 1n)})`;
  if (max === undefined) return `[${show(min)}, ...)`;
  if (min === max) return `[${show(min)}]`;
  return `[${show(min)}, ${show(max + 1n)})`;
}

const SUFFIXES = "EPTGMK";

/** 2048 is 2K: the largest power of 1024 that divides it. */
function abbreviated(value: bigint): string {
  const magnitude = value < 0n ? -value : value;
  for (let i = 0; i < SUFFIXES.length; i++) {
    const unit = 1n << BigInt((SUFFIXES.length - i) * 10);
    if (magnitude >= unit && magnitude % unit === 0n) return `${value / unit}${SUFFIXES[i]}`;
  }
  return `${value}`;
}
