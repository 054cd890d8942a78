/**
 * All providers that come with dt, in listing order.
 * @module
 */

import type { Provider } from "../core/contract/provider.ts";
import {
  type Demangle,
  fentry,
  fexit,
  kprobe,
  kretprobe,
  uprobe,
  uretprobe,
  usdt,
} from "./function/mod.ts";
import { iter } from "./iter/mod.ts";
import { procEvents } from "./proc-events/mod.ts";
import { hardware, interval, profile, software } from "./profile/mod.ts";
import { rawtracepoint, staticPoints, tracepoint } from "./static/providers.ts";
import { syscall } from "./syscall/mod.ts";
import { watchpoint } from "./watchpoint/mod.ts";

export {
  type Demangle,
  fentry,
  fexit,
  hardware,
  interval,
  iter,
  kprobe,
  kretprobe,
  procEvents,
  profile,
  rawtracepoint,
  software,
  staticPoints,
  syscall,
  tracepoint,
  uprobe,
  uretprobe,
  usdt,
  watchpoint,
};

/** What providers take from other packages. */
export interface ProviderHelpers {
  /** Makes names of C++ readable, for probes of functions by such names. */
  readonly demangle?: Demangle;
}

/** Makes one provider of each kind that comes with dt. */
export function allProviders({ demangle }: ProviderHelpers = {}): Provider[] {
  return [
    fentry(),
    fexit(),
    hardware(),
    interval(),
    iter(),
    kprobe(),
    kretprobe(),
    procEvents(),
    profile(),
    rawtracepoint(),
    software(),
    staticPoints(),
    syscall(),
    tracepoint(),
    uprobe(demangle),
    uretprobe(demangle),
    usdt(),
    watchpoint(),
  ];
}
