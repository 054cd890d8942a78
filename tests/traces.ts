// Traces one program by ktrace and by strace, and brings both traces, thread by thread, to a form
// that can be compared. The ktrace tests and bench/ktrace.ts use it.

import { output, tool, toolCommand } from "./helpers.ts";

/** A record of a trace file, as `kdump --json` prints it. */
export interface JsonRecord {
  /** Time of the record in seconds since 1970, with microseconds. */
  readonly time: number;
  /** Id of the process that the record is about. */
  readonly pid: number;
  /** Id of the thread that the record is about. */
  readonly tid: number;
  /** Kind of the record, e.g. "syscall", "sysret", "namei" or "psig". */
  readonly type: string;
  /** Name of the system call, for its entry and its return. */
  readonly name?: string;
  /** Arguments of the system call, as 64-bit numbers. */
  readonly args?: readonly string[];
  /** Result of a system call that succeeded. */
  readonly retval?: number | string;
  /** Errno name of a system call that failed. */
  readonly error?: string;
  /** Path name that the kernel looked up. */
  readonly path?: string;
  /** Name of the delivered signal, e.g. "SIGUSR1". */
  readonly signal?: string;
  /** Code that says who sent the signal. */
  readonly code?: number;
  /** Bytes that were read or written, as text. */
  readonly data?: string;
  /** Bytes that were read or written, in hexadecimal, if they are no text. */
  readonly hex?: string;
  /** Strings of an argument list or an environment. */
  readonly values?: readonly string[];
  /** True if records before this one were lost. */
  readonly dropped?: boolean;
}

/** A run of ktrace: its status, its output, and the records that it wrote. */
export interface Recorded {
  /** Exit status of ktrace. */
  readonly code: number;
  /** Text that ktrace and the command wrote to stderr. */
  readonly stderr: string;
  /** Text that ktrace and the command wrote to stdout. */
  readonly stdout: string;
  /** Records of the trace file in its order. */
  readonly records: readonly JsonRecord[];
}

/** Reads the records of a trace file through kdump. */
export function recordsOf(file: string): JsonRecord[] {
  const { stdout } = output("sh", [
    "-c",
    `exec "$0" run -A --no-check "$1" --json -f "$2"`,
    ...[Deno.execPath(), new URL("../tools/kdump.ts", import.meta.url).pathname, file],
  ]);
  return stdout.trimEnd().split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}

/** Runs a command under ktrace and reads the records. */
export function record(
  options: readonly string[],
  command: readonly string[],
  where: Deno.CommandOptions = {},
): Recorded {
  const file = Deno.makeTempFileSync();
  try {
    const { code, stdout, stderr } = tool("ktrace", ["-f", file, ...options, ...command], where);
    return { code, stdout, stderr, records: recordsOf(file) };
  } finally {
    Deno.removeSync(file);
  }
}

/** A system call as far as it is known, or a signal. */
export interface Call {
  /** Name of the system call or of the signal. */
  readonly name: string;
  /**
   * Arguments by position; undefined for an argument that is no 32-bit number, such as an address.
   */
  readonly args: readonly (number | undefined)[];
  /** Result as text; undefined for a call that has not returned, "address" for an address. */
  readonly result?: string;
  /** Path names that the call looked up. */
  readonly paths: readonly string[];
}

/** Lowest number that is taken for an address. */
const ADDRESS = 2 ** 32;

/** Makes the text of a result that is equal in both traces, although ids and addresses differ. */
function resultText(name: string, value: number, tids: readonly number[]): string {
  const thread = tids.indexOf(value);
  if (thread >= 0) return `thread ${thread}`;
  if (name === "getppid") return "the tracer";
  return value >= ADDRESS ? "address" : String(value);
}

/**
 * Brings ktrace's records to calls, one list per thread, in the order in which the threads were
 * made.
 */
export function callsOf(records: readonly JsonRecord[]): Call[][] {
  const tids = [...new Set(records.map(({ tid }) => tid))].sort((a, b) => a - b);
  return tids.map((tid) => {
    const calls: Call[] = [];
    let open: { -readonly [K in keyof Call]: Call[K] } & { paths: string[] } | undefined;
    let paths: string[] = [];
    for (const one of records) {
      if (one.tid !== tid) continue;
      if (one.type === "syscall") {
        const args = one.args!.map((arg) => {
          const value = Number(BigInt.asIntN(64, BigInt(arg)));
          return argument(value, tids);
        });
        paths = [];
        calls.push(open = { name: one.name!, args, paths });
      } else if (one.type === "namei") {
        if (open === undefined) paths.push(one.path!);
        else open.paths.push(one.path!);
      } else if (one.type === "sysret") {
        const result = one.error === undefined
          ? resultText(one.name!, Number(one.retval), tids)
          : `-1 ${one.error}`;
        // A return without an entry: the command's exec began before the recording did. The birth
        // of a child has no entry either, but strace does not show it at all.
        if (open === undefined && /^(clone3?|v?fork)$/.test(one.name!)) continue;
        if (open === undefined) calls.push({ name: one.name!, args: [], paths, result });
        else open.result = result;
        open = undefined;
        paths = [];
      } else if (one.type === "psig") {
        calls.push({ name: one.signal!, args: [], paths: [] });
      }
    }
    return calls;
  });
}

