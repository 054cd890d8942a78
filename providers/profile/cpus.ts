// What runs on each CPU, while CPUs come and go.

import { errorCode } from "../../core/errors.ts";
import { onlineCpus } from "../../core/sys/cpu.ts";
import type { TickCounter } from "../../core/provider.ts";

/** How often it is looked which CPUs there are: the kernel takes events off a CPU that goes. */
const LOOK_MS = 500;

/** Opens a thing for each CPU, and again for one that comes. */
export interface PerCpu {
  /** Which of the CPUs that run now. */
  choose(online: readonly number[]): readonly number[];
  /**
   * Opens it.
   *
   * @throws {DtError} ENODEV the CPU has just gone.
   */
  open(cpu: number): Disposable;
  /** Told when it starts and ends on a CPU. */
  readonly ticks: TickCounter;
}

/** Opens on all chosen CPUs, and keeps to them until it is disposed. */
export function onEachCpu(what: PerCpu): Disposable {
  const running = new Map<number, Disposable>();
  const start = (cpu: number) => {
    running.set(cpu, what.open(cpu));
    what.ticks.start(cpu);
  };
  using stack = new DisposableStack();
  stack.defer(() => {
    for (const [cpu, one] of running) {
      one[Symbol.dispose]();
      what.ticks.stop(cpu, false);
    }
  });
  let known = onlineCpus();
  for (const cpu of what.choose(known)) start(cpu);
  const timer = setInterval(() => {
    const online = onlineCpus();
    if (online.join() === known.join()) return;
    known = online;
    for (const [cpu, one] of running) {
      if (online.includes(cpu)) continue;
      one[Symbol.dispose]();
      running.delete(cpu);
      what.ticks.stop(cpu, true);
    }
    for (const cpu of what.choose(online)) {
      try {
        if (!running.has(cpu)) start(cpu);
      } catch (error) {
        if (errorCode(error) !== "ENODEV") throw error;
        known = []; // gone again: the next look will tell
      }
    }
  }, LOOK_MS);
  Deno.unrefTimer(timer);
  stack.defer(() => clearInterval(timer));
  return stack.move();
}
