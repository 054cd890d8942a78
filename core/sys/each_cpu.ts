// Keeps a resource open on each CPU while CPUs come and go: the kernel removes perf events from a
// CPU that goes offline, and does not bring them back. The list of CPUs is read twice a second. See
// Documentation/core-api/cpu_hotplug.rst.

import { errorCode } from "../errors.ts";
import { onlineCpus } from "./cpu.ts";

/** Interval in milliseconds at which the list of CPUs is read again. */
const LOOK_MS = 500;

/** A resource of which there is one for each CPU, such as a perf event. */
export interface PerCpu {
  /**
   * Opens the resource on a CPU.
   *
   * @param cpu Number of the CPU.
   * @returns The open resource; disposing it closes it.
   * @throws {DtError} ENODEV the CPU has just gone offline.
   */
  open(cpu: number): Disposable;
  /** Chooses the CPUs that get the resource among those that run now. Default: all of them. */
  choose?(online: readonly number[]): readonly number[];
  /** Called after the resource has been opened on a CPU. */
  opened?(cpu: number): void;
  /** Called after the resource has been closed on a CPU; `gone` is true if the CPU went offline. */
  closed?(cpu: number, gone: boolean): void;
}

/**
 * Opens a resource on all chosen CPUs, and follows CPUs that come and go until disposed.
 *
 * @param what The resource, opened once for each CPU.
 * @returns A handle; disposing it closes the resource on all CPUs.
 * @throws Whatever {@linkcode PerCpu.open} throws at the start, ENODEV excepted.
 */
export function onEachCpu(what: PerCpu): Disposable {
  const running = new Map<number, Disposable>();
  const start = (cpu: number) => {
    running.set(cpu, what.open(cpu));
    what.opened?.(cpu);
  };
  const choose = (online: readonly number[]) => what.choose?.(online) ?? online;
  using stack = new DisposableStack();
  stack.defer(() => {
    for (const [cpu, one] of running) {
      one[Symbol.dispose]();
      what.closed?.(cpu, false);
    }
  });
  let known = onlineCpus();
  for (const cpu of choose(known)) {
    try {
      start(cpu);
    } catch (error) {
      if (errorCode(error) !== "ENODEV") throw error;
    }
  }
  const timer = setInterval(() => {
    const online = onlineCpus();
    if (online.join() === known.join()) return;
    known = online;
    for (const [cpu, one] of running) {
      if (online.includes(cpu)) continue;
      one[Symbol.dispose]();
      running.delete(cpu);
      what.closed?.(cpu, true);
    }
    for (const cpu of choose(online)) {
      try {
        if (!running.has(cpu)) start(cpu);
      } catch {
        known = []; // the CPU is gone again, or no descriptor is free: the next look retries
      }
    }
  }, LOOK_MS);
  Deno.unrefTimer(timer);
  stack.defer(() => clearInterval(timer));
  return stack.move();
}
