// Interrupts a blocking system call of this thread from time to time, for calls without a timeout
// of their own, such as waitid(2): a timer sends a signal to this very thread, and the handler of
// the signal does nothing. See timer_create(2).

import { arch } from "./arch/mod.ts";
import { check } from "./errno.ts";
import { libc, processLibc } from "./libc.ts";
import { addressOf, cString, Struct } from "./memory.ts";

/** The signal that the timer sends: SIGRTMAX - 2, which nothing else in this process uses. */
const SIGNAL = 62;
const SIGEV_THREAD_ID = 4;
const CLOCK_MONOTONIC = 1n;

let installed = false;

/**
 * Installs the handler of the signal, once for the process. The handler is abs(3), which takes an
 * int and touches nothing else; a JavaScript function cannot handle a signal on this thread.
 */
function installHandler(): void {
  if (installed) return;
  const handler = processLibc().dlsym(0n, cString("abs"));
  // struct sigaction {handler, mask, flags, restorer}. SA_RESTART is not set, so calls are
  // interrupted.
  const action = new Struct(256).u64(0, BigInt(handler));
  check(libc().sigaction(SIGNAL, addressOf(action.bytes), 0n), "sigaction");
  installed = true;
}

/** A timer that interrupts system calls of the thread that made it. A new timer is not armed. */
export class Interrupter implements Disposable {
  readonly #timer: bigint;
  readonly #setting = new Struct(32);
  readonly #address = addressOf(this.#setting.bytes);

  /** @throws {DtError} EAGAIN the user has too many timers. */
  constructor() {
    installHandler();
    const tid = libc().syscall(arch.syscalls.gettid, 0n, 0n, 0n, 0n, 0n, 0n);
    // Fields of struct sigevent: value, signo, notify, tid.
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

  /** Starts the timer: an interrupt every `ms` milliseconds from now on; 0 stops the timer. */
  arm(ms: number): void {
    const ns = BigInt(Math.round(ms * 1e6));
    const [seconds, rest] = [ns / 1_000_000_000n, ns % 1_000_000_000n];
    // struct itimerspec {interval, value}. The timer repeats, because the first signal may come
    // before the call that it is meant to interrupt.
    this.#setting.u64(0, seconds).u64(8, rest).u64(16, seconds).u64(24, rest);
    libc().syscall(arch.syscalls.timer_settime, this.#timer, 0n, this.#address, 0n, 0n, 0n);
  }

  /** Deletes the timer; the handler of the signal stays installed. */
  [Symbol.dispose](): void {
    libc().syscall(arch.syscalls.timer_delete, this.#timer, 0n, 0n, 0n, 0n, 0n);
  }
}
