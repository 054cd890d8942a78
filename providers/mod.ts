/**
 * All providers that come with dt, in listing order.
 * @module
 */

import type { Provider } from "../core/provider.ts";
import { interval } from "./profile/mod.ts";
import { tracepoint } from "./static/mod.ts";
import { syscall } from "./syscall/mod.ts";

export { interval, syscall, tracepoint };

/** One of each. */
export function allProviders(): Provider[] {
  return [interval(), syscall(), tracepoint()];
}
