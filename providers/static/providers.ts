// The providers of this folder, without what programs declare tracepoints with: a tool needs no more.

import type { Provider } from "../../core/contract/provider.ts";
import { StaticProvider } from "./program.ts";
import { RawTracepointProvider } from "./rawtracepoint.ts";
import { TracepointProvider } from "./tracepoint.ts";

/** Makes the provider of `tracepoint:`. */
export function tracepoint(): Provider {
  return new TracepointProvider();
}

/** Makes the provider of `rawtracepoint:`. */
export function rawtracepoint(): Provider {
  return new RawTracepointProvider();
}

/** Makes the provider of `static:`. */
export function staticPoints(): Provider {
  return new StaticProvider();
}
