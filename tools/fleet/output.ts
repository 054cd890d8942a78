// Pure: no I/O, no FFI.
// The result of a job as text and as JSON: merged maps, and what every host has to do with them.

import { safeText } from "../../core/safe_text.ts";
import { histogramText } from "../../language/output/chart.ts";
import { histogramOf } from "../../language/output/map_values.ts";
import type { Value } from "../../language/output/values.ts";
import type { HostReport } from "./job.ts";
import type { MergedMap, MergedRow } from "./merge.ts";
import { textOfKey } from "./snapshot.ts";
import { integerToJson, type Json, valueToJson } from "./wire.ts";

/** A number by which rows are sorted, the greatest last, as btrace prints maps. */
function rank({ part }: MergedRow): bigint {
  switch (part.kind) {
    case "sum":
      return part.total;
    case "mean":
      return part.count === 0n ? 0n : part.total / part.count;
    case "extreme":
      return part.value ?? 0n;
    case "histogram":
      return part.counts.values().reduce((a, b) => a + b, 0n);
    default:
      return 0n;
  }
}

/** Rows in the order of printing: by group, then by value, then by key. */
export function sorted(rows: readonly MergedRow[]): MergedRow[] {
  const marked = rows.map((row) => ({ row, rank: rank(row), key: textOfKey(row.key) }));
  marked.sort((a, b) =>
    compare(a.row.group, b.row.group) || compare(a.rank, b.rank) || compare(a.key, b.key)
  );
  return marked.map(({ row }) => row);
}

function compare<T extends string | bigint>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A merged map as text, as btrace prints maps; `top` limits it to the last rows of each group. */
export function mapText(map: MergedMap, top = Infinity): string {
  const rows = sorted(map.rows);
  const shown = [...Map.groupBy(rows, ({ group }) => group).values()]
    .flatMap((group) => group.slice(-Math.min(top, group.length)));
  return shown.flatMap((row) => {
    const head = `${row.group === "" ? "" : `${safeText(row.group)} `}@${map.name}${keyText(row)}`;
    const { part } = row;
    if (part.kind === "hosts") {
      return [...part.values].map(([host, value]) =>
        `${head} on ${safeText(host)}: ${valueText(value)}\n`
      );
    }
    return [`${head}:${part.kind === "histogram" ? "\n" : " "}${partText(map, part)}\n`];
  }).join("");
}

function keyText({ key }: MergedRow): string {
  return key.length === 0 ? "" : `[${key.map(valueText).join(", ")}]`;
}

function valueText(value: Value): string {
  if (typeof value === "string") return safeText(value);
  if (value instanceof Uint8Array) return value.toHex();
  if (Array.isArray(value)) return `(${value.map(valueText).join(", ")})`;
  if (typeof value !== "object" || value === null) return `${value}`;
  const { stack } = value as { stack?: Value };
  if (Array.isArray(stack)) return `\n${stack.map((one) => `    ${valueText(one)}\n`).join("")}`;
  const members = Object.entries(value).map(([name, one]) =>
    `.${safeText(name)} = ${valueText(one as Value)}`
  );
  return `{ ${members.join(", ")} }`;
}

function partText({ rule }: MergedMap, part: MergedRow["part"]): string {
  switch (part.kind) {
    case "sum":
      return `${part.total}`;
    case "extreme":
      return `${part.value ?? 0n}`;
    case "mean": {
      const average = part.count === 0n ? 0n : part.total / part.count;
      if (rule!.name === "avg") return `${average}`;
      return `{ .count = ${part.count}, .average = ${average}, .total = ${part.total} }`;
    }
    case "histogram":
      return histogramText(histogramOf(rule!, part.counts)).replace(/\n$/, "");
    default:
      return "";
  }
}

/** A merged map as JSON: values as numbers, histograms as their buckets. */
export function mapJson(map: MergedMap): Json {
  return {
    type: "map",
    name: `@${map.name}`,
    aggregation: map.rule?.name ?? null,
    rows: sorted(map.rows).map((row): Json => ({
      ...(row.group !== "" && { group: row.group }),
      key: row.key.map(plainJson),
      value: partJson(map, row.part),
    })),
    ...(map.refused.length > 0 && { refused: map.refused }),
  };
}

/** A value as a reader of JSON expects it; integers beyond 2^53 are texts. */
function plainJson(value: Value): Json {
  if (typeof value === "bigint") return integerToJson(value);
  if (value instanceof Uint8Array) return value.toHex();
  if (Array.isArray(value)) return value.map(plainJson);
  if (typeof value !== "object" || value === null) return valueToJson(value);
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, plainJson(one as Value)]),
  );
}

function partJson({ rule }: MergedMap, part: MergedRow["part"]): Json {
  switch (part.kind) {
    case "sum":
      return integerToJson(part.total);
    case "extreme":
      return part.value === undefined ? null : integerToJson(part.value);
    case "mean":
      return {
        count: integerToJson(part.count),
        average: integerToJson(part.count === 0n ? 0n : part.total / part.count),
        total: integerToJson(part.total),
      };
    case "histogram":
      return histogramOf(rule!, part.counts).buckets.map(({ min, max, count }): Json => ({
        ...(min !== undefined && { min: integerToJson(min) }),
        ...(max !== undefined && { max: integerToJson(max) }),
        count: integerToJson(count),
      }));
    case "hosts":
      return Object.fromEntries(
        part.values.entries().map(([host, value]) => [host, plainJson(value)]),
      );
    case "value":
      return plainJson(part.value);
  }
}

/** Who has answered, and what is missing: a line of totals, and a line for each host that is not whole. */
export function hostsText(hosts: readonly HostReport[], unreadable: number): string {
  const phases = Map.groupBy(hosts, ({ phase }) => phase);
  const totals = [...phases].map(([phase, list]) => `${list.length} ${phase}`).join(", ");
  const lines = hosts.flatMap(({ host, phase, reason, lost, missing }) => {
    const remarks: string[] = [];
    if (phase === "compiling" || phase === "running") {
      remarks.push(`${phase}, and has not told of its end`);
    } else if (phase !== "ended") remarks.push(reason === "" ? phase : `${phase}: ${reason}`);
    else if (!EXPECTED_ENDS.has(reason)) remarks.push(`ended: ${reason}`);
    for (const [cause, count] of Object.entries(lost)) remarks.push(`lost: ${count} ${cause}`);
    if (missing.length > 0) remarks.push(`missing: @${missing.join(", @")}`);
    return remarks.map((one) => `  ${safeText(host)}: ${one}\n`);
  });
  if (unreadable > 0) lines.push(`  ${unreadable} messages could not be read\n`);
  return `${hosts.length} host${hosts.length === 1 ? "" : "s"}: ${totals || "none"}\n${
    lines.join("")
  }`;
}

/** Ends that say nothing. */
const EXPECTED_ENDS = new Set(["its time is over", "stopped", "exit()"]);
