// Asks the oracle, once for each case: answers are kept in the cache folder.

import {
  type Answer,
  answerOf,
  type Case,
  differences,
  lineOf,
  nameOf,
  sameButForOrder,
} from "./case.ts";
import { cacheFolder, type Oracle } from "./oracle.ts";
import { fixturesHash, workFolder } from "./fixtures.ts";

/** Longest time that a case may take, in ms. */
const LIMIT_MS = 60_000;

/** What the oracle answers, or why it has no answer: a crash specifies nothing. */
export type OracleAnswer = Answer | { readonly broken: string };

/** An answer in the cache, and how often the oracle has been asked for it. */
interface Cached {
  readonly times: number;
  readonly answer: OracleAnswer;
}

/**
 * Asks about one case.
 *
 * @param times How often the oracle is asked at least: what differs from time to time is no answer, unless
 *   it is the order of a map's entries alone.
 */
export async function askOracle(oracle: Oracle, one: Case, times = 1): Promise<OracleAnswer> {
  const folder = `${cacheFolder()}/answers-${oracle.version}`;
  const file = `${folder}/${nameOf(one).replace("/", ".")}.${fixturesHash(lineOf(one))}.json`;
  let known: Cached | undefined;
  try {
    known = JSON.parse(await Deno.readTextFile(file));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  if (known !== undefined && known.times >= times) return known.answer;
  while (known === undefined || known.times < times) {
    const answer: OracleAnswer = await askOnce(oracle, one);
    known = {
      times: (known?.times ?? 0) + 1,
      answer: known === undefined ? answer : merge(known.answer, answer),
    };
  }
  await Deno.mkdir(folder, { recursive: true });
  const temporary = `${file}.${crypto.randomUUID()}`;
  await Deno.writeTextFile(temporary, JSON.stringify(known));
  await Deno.rename(temporary, file);
  return known.answer;
}

/** What two answers to the same case say together. */
function merge(before: OracleAnswer, now: OracleAnswer): OracleAnswer {
  if ("broken" in before) return before;
  if ("broken" in now) return now;
  if (differences(before, now).length === 0) return before;
  if (sameButForOrder(before, now)) return { ...before, unordered: true };
  return { broken: "another answer each time" };
}

/** Asks without looking into the cache. */
export async function askOnce(oracle: Oracle, one: Case): Promise<OracleAnswer> {
  const [command, ...args] = [...oracle.command, ...one.args];
  const { code, signal, stdout, stderr } = await runIn(workFolder(), command, args, one);
  if (signal !== null) return { broken: `ended by ${signal}` };
  const said = /Error loading BPF program|LLVM ERROR|BUG:|Assertion|Aborted/.exec(stderr)?.[0];
  if (said !== undefined) return { broken: said };
  // getopt_long(3) tells the path by which the program was started: a folder of this machine.
  return answerOf(code, stdout, stderr.replaceAll(oracle.command.at(-1)!, "bpftrace"));
}

/** Runs a tracer in a folder; the folder's name is no part of what it prints. */
export async function runIn(
  cwd: string,
  command: string,
  args: readonly string[],
  { env = {}, stdin }: Pick<Case, "env" | "stdin">,
): Promise<{ code: number; signal: string | null; stdout: string; stderr: string }> {
  const child = new Deno.Command(command, {
    args: [...args],
    cwd,
    env: { TZ: "UTC", LC_ALL: "C.UTF-8", ...env },
    stdin: stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  if (stdin !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(stdin)).catch(() => {});
    await writer.close().catch(() => {});
  }
  const timer = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
  const { code, signal, stdout, stderr } = await child.output();
  clearTimeout(timer);
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).replaceAll(cwd, "CWD");
  return { code, signal, stdout: text(stdout), stderr: text(stderr) };
}

/** Works on all items, two at a time. */
export async function inPairs<T, R>(
  items: readonly T[],
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = new Array(items.length);
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index], index);
    }
  };
  await Promise.all([worker(), worker()]);
  return results;
}
