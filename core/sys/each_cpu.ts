// Things that exist once for each CPU, while CPUs come and go: the kernel takes perf events off a CPU
// that goes, for good. cpu-hotplug.rst

import { errorCode } from "../errors.ts";
import { onlineCpus } from "./cpu.ts";

/** How often it is looked which CPUs there are. */
const LOOK_MS = 500;

/** A thing for each CPU. */
export interface PerCpu {
  /**
   * Opens it.
   *
   * @throws {DtError} ENODEV the CPU has just gone.
   */
  open(cpu: number): Disposable;
  /** Which of the CPUs that run now. Default: all. */
  choose?(online: readonly number[]): readonly number[];
  /** Told when it has been opened on a CPU. */
  opened?(cpu: number): void;
  /** Told when it has been closed; `gone` if that was because the CPU went. */
  closed?(cpu: number, gone: boolean): void;
}

/** Opens on all chosen CPUs, and keeps to them until it is disposed. */
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
        known = []; // gone again, or nothing is left to open it with: the next look will try
      }
    }
  }, LOOK_MS);
  Deno.unrefTimer(timer);
  stack.defer(() => clearInterval(timer));
  return stack.move();
}
