// Where --export sends metrics to.

import { UsageError } from "../../cli/command_line.ts";

/** Where metrics go: a port that is scraped, or a collector. */
export type ExportTarget =
  | { readonly kind: "prometheus"; readonly hostname: string; readonly port: number }
  | { readonly kind: "otlp"; readonly url: string };

/**
 * Reads the value of --export: `prometheus=:9464`, `prometheus=127.0.0.1:9464`, `otlp=http://host:4318`.
 *
 * @throws {UsageError} The value names no place.
 */
export function parseExportTarget(text: string): ExportTarget {
  const prometheus = /^prometheus=(?:\[([0-9a-fA-F:]+)\]|([\w.-]*)):(\d+)$/.exec(text);
  if (prometheus !== null && Number(prometheus[3]) < 65536) {
    const [, v6, name, port] = prometheus;
    return { kind: "prometheus", hostname: v6 ?? (name || "0.0.0.0"), port: Number(port) };
  }
  const url = /^otlp=(https?:\/\/.+)$/.exec(text)?.[1];
  if (url !== undefined && URL.canParse(url)) {
    const parsed = new URL(url);
    if (parsed.pathname === "/") parsed.pathname = "/v1/metrics";
    return { kind: "otlp", url: parsed.href };
  }
  throw new UsageError(
    `--export wants prometheus=[HOST]:PORT or otlp=http://HOST:PORT[/PATH]: ${text}`,
  );
}
