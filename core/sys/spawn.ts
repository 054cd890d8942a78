// Starts a program and holds the program before its first instruction, traced by this thread. Until this
// thread traces the child, the child waits for a line from a pipe; afterwards ptrace(2) holds it. Whatever
// ends this process closes the pipe, or makes the kernel kill who is traced: no child is left behind.

import { DtError } from "../errors.ts";
import { errnoName } from "./errno.ts";
import { libc, processLibc } from "./libc.ts";
import { addressOf, cString } from "./memory.ts";
import { needsShell, quoteWord } from "./shell_words.ts";
import { isInherited, openPipe, unreadBytes } from "./open.ts";
import { OPTION, PTRACE, ptrace, PTRACE_EVENT, seize, stopped, waitFor } from "./ptrace.ts";

const SIGKILL = 9;
const SIGPIPE = 13;
const SIGTERM = 15;
const SIGCONT = 18;
const POSIX_SPAWN_SETSIGDEF = 4;
const POSIX_SPAWN_SETSIGMASK = 8;
/** sizeof(posix_spawnattr_t), with room for other C libraries; sizeof(sigset_t). */
const ATTRIBUTE_BYTES = 512;
const SIGSET_BYTES = 128;

/** How long a child is waited for that was told to end. */
const ENDING_MS = 50;

/** Signals that stop a process. */
export function isStopSignal(signal: number): boolean {
  return signal >= 19 && signal <= 22;
}

/** `char *[]` with the texts behind it, in one buffer, so that what points into it keeps it. */
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

/** A descriptor that a shell can name, of one digit, and that programs do not get from this process. */
function spareDescriptor(): number {
  for (let fd = 9; fd > 2; fd--) if (!isInherited(fd)) return fd;
  throw new DtError("EMFILE", "Cannot start a program: it would inherit descriptors 3 to 9", {
    operation: "posix_spawn",
  });
}

/**
 * posix_spawn(3), with signals as a program expects them: Deno ignores SIGPIPE.
 *
 * @param inherit A descriptor of this process, and the number that the program knows it by.
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
 * A child of this thread that has executed its program and not run an instruction of it. Until it is
 * released or taken, this thread traces it; all calls must come from this thread.
 */
export class HeldProcess implements Disposable {
  /** Process id. */
  readonly pid: number;
  #held = true;
  #reaped = false;
  #status?: number;

  /**
   * Starts a shell that becomes the command.
   *
   * @param command A command with arguments, split as a shell does. Where the line is more than one simple
   * command (`a && b`, a pipe, an assignment), the process is the shell that runs the line.
   * @throws {DtError} EPERM ptrace(2) is not permitted; ENOEXEC the shell could not execute it.
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
      // The kernel kills who is traced when this process ends, whatever ends it.
      seize(this.pid, OPTION.exec | OPTION.exitKill);
      libc().write(writer.value, new Uint8Array([10]), 1n);
      this.#advance(command, writer.value);
    } catch (error) {
      libc().kill(this.pid, SIGKILL);
      this.reap();
      throw error;
    }
  }

  /** Lets the shell run until it has executed the command. The shell's own exec comes before its line is read. */
  #advance(command: string, pipe: number): void {
    for (;;) {
      const tid = waitFor(this.pid, { wait: true });
      if (tid < 0 || stopped.ended) break;
      const { event, signal } = stopped;
      if (event === PTRACE_EVENT.exec && unreadBytes(pipe) === 0) return;
      if (event === PTRACE_EVENT.stop && isStopSignal(signal)) ptrace(PTRACE.listen, this.pid);
      else ptrace(PTRACE.cont, this.pid, 0n, event === 0 ? BigInt(signal) : 0n);
    }
    this.#reaped = true;
    throw new DtError("ENOEXEC", `Cannot run '${command}'`, { operation: "exec" });
  }

  /** Lets it run, untraced. */
  release(): void {
    if (this.#held) ptrace(PTRACE.detach, this.pid);
    this.#held = false;
  }

  /** Gives it to a tracer in this thread, which finds it stopped. */
  take(): void {
    this.#held = false;
  }

  /** How it has ended, as wait(2) says it; undefined while it runs, or if somebody else was told. */
  get status(): number | undefined {
    return this.#status;
  }

  /** Lets it run on when this is disposed. */
  abandon(): void {
    this.release();
    this.#reaped = true;
  }

  /** Takes its exit status, if it has ended and nobody else did. */
  reap(): void {
    if (this.#reaped) return;
    const found = waitFor(this.pid, { wait: false });
    // ECHILD: a tracer has taken it.
    this.#reaped = found < 0 || (found > 0 && stopped.ended);
    if (found > 0 && stopped.ended) this.#status = stopped.status;
  }

  /** Ends it if it still runs. */
  [Symbol.dispose](): void {
    this.release();
    this.reap();
    if (this.#reaped) return;
    libc().kill(this.pid, SIGTERM);
    libc().kill(this.pid, SIGCONT);
    // It ends at once, or takes its time and is left to init.
    const tick = new Int32Array(new SharedArrayBuffer(4));
    for (let ms = 0; ms < ENDING_MS && !this.#reaped; ms++) {
      this.reap();
      if (!this.#reaped) Atomics.wait(tick, 0, 0, 1);
    }
  }
}
