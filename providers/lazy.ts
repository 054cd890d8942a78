// The same providers as of ./mod.ts, each loaded when a probe of its name is first wanted.

import { LazyPart } from "../core/lazy_part.ts";
import { type Provider, PROVIDER_CONTRACT } from "../core/contract/provider.ts";
import type { ProviderHelpers } from "./mod.ts";

/** Loads one provider by its name, in listing order. */
const LOADERS: Readonly<Record<string, (helpers: ProviderHelpers) => Promise<Provider>>> = {
  fentry: async () => new (await import("./function/fentry.ts")).FentryProvider("fentry"),
  fexit: async () => new (await import("./function/fentry.ts")).FentryProvider("fexit"),
  hardware: async () => new (await import("./profile/counter.ts")).CounterProvider("hardware"),
  interval: async () => new (await import("./profile/provider.ts")).ClockProvider("interval"),
  iter: async () => new (await import("./iter/provider.ts")).IterProvider(),
  kprobe: async () => new (await import("./function/kprobe.ts")).KprobeProvider("kprobe"),
  kretprobe: async () => new (await import("./function/kprobe.ts")).KprobeProvider("kretprobe"),
  proc: async () => new (await import("./proc-events/provider.ts")).ProcEventsProvider(),
  profile: async () => new (await import("./profile/provider.ts")).ClockProvider("profile"),
  rawtracepoint: async () =>
    new (await import("./static/rawtracepoint.ts")).RawTracepointProvider(),
  software: async () => new (await import("./profile/counter.ts")).CounterProvider("software"),
  static: async () => new (await import("./static/program.ts")).StaticProvider(),
  syscall: async () => new (await import("./syscall/provider.ts")).SyscallProvider(),
  tracepoint: async () => new (await import("./static/tracepoint.ts")).TracepointProvider(),
  uprobe: async ({ demangle }) =>
    new (await import("./function/uprobe.ts")).UprobeProvider("uprobe", demangle),
  uretprobe: async ({ demangle }) =>
    new (await import("./function/uprobe.ts")).UprobeProvider("uretprobe", demangle),
  usdt: async () => new (await import("./function/usdt.ts")).UsdtProvider(),
  watchpoint: async () => new (await import("./watchpoint/provider.ts")).WatchpointProvider(),
};

/** A provider whose modules are loaded when somebody wants a probe of it. */
export interface LazyProvider extends Provider {
  /** Loads the modules before they are wanted; the second call does nothing. */
  load(): Promise<unknown>;
}

/**
 * Makes one provider of each kind that comes with dt. Functions of a provider that is not loaded throw
 * {@linkcode PartMissing}: `withParts()` loads what is missing.
 */
export function lazyProviders(helpers: ProviderHelpers = {}): LazyProvider[] {
  return Object.entries(LOADERS).map(([name, load]) => {
    const part = new LazyPart(() => load(helpers));
    return {
      contract: PROVIDER_CONTRACT,
      name,
      load: () => part.load(),
      probes: (pattern) => part.get().probes(pattern),
      provide: (wanted) => part.get().provide(wanted),
      explain: (wanted) => part.get().explain?.(wanted),
      isFamily: (wanted) => part.get().isFamily?.(wanted) ?? false,
      alloc: (...args) => part.get().alloc(...args),
      dealloc: (pcbs) => part.get().dealloc?.(pcbs),
      attachments: (...args) => part.get().attachments(...args),
    };
  });
}
