// Sends a profile to a server that keeps profiles: Pyroscope's /ingest, Parca's /profiles/writeraw; any other
// server gets the bytes of pprof alone.

import { UsageError } from "../cli/command_line.ts";
import type { Profile } from "./profile.ts";

/** How long a server may take to answer, in milliseconds. */
const ANSWER_MS = 30_000;

/** The request that a server takes. */
export interface PushRequest {
  /** Address with its parameters. */
  readonly url: string;
  /** Header of the type; undefined where fetch() sets the header. */
  readonly type?: string;
  /** Body of the request. */
  readonly body: BodyInit;
}

/** Name of the application under which a server files a profile. */
function nameOf({ subject }: Profile): string {
  const words = subject.split(/\s+/)[0].split("/").at(-1) ?? "";
  return words.replace(/[^\w.-]/g, "_") || "profile";
}

/**
 * Reads the value of --export.
 *
 * @returns Address of the server.
 * @throws {UsageError} The value is not `pprof=http://…`.
 */
export function parsePushTarget(text: string): string {
  const url = /^pprof=(https?:\/\/.+)$/.exec(text)?.[1];
  if (url !== undefined && URL.canParse(url)) return url;
  throw new UsageError(`--export wants pprof=http://HOST:PORT/PATH: ${text}`);
}

/** Makes the request for a server, by the path of its address. */
export function pushRequest(
  target: string,
  profile: Profile,
  bytes: Uint8Array<ArrayBuffer>,
): PushRequest {
  const url = new URL(target);
  const name = nameOf(profile);
  const { startMs, durationMs } = profile;
  if (url.pathname.endsWith("/ingest")) {
    const defaults = {
      name,
      from: String(Math.floor(startMs / 1000)),
      until: String(Math.ceil((startMs + durationMs) / 1000)),
      format: "pprof",
      spyName: "dt",
    };
    for (const [key, value] of Object.entries(defaults)) {
      if (!url.searchParams.has(key)) url.searchParams.set(key, value);
    }
    const form = new FormData();
    form.set("profile", new Blob([bytes]), "profile.pb.gz");
    return { url: url.href, body: form };
  }
  if (/\/profiles\/writeraw$/i.test(url.pathname)) {
    const labels = { __name__: profile.what === "off-CPU" ? "offcpu" : "process_cpu", job: name };
    const body = JSON.stringify({
      series: [{
        labels: { labels: Object.entries(labels).map(([name, value]) => ({ name, value })) },
        samples: [{ rawProfile: bytes.toBase64() }],
      }],
    });
    return { url: url.href, type: "application/json", body };
  }
  return { url: url.href, type: "application/octet-stream", body: bytes };
}

/**
 * Sends a profile to the server of --export.
 *
 * @throws {UsageError} The server cannot be reached, or refuses the profile.
 */
export async function push(
  target: string,
  profile: Profile,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const { url, type, body } = pushRequest(target, profile, bytes);
  let response: Response;
  let answer: string;
  try {
    response = await fetch(url, {
      method: "POST",
      body,
      headers: type === undefined ? {} : { "content-type": type },
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    answer = await response.text();
  } catch (error) {
    throw new UsageError(`Cannot send the profile to ${target}: ${(error as Error).message}`);
  }
  if (!response.ok) {
    throw new UsageError(
      `Cannot send the profile to ${target}: answered ${response.status} ${answer.slice(0, 200)}`,
    );
  }
}
