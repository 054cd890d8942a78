// Exports the maps of a running script: to whoever scrapes (Prometheus), or to a collector (OTLP).

import denoJson from "../../../deno.json" with { type: "json" };
import { DtError } from "../../../core/errors.ts";
import { wallTimeNs } from "../../../core/sys/clock.ts";
import type { Script } from "../../../language/compile.ts";
import type { LiveScript, Observer } from "../../../language/output/runner.ts";
import { tell } from "../../cli/terminal.ts";
import { labelNames } from "./labels.ts";
import { MetricsReader } from "./metrics.ts";
import { openMetrics, OPENMETRICS_TYPE } from "./openmetrics.ts";
import { otlpRequest } from "./otlp.ts";
import { type ExportTarget, parseExportTarget } from "./target.ts";

export { parseExportTarget };

/** How long a collector may take to answer, in milliseconds. */
const ANSWER_MS = 10_000;

/** What is exported, and how. */
export interface ExportOptions {
  /** Where the metrics go. */
  readonly target: ExportTarget;
  /** Series of a map, beside the one of all others. */
  readonly mostSeries: number;
  /** Seconds between two requests to a collector. */
  readonly intervalS: number;
}

/**
 * Begins to export the maps of a script.
 *
 * @throws {DtError} EADDRINUSE, EACCES and the like: the port cannot be listened to.
 */
export function openExporter(live: LiveScript, script: Script, options: ExportOptions): Observer {
  const reader = new MetricsReader(live, labelNames(script.parsed), {
    mostSeries: options.mostSeries,
    skip: (map) => tell(`WARNING: ${map} is not exported: its values are no numbers\n`),
  });
  const { target } = options;
  return target.kind === "prometheus"
    ? serve(reader, target)
    : push(reader, script, { url: target.url, intervalS: options.intervalS });
}

function serve(reader: MetricsReader, target: ExportTarget & { kind: "prometheus" }): Observer {
  const { hostname, port } = target;
  let server: Deno.HttpServer;
  try {
    server = Deno.serve({ hostname, port, onListen() {}, onError: failed }, (request) => {
      const { pathname } = new URL(request.url);
      if (pathname !== "/metrics") return new Response("see /metrics\n", { status: 404 });
      if (request.method !== "GET" && request.method !== "HEAD") {
        return new Response("GET alone\n", { status: 405 });
      }
      return new Response(openMetrics(reader.read()), {
        headers: { "content-type": OPENMETRICS_TYPE },
      });
    });
  } catch (error) {
    const { code = "EINVAL", message } = error as Error & { code?: string };
    throw new DtError(
      code,
      `Cannot listen at ${hostname}:${port}: ${message.replace(/ \(os.*/, "")}`,
      {
        operation: "listen",
      },
    );
  }
  return {
    end() {},
    [Symbol.dispose]() {
      server.shutdown().catch(() => {});
    },
  };
}

function failed(error: unknown): Response {
  return new Response(`${(error as Error).message}\n`, { status: 500 });
}

function push(
  reader: MetricsReader,
  script: Script,
  { url, intervalS }: { readonly url: string; readonly intervalS: number },
): Observer {
  const startNs = wallTimeNs();
  let told = "";
  const send = async () => {
    const body = otlpRequest(reader.read(), {
      host: Deno.hostname(),
      version: denoJson.version,
      script: script.source.name,
      startNs,
      timeNs: wallTimeNs(),
    });
    const problem = await post(url, body);
    // The same problem is told once, until an attempt succeeds.
    if (problem !== "" && problem !== told) tell(`WARNING: ${url}: ${problem}\n`);
    told = problem;
  };
  let sending = Promise.resolve();
  const next = () => sending = sending.then(send);
  const timer = setInterval(next, intervalS * 1000);
  Deno.unrefTimer(timer);
  return {
    end() {
      clearInterval(timer);
      return next();
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

/** Sends metrics to a collector; returns why that failed, or an empty text. */
async function post(url: string, body: string): Promise<string> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    const answer = await response.text();
    return response.ok ? "" : `answered ${response.status} ${answer.slice(0, 200)}`;
  } catch (error) {
    return (error as Error).message.replace(/^error sending request.*?: /, "");
  }
}
