// Pure: no I/O, no FFI.
// Metrics as a request of OTLP/HTTP in JSON: ExportMetricsServiceRequest of opentelemetry-proto, whose 64-bit
// numbers are text in JSON.

import type { HistogramPoint, Label, Metric } from "./metrics.ts";

/** Sums are since the start. */
const CUMULATIVE = 2;

/** Who exports, and since when. */
export interface OtlpSource {
  /** Name of this machine. */
  readonly host: string;
  /** Version of the tool. */
  readonly version: string;
  /** Name of the script. */
  readonly script: string;
  /** Time when the script began, ns since 1970. */
  readonly startNs: bigint;
  /** Time of the values, ns since 1970. */
  readonly timeNs: bigint;
}

/** Makes the body of a request. */
export function otlpRequest(metrics: readonly Metric[], source: OtlpSource): string {
  const { host, version, script, startNs, timeNs } = source;
  const times = { startTimeUnixNano: String(startNs), timeUnixNano: String(timeNs) };
  return JSON.stringify({
    resourceMetrics: [{
      resource: {
        attributes: attributes([
          ["service.name", "btrace"],
          ["host.name", host],
          ["btrace.script", script],
        ]),
      },
      scopeMetrics: [{
        scope: { name: "dt", version },
        metrics: metrics.filter(({ points }) => points.length > 0).map((one) =>
          metricOf(one, times)
        ),
      }],
    }],
  });
}

function metricOf(metric: Metric, times: Record<string, string>): Record<string, unknown> {
  const { name, help: description } = metric;
  const common = { name, description, unit: "1" };
  if (metric.kind === "histogram") {
    const dataPoints = metric.points.map((point) => ({ ...histogramOf(point), ...times }));
    return { ...common, histogram: { aggregationTemporality: CUMULATIVE, dataPoints } };
  }
  const dataPoints = metric.points.map(({ labels, value }) => ({
    ...labelled(labels),
    ...times,
    asInt: String(BigInt.asIntN(64, value)),
  }));
  return metric.kind === "gauge"
    ? { ...common, gauge: { dataPoints } }
    : { ...common, sum: { aggregationTemporality: CUMULATIVE, isMonotonic: true, dataPoints } };
}

/** Bounds are the highest values of buckets, as with `le`; the last bucket has none. */
function histogramOf({ labels, buckets, count }: HistogramPoint): Record<string, unknown> {
  return {
    ...labelled(labels),
    count: String(count),
    bucketCounts: buckets.map((one) => String(one.count)),
    explicitBounds: buckets.filter(({ max }) => max !== undefined).map(({ max }) => Number(max)),
  };
}

/** Attributes of a point; none for a map without keys. */
function labelled(labels: readonly Label[]): Record<string, unknown> {
  return labels.length === 0 ? {} : { attributes: attributes(labels) };
}

function attributes(labels: readonly Label[]): unknown[] {
  return labels.map(([key, value]) => ({ key, value: { stringValue: value.toWellFormed() } }));
}