/** Splits arguments at commas that are not within strings, structures or arrays. */
function split(text: string): string[] {
  const parts: string[] = [];
  let [depth, quoted, from] = [0, false, 0];
  for (let i = 0; i <= text.length; i++) {
    const char = text[i];
    if (quoted) {
      if (char === "\\") i++;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if ("{[(".includes(char ?? " ")) depth++;
    else if ("}])".includes(char ?? " ")) depth--;
    else if (char === undefined || (char === "," && depth === 0)) {
      parts.push(text.slice(from, i).trim());
      from = i + 1;
    }
  }
  return parts;
}

/**
 * Makes an argument comparable: a thread id, which differs in each run, becomes the thread's
 * position, as a number below all others.
 */
function argument(value: number, tids: readonly number[]): number | undefined {
  const thread = tids.indexOf(value);
  if (thread >= 0) return -1e6 - thread;
  return value > -ADDRESS && value < ADDRESS ? value | 0 : undefined;
}

/** Reads a number in one of strace's notations; undefined if the text is no 32-bit number. */
function numberOf(text: string, tids: readonly number[]): number | undefined {
  const value = /^0[0-7]+$/.test(text)
    ? parseInt(text, 8)
    : /^-?(0x[0-9a-f]+|\d+)$/.test(text)
    ? Number(text)
    : NaN;
  return argument(value, tids);
}

/** Reads a string as strace quotes it. Only escapes that occur in paths are decoded. */
function unquoted(text: string): string {
  return text.slice(1, text.lastIndexOf('"')).replace(/\\(.)/g, "$1");
}

/** Runs a command under strace; returns the calls of each thread. */
export function straceCalls(command: readonly string[], where: Deno.CommandOptions = {}): Call[][] {
  const folder = Deno.makeTempDirSync();
  try {
    output("strace", ["-ff", "-X", "raw", "-s", "4096", "-o", `${folder}/t`, ...command], where);
    const tids = [...Deno.readDirSync(folder)].map(({ name }) => Number(name.slice(2)))
      .sort((a, b) => a - b);
    return tids.map((tid) =>
      Deno.readTextFileSync(`${folder}/t.${tid}`).trimEnd().split("\n").flatMap((line): Call[] => {
        const signal = /^--- (SIG\w+) /.exec(line);
        if (signal !== null) return [{ name: signal[1], args: [], paths: [] }];
        const match = /^(\w+)\((.*)\)\s+= (.*)$/.exec(line);
        if (match === null) return [];
        const [, name, list, result] = match;
        const parts = split(list);
        const error = /^-1 (E\w+)/.exec(result);
        const value = Number(result.split(" ")[0]);
        return [{
          name,
          args: parts.map((part) => numberOf(part, tids)),
          paths: parts.filter((part) => part.startsWith('"')).map(unquoted),
          result: error !== null
            ? `-1 ${error[1]}`
            : result.startsWith("?")
            ? undefined
            : resultText(name, value, tids),
        }];
      })
    );
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** A folder to make a pipe in, and the speed at which the pipe is read. */
export interface SlowPipe {
  /** Folder in which the pipe and the copy of its data are made. */
  readonly folder: string;
  /** Bytes that are read from the pipe in a second. */
  readonly bytesPerSecond: number;
}

/**
 * Runs a command under ktrace, which writes into a pipe that is read slowly; `file` holds what came
 * out of the pipe.
 */
export async function throughSlowPipe(
  options: readonly string[],
  command: readonly string[],
  { folder, bytesPerSecond }: SlowPipe,
): Promise<{ code: number; stderr: string; file: string }> {
  const fifo = `${folder}/pipe`;
  output("mkfifo", [fifo]);
  const [program, ...args] = toolCommand("ktrace", ["-f", fifo, ...options, ...command]);
  const child = new Deno.Command(program, { args, stdout: "piped", stderr: "piped" }).spawn();
  const stdout = new Response(child.stdout).text();
  const stderr = new Response(child.stderr).text();
  using pipe = await Deno.open(fifo);
  const file = `${folder}/out`;
  using out = await Deno.open(file, { write: true, create: true });
  const chunk = new Uint8Array(1 << 16);
  const start = performance.now();
  for (let total = 0;;) {
    const count = await pipe.read(chunk);
    if (count === null) break;
    out.writeSync(chunk.subarray(0, count));
    total += count;
    const due = total / bytesPerSecond * 1000 - (performance.now() - start);
    if (due > 1) await new Promise((resolve) => setTimeout(resolve, due));
  }
  const { code } = await child.status;
  await stdout;
  return { code, stderr: await stderr, file };
}
