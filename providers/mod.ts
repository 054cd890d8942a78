/**
 * All providers that come with dt, in listing order.
 * @module
 */

import type { Provider } from "../core/contract/provider.ts";
import { fentry, fexit, kprobe, kretprobe, uprobe, uretprobe, usdt } from "./function/mod.ts";
import { iter } from "./iter/mod.ts";
import { procEvents } from "./proc-events/mod.ts";
import { hardware, interval, profile, software } from "./profile/mod.ts";
import { rawtracepoint, staticPoints, tracepoint } from "./static/providers.ts";
import { syscall } from "./syscall/mod.ts";
import { watchpoint } from "./watchpoint/mod.ts";

export {
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

/** Makes one provider of each kind that comes with dt. */
export function allProviders(): Provider[] {
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
    uprobe(),
    uretprobe(),
    usdt(),
    watchpoint(),
  ];
}
