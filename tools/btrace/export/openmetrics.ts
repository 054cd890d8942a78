// Pure: no I/O, no FFI.
// Metrics as text of OpenMetrics 1.0, which Prometheus scrapes.

import type { HistogramPoint, Label, Metric } from "./metrics.ts";

/** Content type of the text. */
export const OPENMETRICS_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/** Writes metrics as text, with the mark of the end. */
export function openMetrics(metrics: readonly Metric[]): string {
  let text = "";
  for (const metric of metrics) {
    const { name, kind, help, points } = metric;
    if (points.length === 0) continue;
    text += `# TYPE ${name} ${kind}\n# HELP ${name} ${escaped(help)}\n`;
    if (metric.kind === "histogram") {
      for (const point of metric.points) text += histogramText(name, point);
      continue;
    }
    const suffix = kind === "counter" ? "_total" : "";
    for (const { labels, value } of metric.points) {
      text += `${name}${suffix}${labelsText(labels)} ${value}\n`;
    }
  }
  return `${text}# EOF\n`;
}

/** Counts of buckets add up from the lowest; there is no sum, which the kernel does not keep. */
function histogramText(name: string, { labels, buckets }: HistogramPoint): string {
  let text = "";
  let sum = 0n;
  for (const { max, count } of buckets) {
    sum += count;
    const bound = max === undefined ? "+Inf" : `${max}.0`;
    text += `${name}_bucket${labelsText([...labels, ["le", bound]])} ${sum}\n`;
  }
  return text;
}

function labelsText(labels: readonly Label[]): string {
  if (labels.length === 0) return "";
  return `{${labels.map(([name, value]) => `${name}="${escaped(value)}"`).join(",")}}`;
}

/** Names of traced processes may hold anything: quotes and lines end nothing, controls are replaced. */
function escaped(text: string): string {
  return text.toWellFormed().replace(/[\\"\n]/g, (char) => char === "\n" ? "\\n" : `\\${char}`)
    // deno-lint-ignore no-control-regex
    .replace(/[\x00-\x1f\x7f]/g, "\ufffd");
}
