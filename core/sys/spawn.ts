// Starts a program and holds the program before its first instruction, so that a session can begin
// before the program does anything. First the child waits for a line from a pipe; then this thread
// traces the child (ptrace.ts), and ptrace(2) holds it. No child is left behind: whatever ends this
// process closes the pipe, or makes the kernel kill the tracee, or, once the child runs untraced,
// sends the child the signal of its parent's death.

import { DtError } from "../errors.ts";
import { arch } from "./arch/mod.ts";
import { errnoName } from "./errno.ts";
import { InjectedCalls } from "./injected_call.ts";
import { libc, processLibc } from "./libc.ts";
import { addressOf, cString } from "./memory.ts";
import { needsShell, quoteWord } from "./shell_words.ts";
import { isInherited, openPipe, unreadBytes } from "./open.ts";
import {
  OPTION,
  PTRACE,
  ptrace,
  PTRACE_EVENT,
  seize,
  stopped,
  SYSCALL_SIGNAL,
  SYSCALL_STOP,
  SyscallInfo,
  waitFor,
} from "./ptrace.ts";

const SIGKILL = 9;
const SIGPIPE = 13;
const SIGTERM = 15;
const SIGCONT = 18;
const POSIX_SPAWN_SETSIGDEF = 4;
const POSIX_SPAWN_SETSIGMASK = 8;
/** Size of posix_spawnattr_t in bytes, with room for other C libraries than glibc. */
const ATTRIBUTE_BYTES = 512;
/** Size of sigset_t in bytes. */
const SIGSET_BYTES = 128;

const PR_SET_PDEATHSIG = 1n;

/** Milliseconds that a child has to end after SIGTERM before it is killed. */
const ENDING_MS = 500;

/** True for the signals that stop a process: SIGSTOP, SIGTSTP, SIGTTIN and SIGTTOU. */
export function isStopSignal(signal: number): boolean {
  return signal >= 19 && signal <= 22;
}

/**
 * Makes a `char *[]` with the texts behind the pointers in the same buffer, so that the buffer
 * keeps the texts alive.
 */
function strings(values: readonly string[]): BigUint64Array {
  const texts = values.map(cString);
  let at = (values.length + 1) * 8;
  const bytes = texts.reduce((sum, text) => sum + text.length, at);
  const words = new BigUint64Array(Math.ceil(bytes / 8));
  const base = addressOf(words);
  const all = new Uint8Array(words.buffer);
  texts.forEach((text, i) => {
    words[i] = base + BigInt(at);
    all.set(text, at);
    at += text.length;
  });
  return words;
}

/**
 * Finds a number for a descriptor in the child: one digit, since a shell can name no other, and not
 * a descriptor that programs inherit from this process.
 *
 * @throws {DtError} EMFILE programs inherit all of the descriptors 3 to 9.
 */
function spareDescriptor(): number {
  for (let fd = 9; fd > 2; fd--) if (!isInherited(fd)) return fd;
  throw new DtError("EMFILE", "Cannot start a program: it would inherit descriptors 3 to 9", {
    operation: "posix_spawn",
  });
}

/**
 * Starts a program with posix_spawn(3). Signals are reset to what programs expect, since Deno
 * ignores SIGPIPE.
 *
 * @param path Path of the program.
 * @param argv Arguments, the program's name first.
 * @param inherit A descriptor of this process, and its number in the program.
 * @returns Process id of the child.
 * @throws {DtError} errno of posix_spawn(3).
 */
function spawn(
  path: string,
  argv: readonly string[],
  inherit: { readonly fd: number; readonly as: number },
): number {
  const c = processLibc();
  const actions = new Uint8Array(ATTRIBUTE_BYTES);
  c.posix_spawn_file_actions_init(actions);
  c.posix_spawn_file_actions_adddup2(actions, inherit.fd, inherit.as);
  const attributes = new Uint8Array(ATTRIBUTE_BYTES);
  const defaults = new Uint8Array(SIGSET_BYTES);
  defaults[(SIGPIPE - 1) >> 3] = 1 << ((SIGPIPE - 1) & 7);
  c.posix_spawnattr_init(attributes);
  c.posix_spawnattr_setsigdefault(attributes, defaults);
  c.posix_spawnattr_setsigmask(attributes, new Uint8Array(SIGSET_BYTES));
  c.posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  const environment = Object.entries(Deno.env.toObject()).map(([name, value]) =>
    `${name}=${value}`
  );
  const pid = new Int32Array(1);
  const errno = c.posix_spawn(
    pid,
    cString(path),
    actions,
    attributes,
    strings(argv),
    strings(environment),
  );
  c.posix_spawn_file_actions_destroy(actions);
  if (errno !== 0) {
    throw new DtError(errnoName(errno), `Cannot start ${path}`, { operation: "posix_spawn" });
  }
  return pid[0];
}

/**
 * A child of this thread that has executed its program and not yet run an instruction of it. This
 * thread traces the child until it is released or taken. All calls must come from this thread.
 */
