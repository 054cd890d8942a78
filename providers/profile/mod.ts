/**
 * Clock-driven probes. `interval:UNIT:COUNT` ticks on one CPU; UNIT is `hz`, `us`, `ms` or `s`.
 * `interval:N` counts nanoseconds and takes a suffix: `interval:1s`. No arguments.
 *
 * Periods from 1 µs (actions on the kernel plane) or 200 µs (the recorder, the user plane) to
 * 4294967295 s. Kernel plane: a perf event of the CPU clock, needs Linux 4.9, CAP_BPF and
 * CAP_PERFMON. User plane: a timer of this process; ticks that came too late are counted as skipped.
 *
 * @example
 * ```ts
 * import { openDevice } from "../../core/mod.ts";
 * import { interval } from "./mod.ts";
 *
 * const device = openDevice({ providers: [interval()] });
 * using session = device.open({ plane: "user" });
 * session.enable("interval:ms:10");
 * session.start();
 * for await (const event of session) {
 *   console.log(event.probe); // interval:ms:10
 *   session.stop();
 * }
 * ```
 *
 * @module
 */

import type { Provider } from "../../core/provider.ts";
import { IntervalProvider } from "./provider.ts";

/** Makes the provider. */
export function interval(): Provider {
  return new IntervalProvider();
}
