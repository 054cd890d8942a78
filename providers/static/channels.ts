// Channels of node:diagnostics_channel as tracepoints: libraries publish what they do there already.

import { tracepoints } from "./declare.ts";
import { points } from "./shared_points.ts";

/** Longest text of a message; a probe's string has room for it. */
const MOST_TEXT = 4000;
/** How deep and how wide a message is shown. */
const MOST_DEPTH = 2;
const MOST_FIELDS = 16;

/**
 * Publishes channels as tracepoints `static:NAMESPACE:CHANNEL`, where what is no letter or digit in a
 * channel's name is `_`. Their argument is the message as JSON: its own plain fields, two levels deep,
 * and made only while somebody looks.
 *
 * @param channels Names: "undici:request:create", "http.client.request.start".
 * @param namespace Default "diagnostics".
 * @returns Ends it when it is disposed.
 * @throws {DtError} EINVAL a name that cannot be one of a tracepoint.
 *
 * @example
 * ```ts
 * import { publishChannels } from "./mod.ts";
 *
 * using _published = await publishChannels(["undici:request:create"]);
 * // btrace -p PID -e 'static:diagnostics:undici_request_create { print(str(arg0)); }'
 * ```
 *
 * @see {@link https://nodejs.org/api/diagnostics_channel.html}
 */
export async function publishChannels(
  channels: readonly string[],
  namespace = "diagnostics",
): Promise<Disposable> {
  // Loading it takes 20 ms, which only who wants it pays.
  const { subscribe, unsubscribe } = await import("node:diagnostics_channel");
  const nameOf = (channel: string) => channel.replace(/[^A-Za-z0-9]/g, "_");
  const declared = tracepoints(
    namespace,
    Object.fromEntries(channels.map((channel) => [nameOf(channel), ["string"] as const])),
  );
  const stack = new DisposableStack();
  for (const channel of channels) {
    const name = nameOf(channel);
    const { words, index } = points().get(`${namespace}:${name}`)!;
    const listener = (message: unknown) => {
      if (words[index] !== 0) declared[name](describe(message));
    };
    subscribe(channel, listener);
    stack.defer(() => void unsubscribe(channel, listener));
  }
  return stack;
}

/** A message as JSON; whatever its getters do, the publisher must not notice. */
function describe(message: unknown): string {
  try {
    return JSON.stringify(plain(message, 0))?.slice(0, MOST_TEXT) ?? "";
  } catch {
    return "";
  }
}

function plain(value: unknown, depth: number): unknown {
  switch (typeof value) {
    case "bigint":
      return `${value}`;
    case "function":
    case "symbol":
    case "undefined":
      return undefined;
    case "object":
      break;
    default:
      return value;
  }
  if (value === null) return null;
  if (value instanceof Error) return `${value}`;
  if (value instanceof URL || value instanceof Date) return value.toString();
  if (depth === MOST_DEPTH || ArrayBuffer.isView(value)) return undefined;
  if (Array.isArray(value)) {
    return value.slice(0, MOST_FIELDS).map((one) => plain(one, depth + 1) ?? null);
  }
  return Object.fromEntries(
    Object.entries(value).slice(0, MOST_FIELDS).map(([name, one]) => [name, plain(one, depth + 1)]),
  );
}