export class HeldProcess implements Disposable {
  /** Process id of the child. */
  readonly pid: number;
  #held = true;
  #reaped = false;
  #status?: number;

  /**
   * Starts a shell that becomes the command, and waits until the command has been executed.
   *
   * @param command A command with arguments, split as a shell does. If the line is more than one
   * simple command (`a && b`, a pipe, an assignment), the child is the shell that runs the line.
   * @throws {DtError} EPERM ptrace(2) is not permitted; ENOEXEC the shell could not execute the
   * command; EMFILE no descriptor is free.
   */
  constructor(command: string) {
    const { reader, writer } = openPipe();
    using _writer = writer;
    const as = spareDescriptor();
    {
      using _reader = reader;
      const program = needsShell(command) ? `/bin/sh -c ${quoteWord(command)}` : command;
      const script = `read -r _ <&${as} || exit 1; exec ${as}<&-; exec ${program}`;
      this.pid = spawn("/bin/sh", ["sh", "-c", script], { fd: reader.value, as });
    }
    try {
      // When this process ends, whatever ends it, the kernel kills the tracee.
      seize(this.pid, OPTION.exec | OPTION.exitKill | OPTION.sysgood);
      ptrace(PTRACE.interrupt, this.pid);
      libc().write(writer.value, new Uint8Array([10]), 1n);
      this.#advance(command, writer.value);
    } catch (error) {
      libc().kill(this.pid, SIGKILL);
      this.reap();
      throw error;
    }
  }

  /**
   * Lets the shell run until it has executed the command. The first exec is the shell's own: it
   * comes before the shell reads the line from the pipe. At the return of its first system call the
   * shell is made to ask for a signal when this thread ends, and the command inherits the wish.
   */
  #advance(command: string, pipe: number): void {
    const info = new SyscallInfo();
    let asked = false;
    for (;;) {
      const tid = waitFor(this.pid, { wait: true });
      if (tid < 0 || stopped.ended) break;
      const { event, signal } = stopped;
      const isCall = event === 0 && signal === SYSCALL_SIGNAL;
      if (event === PTRACE_EVENT.exec && unreadBytes(pipe) === 0) return;
      if (isCall && !asked && info.read(this.pid) && info.op === SYSCALL_STOP.exit) {
        using injected = new InjectedCalls(this.pid);
        injected.call(arch.syscalls.prctl, [PR_SET_PDEATHSIG, BigInt(SIGKILL), 0n, 0n, 0n]);
        asked = true;
      }
      const onward = asked ? PTRACE.cont : PTRACE.syscall;
      if (event === PTRACE_EVENT.stop && isStopSignal(signal)) ptrace(PTRACE.listen, this.pid);
      else ptrace(onward, this.pid, 0n, event === 0 && !isCall ? BigInt(signal) : 0n);
    }
    this.#reaped = true;
    throw new DtError("ENOEXEC", `Cannot run '${command}'`, { operation: "exec" });
  }

  /** Lets the child run, untraced. Has no effect after {@linkcode HeldProcess.take}. */
  release(): void {
    if (this.#held) ptrace(PTRACE.detach, this.pid);
    this.#held = false;
  }

  /**
   * Asks the child to end, also if the child is stopped: SIGTERM and SIGCONT. The child's state is not
   * read, since a tracer may wait for the same stop.
   */
  terminate(): void {
    if (this.#reaped) return;
    libc().kill(this.pid, SIGTERM);
    libc().kill(this.pid, SIGCONT);
  }

  /** Hands the child over to a tracer in this thread; that tracer finds it stopped. */
  take(): void {
    this.#held = false;
  }

  /**
   * Status of the ended child as wait(2) encodes it; undefined while the child runs, or if another
   * part of the program waited for it.
   */
  get status(): number | undefined {
    return this.#status;
  }

  /**
   * Reads the exit status of the child if it has ended and nobody else has read it. Never waits.
   */
  reap(): void {
    if (this.#reaped) return;
    const found = waitFor(this.pid, { wait: false });
    // An error is ECHILD: a tracer has read the status already.
    this.#reaped = found < 0 || (found > 0 && stopped.ended);
    if (found > 0 && stopped.ended) this.#status = stopped.status;
  }

  /** Ends the child if it still runs: SIGTERM, and half a second later SIGKILL. */
  [Symbol.dispose](): void {
    this.release();
    this.reap();
    this.terminate();
    this.#await(ENDING_MS);
    if (this.#reaped) return;
    libc().kill(this.pid, SIGKILL);
    this.#await(ENDING_MS);
  }

  /** Waits until the child has ended, at most so long. */
  #await(limitMs: number): void {
    const tick = new Int32Array(new SharedArrayBuffer(4));
    for (let ms = 0; ms < limitMs && !this.#reaped; ms++) {
      this.reap();
      if (!this.#reaped) Atomics.wait(tick, 0, 0, 1);
    }
  }
}
