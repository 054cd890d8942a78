// Asks the oracle, once for each case: answers are kept in the cache folder.

import { type Answer, answerOf, type Case, lineOf, nameOf } from "./case.ts";
import { cacheFolder, type Oracle } from "./oracle.ts";
import { fixturesHash, workFolder } from "./fixtures.ts";

/** Longest time that a case may take, in ms. */
const LIMIT_MS = 60_000;

/** What the oracle answers, or why it has no answer: a crash specifies nothing. */
export type OracleAnswer = Answer | { readonly broken: string };

/** Asks about one case. */
export async function askOracle(
  oracle: Oracle,
  one: Case,
  { fresh = false } = {},
): Promise<OracleAnswer> {
  const folder = `${cacheFolder()}/answers-${oracle.version}`;
  const file = `${folder}/${nameOf(one).replace("/", ".")}.${fixturesHash(lineOf(one))}.json`;
  if (!fresh) {
    try {
      return JSON.parse(await Deno.readTextFile(file));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  const answer = await run(oracle, one);
  await Deno.mkdir(folder, { recursive: true });
  const temporary = `${file}.${crypto.randomUUID()}`;
  await Deno.writeTextFile(temporary, JSON.stringify(answer));
  await Deno.rename(temporary, file);
  return answer;
}

async function run(oracle: Oracle, one: Case): Promise<OracleAnswer> {
  const [command, ...args] = [...oracle.command, ...one.args];
  const { code, signal, stdout, stderr } = await runIn(workFolder(), command, args, one);
  if (signal !== null) return { broken: `ended by ${signal}` };
  const said = /Error loading BPF program|LLVM ERROR|BUG:|Assertion|Aborted/.exec(stderr)?.[0];
  if (said !== undefined) return { broken: said };
  return answerOf(code, stdout, stderr);
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
