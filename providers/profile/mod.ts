/**
 * Clock-driven probes. `interval:UNIT:COUNT` ticks on one CPU, `profile:UNIT:COUNT` on every one; UNIT
 * is `hz`, `us`, `ms` or `s`. `interval:N` counts nanoseconds and takes a suffix: `interval:1s`. No
 * arguments; the registers of what was interrupted can be read.
 *
 * Periods from 1 µs (actions on the kernel plane) or 200 µs (the recorder, the user plane) to
 * 4294967295 s. Kernel plane: a perf event of the CPU clock, needs Linux 4.9, CAP_BPF and
 * CAP_PERFMON; where the kernel ticks slower (10 µs, `kernel.perf_event_max_sample_rate`) the probe's
 * `warning` says so. User plane: interval is a timer of this process, profile samples the user code of
 * the session's target. Ticks that did not come are counted as skipped. CPUs may come and go.
 *
 * `software:EVENT:COUNT` and `hardware:EVENT:COUNT` fire on each CPU after so many events: page-faults,
 * context-switches, cache-misses, … `EVENT:` alone takes a usual count. EOPNOTSUPP where the machine
 * does not count such events.
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

import type { Provider } from "../../core/contract/provider.ts";
import { CounterProvider } from "./counter.ts";
import { ClockProvider } from "./provider.ts";

/** Makes the provider of `interval:`. */
export function interval(): Provider {
  return new ClockProvider("interval");
}

/** Makes the provider of `software:`. */
export function software(): Provider {
  return new CounterProvider("software");
}

/** Makes the provider of `hardware:`. */
export function hardware(): Provider {
  return new CounterProvider("hardware");
}

/** Makes the provider of `profile:`. */
export function profile(): Provider {
  return new ClockProvider("profile");
}
