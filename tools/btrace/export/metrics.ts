// Pure: no I/O, no FFI.
// The maps of a script as metrics, the same for all ways of exporting them. A map's keys are labels. A map has
// a bounded number of series: keys beyond it are added up in one whose labels are all `other`.

import type { Bucket, Histogram, MapValue } from "../../../language/output/map_values.ts";
import type { LiveMap, LiveScript } from "../../../language/output/runner.ts";

/** A label of a series. */
export type Label = readonly [name: string, value: string];

/** A number with its labels. */
export interface NumberPoint {
  /** Labels of the series. */
  readonly labels: readonly Label[];
  /** Value at the time of reading. */
  readonly value: bigint;
}

/** Buckets with the labels of their series. */
export interface HistogramPoint {
  /** Labels of the series. */
  readonly labels: readonly Label[];
  /** Highest value of each bucket, ascending, and how many values are in the bucket; undefined is infinity. */
  readonly buckets: readonly { readonly max?: bigint; readonly count: bigint }[];
  /** Values in all buckets. */
  readonly count: bigint;
}

/** A metric with all its series. */
export type Metric =
  & {
    /** Name without a suffix: "btrace_bytes". */
    readonly name: string;
    /** What the metric is, in a line. */
    readonly help: string;
  }
  & (
    | { readonly kind: "counter" | "gauge"; readonly points: readonly NumberPoint[] }
    | { readonly kind: "histogram"; readonly points: readonly HistogramPoint[] }
  );

/** Label value of the series that takes what has no series of its own. */
export const OTHER = "other";

/** Turns the maps of a running script into metrics, again and again. */
export class MetricsReader {
  readonly #live: LiveScript;
  readonly #labels: ReadonlyMap<string, readonly string[]>;
  readonly #mostSeries: number;
  /** Series that have a place, by map: who has one keeps it, so that no counter ever goes back. */
  readonly #places = new Map<string, Set<string>>();
  /** Maps whose values are no numbers, which was told. */
  readonly #skipped = new Set<string>();
  readonly #skip: (map: string) => void;

  /**
   * @param labels Names of the keys of each map.
   * @param mostSeries Series that a map has at most, beside the one of all others.
   * @param skip Told once of each map whose values are no numbers.
   */
  constructor(
    live: LiveScript,
    labels: ReadonlyMap<string, readonly string[]>,
    { mostSeries, skip }: { readonly mostSeries: number; readonly skip: (map: string) => void },
  ) {
    this.#live = live;
    this.#labels = labels;
    this.#mostSeries = mostSeries;
    this.#skip = skip;
  }

