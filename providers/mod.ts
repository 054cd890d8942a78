/**
 * All providers that come with dt, in listing order.
 * @module
 */

import type { Provider } from "../core/provider.ts";
import { interval, profile } from "./profile/mod.ts";
import { rawtracepoint, tracepoint } from "./static/mod.ts";
import { syscall } from "./syscall/mod.ts";

export { interval, profile, rawtracepoint, syscall, tracepoint };

/** One of each. */
export function allProviders(): Provider[] {
  return [interval(), profile(), rawtracepoint(), syscall(), tracepoint()];
}
