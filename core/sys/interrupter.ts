// Interrupts a blocking system call of this thread from time to time: a timer that signals this very
// thread, whose handler does nothing. waitid(2) has no timeout of its own. timer_create(2)

import { DtError } from "../errors.ts";
import { arch } from "./arch/mod.ts";
import { check } from "./errno.ts";
import { libc, processLibc } from "./libc.ts";
import { addressOf, cString, Struct } from "./memory.ts";

/** A real-time signal that nobody else uses: SIGRTMAX - 2. */
const SIGNAL = 62;
const SIGEV_THREAD_ID = 4;
const CLOCK_MONOTONIC = 1n;

let installed = false;

/** A function that takes an int and touches nothing does as a handler; a JavaScript one cannot be. */
function installHandler(): void {
  if (installed) return;
  const c = processLibc();
  const handler = c.dlsym?.(0n, cString("abs")) ?? 0n;
  if (BigInt(handler) === 0n) {
    throw new DtError("EOPNOTSUPP", "Cannot interrupt a wait: libc has no dlsym() (glibc 2.34)", {
      operation: "sigaction",
    });
  }
  // struct sigaction {handler, mask, flags, restorer}: no SA_RESTART, so calls are interrupted.
  const action = new Struct(256).u64(0, BigInt(handler));
  check(c.sigaction(SIGNAL, action.bytes, 0n), "sigaction");
  installed = true;
}

/** A timer of this thread; disarmed when it is made. */
export class Interrupter implements Disposable {
  readonly #timer: bigint;
  readonly #setting = new Struct(32);
  readonly #address = addressOf(this.#setting.bytes);

  /** @throws {DtError} EAGAIN the user has too many timers. */
  constructor() {
    installHandler();
    const tid = libc().syscall(arch.syscalls.gettid, 0n, 0n, 0n, 0n, 0n, 0n);
    // struct sigevent {value, signo, notify, tid}
    const event = new Struct(64).u32(8, SIGNAL).u32(12, SIGEV_THREAD_ID).u32(
      16,
      Number(tid),
    );
    const id = new Uint32Array(1);
    check(
      libc().syscall(
        arch.syscalls.timer_create,
        CLOCK_MONOTONIC,
        addressOf(event.bytes),
        addressOf(id),
        0n,
        0n,
        0n,
      ),
      "timer_create",
    );
    this.#timer = BigInt(id[0]);
  }

  /** Interrupts every so many milliseconds; 0: not any more. */
  arm(ms: number): void {
    const ns = BigInt(Math.round(ms * 1e6));
    const [seconds, rest] = [ns / 1_000_000_000n, ns % 1_000_000_000n];
    // struct itimerspec {interval, value}. Again and again: the first one may come before the call.
    this.#setting.u64(0, seconds).u64(8, rest).u64(16, seconds).u64(24, rest);
    libc().syscall(arch.syscalls.timer_settime, this.#timer, 0n, this.#address, 0n, 0n, 0n);
  }

  /** Deletes the timer. */
  [Symbol.dispose](): void {
    libc().syscall(arch.syscalls.timer_delete, this.#timer, 0n, 0n, 0n, 0n, 0n);
  }
}