  /** All metrics as they are now. */
  read(): Metric[] {
    const metrics: Metric[] = [];
    const others: NumberPoint[] = [];
    for (const map of this.#live.maps()) {
      const { series, gathered } = this.#series(map);
      if (gathered > 0) others.push({ labels: [["map", map.type.name]], value: BigInt(gathered) });
      metrics.push(...this.#metricsOf(map, series));
    }
    metrics.push({
      name: "btrace_gathered_keys",
      kind: "gauge",
      help:
        `Keys without a series of their own: the series with the label "${OTHER}" has their sum`,
      points: others,
    }, {
      name: "btrace_lost_events",
      kind: "counter",
      help: "Events that are missing in the maps and in the output, by cause",
      points: this.#live.losses().map(([cause, value]) => ({ labels: [["cause", cause]], value })),
    });
    return metrics;
  }

  /** Entries by their labels; those without a place together. */
  #series(map: LiveMap): { series: Series[]; gathered: number } {
    const { type, entries } = map;
    const names = this.#labels.get(type.name) ?? [];
    const all = entries.map(({ key, value }): Series => {
      const labels = this.#live.keyTexts(type, key).map((text, i): Label => [
        names[i] ?? `key${i + 1}`,
        text,
      ]);
      return { labels, values: [value] };
    });
    let places = this.#places.get(type.name);
    if (places === undefined) this.#places.set(type.name, places = new Set());
    const present = new Set(all.map(({ labels }) => idOf(labels)));
    for (const id of places) if (!present.has(id)) places.delete(id);
    // The largest are last: they get places first.
    for (const { labels } of all.toReversed()) {
      if (places.size >= this.#mostSeries) break;
      places.add(idOf(labels));
    }
    const own: Series[] = [];
    const rest: Series[] = [];
    for (const one of all) {
      (places.has(idOf(one.labels)) ? own : rest).push(one);
    }
    if (rest.length === 0) return { series: merged(own), gathered: 0 };
    const labels = rest[0].labels.map(([name]): Label => [name, OTHER]);
    const values = rest.flatMap((one) => one.values);
    return { series: merged([...own, { labels, values }]), gathered: rest.length };
  }

  #metricsOf({ type }: LiveMap, series: readonly Series[]): Metric[] {
    const short = type.name.slice(1).replace(/\W/g, "_");
    const name = short === "" ? "btrace_map" : `btrace_${short}`;
    const { value } = type;
    const what = value.kind === "aggregation" ? `${value.name}()` : "value";
    const help = `${what} of the map ${type.name}`;
    const numbers = (
      kind: "counter" | "gauge",
      suffix: string,
      read: (values: readonly MapValue[]) => bigint,
    ): Metric => ({
      name: `${name}${suffix}`,
      kind,
      help,
      points: series.map(({ labels, values }) => ({ labels, value: read(values) })),
    });
    if (value.kind !== "aggregation") {
      if (value.kind === "integer" || value.kind === "bool") {
        return [numbers("gauge", "", (values) => total(values.map((one) => this.#integer(one))))];
      }
      if (!this.#skipped.has(type.name)) this.#skip(type.name);
      this.#skipped.add(type.name);
      return [];
    }
    switch (value.name) {
      case "count":
        return [numbers("counter", "", (values) => total(values.map(numberOf)))];
      case "sum":
        return [
          numbers(value.signed ? "gauge" : "counter", "", (values) => total(values.map(numberOf))),
        ];
      case "min":
        return [numbers("gauge", "", (values) => extreme(values, (a, b) => a < b))];
      case "max":
        return [numbers("gauge", "", (values) => extreme(values, (a, b) => a > b))];
      case "hist":
      case "lhist":
        return [{ name, kind: "histogram", help, points: series.map(histogramPoint) }];
      case "stats":
        return [
          numbers("counter", "_count", (values) => total(values.map(statsOf("count")))),
          numbers(
            value.signed ? "gauge" : "counter",
            "_sum",
            (values) => total(values.map(statsOf("total"))),
          ),
        ];
      default:
        // Averages of several keys and series of intervals have no one number.
        return [{
          name,
          kind: "gauge",
          help,
          points: series.filter(({ values }) => values.length === 1)
            .map(({ labels, values }) => ({ labels, value: numberOf(values[0]) })),
        }];
    }
  }

  #integer(value: MapValue): bigint {
    if (value.kind !== "value" || value.type === undefined) return 0n;
    const { type, memory } = value;
    if (type.kind !== "integer") return memory.u64(0);
    return memory.integer(0, type.size, type.signed);
  }
}

/** Values of the keys of one series. */
interface Series {
  readonly labels: readonly Label[];
  readonly values: readonly MapValue[];
}

function idOf(labels: readonly Label[]): string {
  return JSON.stringify(labels.map(([, value]) => value));
}

/** Series of which each set of labels stands once: keys may differ and read the same. */
function merged(all: readonly Series[]): Series[] {
  const found = new Map<string, Series>();
  for (const one of all) {
    const id = idOf(one.labels);
    const known = found.get(id);
    found.set(id, known ? { ...known, values: [...known.values, ...one.values] } : one);
  }
  return [...found.values()];
}

function total(values: readonly bigint[]): bigint {
  return values.reduce((sum, value) => sum + value, 0n);
}

function numberOf(value: MapValue): bigint {
  switch (value.kind) {
    case "number":
    case "average":
      return value.value;
    case "series":
      return value.points.at(-1)?.value ?? 0n;
    default:
      return 0n;
  }
}

function statsOf(part: "count" | "total"): (value: MapValue) => bigint {
  return (value) => value.kind === "stats" ? value[part] : 0n;
}

function extreme(values: readonly MapValue[], isMore: (a: bigint, b: bigint) => boolean): bigint {
  return values.map(numberOf).reduce((best, one) => isMore(one, best) ? one : best);
}

/** Buckets of all keys of a series added up; bounds are exact, because values are integers. */
function histogramPoint({ labels, values }: Series): HistogramPoint {
  const sums = new Map<string, { max?: bigint; count: bigint }>();
  for (const value of values) {
    for (const { max, count } of (value as Histogram).buckets ?? []) {
      const id = max === undefined ? "" : String(max);
      const known = sums.get(id);
      if (known === undefined) sums.set(id, { max, count });
      else known.count += count;
    }
  }
  const buckets = [...sums.values()].sort(byBound);
  if (buckets.at(-1)?.max !== undefined || buckets.length === 0) buckets.push({ count: 0n });
  return { labels, buckets, count: total(buckets.map(({ count }) => count)) };
}

function byBound(a: Pick<Bucket, "max">, b: Pick<Bucket, "max">): number {
  if (a.max === undefined || b.max === undefined) {
    return a.max === b.max ? 0 : a.max === undefined ? 1 : -1;
  }
  return a.max < b.max ? -1 : 1;
}
