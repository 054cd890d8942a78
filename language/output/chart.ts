// Pure: no I/O, no FFI.
// Histograms and time series drawn with characters.

import { type Bucket, type Histogram, type Series, shownPoints } from "./map_values.ts";

const LABEL_WIDTH = 16;
const COUNT_WIDTH = 8;
const BAR_WIDTH = 52;
const SERIES_WIDTH = 53;

/** The rows of a histogram. */
export function histogramText({ buckets, abbreviate, bits }: Histogram): string {
  const most = buckets.reduce((max, { count }) => count > max ? count : max, 1n);
  let text = "";
  for (const bucket of buckets) {
    const bar = Math.trunc(Number(bucket.count) / Number(most) * BAR_WIDTH);
    text += `${label(bucket, abbreviate, bits).padEnd(LABEL_WIDTH)}` +
      `${String(bucket.count).padStart(COUNT_WIDTH)} |${"@".repeat(bar).padEnd(BAR_WIDTH)}|\n`;
  }
  return text;
}

function label({ min, max }: Bucket, abbreviate: boolean, bits = 0n): string {
  const show = (value: bigint) => abbreviate ? abbreviated(value, bits) : `${value}`;
  if (min === undefined) return `(..., ${show(max! + 1n)})`;
  if (max === undefined) return `[${show(min)}, ...)`;
  if (min === max) return `[${show(min)}]`;
  return `[${show(min)}, ${show(max + 1n)})`;
}

const SUFFIXES = "EPTGMK";

/**
 * 2048 is 2K: the largest power of 1024 that divides it. With buckets of 2^bits to a power of two, 2^20 is
 * 1024K if K is the unit that all of them have.
 */
function abbreviated(value: bigint, bits: bigint): string {
  const magnitude = value < 0n ? -value : value;
  for (let i = 0; i < SUFFIXES.length; i++) {
    const unit = 1n << BigInt((SUFFIXES.length - i) * 10);
    if (magnitude >= unit << bits && magnitude % unit === 0n) {
      return `${value / unit}${SUFFIXES[i]}`;
    }
  }
  return `${value}`;
}

/** Digits of a second that tell intervals apart. */
function precision(intervalNs: bigint): { unit: string; digits: number } {
  if (intervalNs >= 1_000_000_000n) return { unit: "", digits: 0 };
  if (intervalNs >= 1_000_000n) return { unit: "ms", digits: 3 };
  if (intervalNs >= 1000n) return { unit: "μs", digits: 6 };
  return { unit: "ns", digits: 9 };
}

/** Bounds of the chart: the least and the greatest value, which are never equal. */
function range(points: Series["points"], signed: boolean): [low: bigint, high: bigint] {
  const values = points.map(({ value }) => value);
  let low = values.reduce((a, b) => a < b ? a : b, values[0] ?? 0n);
  let high = values.reduce((a, b) => a > b ? a : b, values[0] ?? 1n);
  if (low === high) {
    const least = signed ? -(1n << 63n) : 0n;
    const most = signed ? (1n << 63n) - 1n : (1n << 64n) - 1n;
    if (low > least) low--;
    if (high < most) high++;
  }
  return [low, high];
}

/**
 * The chart of a time series: one row an interval, a star where its value lies between the least and
 * the greatest. A row alone has the precision of the clock.
 *
 * @param clock Formats the time at which an interval begins.
 */
export function seriesText(
  series: Series,
  newest: bigint,
  clock: (ns: bigint, format: string) => string,
): string {
  if (newest === 0n) return "<no data>\n";
  const { intervalNs, type } = series;
  const points = shownPoints(series, newest);
  const [low, high] = range(points, type.signed);
  const first = points[0]?.epoch ?? newest;
  const { unit, digits } = precision(first === newest ? 1n : intervalNs);
  const width = digits === 0 ? 8 : 9 + digits;
  const head = `hh:mm:ss${unit === "" ? "" : `.${unit}`}`;
  // Padded by bytes, of which µ has two.
  const padding = " ".repeat(width + 1 - new TextEncoder().encode(head).length);
  const margin = width + 1;
  const column = (value: bigint) =>
    Number(BigInt(SERIES_WIDTH - 1) * (value - low) * 1_000_000n / (high - low) / 1_000_000n);
  const bound = (value: bigint) => points.length === 0 ? "null" : `${value}`;
  const bounds = `${" ".repeat(margin)}${bound(low).padEnd(21)}${bound(high).padStart(32)}\n`;
  const zero = low < 0n && high > 0n ? column(0n) : undefined;
  let text = bounds;
  text += `${head}${padding}|${"_".repeat(SERIES_WIDTH - 2)}|\n`;
  const byEpoch = new Map(points.map(({ epoch, value }) => [epoch, value]));
  for (let epoch = first; epoch <= newest; epoch++) {
    const ns = epoch * intervalNs;
    const fraction = digits === 0 ? "" : `.${clock(ns, "%k").slice(0, digits)}`;
    const value = byEpoch.get(epoch);
    const line = new Array<string>(SERIES_WIDTH).fill(" ");
    line[0] = "|";
    line[SERIES_WIDTH - 1] = "|";
    if (zero !== undefined) line[zero] = ".";
    if (value !== undefined) line[column(value)] = "*";
    text += `${clock(ns, "%H:%M:%S")}${fraction} ${line.join("")} ${value ?? "-"}\n`;
  }
  text += `${" ".repeat(margin)}v${"_".repeat(SERIES_WIDTH - 2)}v\n`;
  return text + bounds;
}
