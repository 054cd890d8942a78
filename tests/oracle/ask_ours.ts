// Asks btrace: many cases in a process, or one as a user would.

import { toolCommand } from "../helpers.ts";
import { runIn } from "./ask_oracle.ts";
import type { BatchCase, BatchResult } from "./batch.ts";
import { type Answer, answerOf, type Case } from "./case.ts";
import { workFolder } from "./fixtures.ts";

/** A process answers no more cases than this, so that memory stays bounded. */
const BATCH = 200;
/** A case that takes longer hangs, in ms. */
const LIMIT_MS = 20_000;

/** Answers of btrace, in the order of the cases. */
export async function askOurs(cases: readonly Case[]): Promise<Answer[]> {
  const answers: Answer[] = new Array(cases.length);
  const alone = (one: Case) => one.stdin !== undefined;
  const batched = cases.map((_, index) => index).filter((index) => !alone(cases[index]));
  const batches: number[][] = [];
  for (let i = 0; i < batched.length; i += BATCH) batches.push(batched.slice(i, i + BATCH));
  const work = async () => {
    for (let batch = batches.shift(); batch !== undefined; batch = batches.shift()) {
      const rest = await runBatch(cases, batch, answers);
      if (rest.length > 0) batches.unshift(rest);
    }
  };
  await Promise.all([work(), work()]);
  for (const [index, one] of cases.entries()) {
    if (alone(one)) answers[index] = await askOurTool(one);
  }
  return answers;
}

/** Runs one process; returns the cases that it has not come to. */
async function runBatch(
  cases: readonly Case[],
  batch: readonly number[],
  answers: Answer[],
): Promise<number[]> {
  const folder = Deno.makeTempDirSync();
  try {
    const asked: BatchCase[] = batch.map((index) => ({
      args: cases[index].args,
      env: cases[index].env ?? {},
    }));
    Deno.writeTextFileSync(`${folder}/in`, JSON.stringify(asked));
    Deno.writeTextFileSync(`${folder}/out`, "");
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--no-check", new URL("batch.ts", import.meta.url).pathname],
        ...[`${folder}/in`, `${folder}/out`],
      ],
      cwd: workFolder(),
      env: { TZ: "UTC", LC_ALL: "C.UTF-8" },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const stop = watch(`${folder}/out`, () => child.kill("SIGKILL"));
    const { stderr } = await child.output();
    stop();
    const lines = Deno.readTextFileSync(`${folder}/out`).split("\n").slice(0, -1);
    for (const [i, line] of lines.entries()) {
      const { code, stdout, stderr }: BatchResult = JSON.parse(line);
      const plain = (text: string) => text.replaceAll(workFolder(), "CWD");
      answers[batch[i]] = crashed(answerOf(code, plain(stdout), plain(stderr)), stderr);
    }
    if (lines.length === batch.length) return [];
    // The next case has ended the process, or it hangs.
    const reason = new TextDecoder().decode(stderr).trim() || "no answer";
    answers[batch[lines.length]] = crashed(answerOf(-1, "", ""), `error: ${reason}`);
    return batch.slice(lines.length + 1);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** Calls back when a file has not grown for too long. */
function watch(file: string, hangs: () => void): () => void {
  let size = -1;
  let since = Date.now();
  const timer = setInterval(() => {
    const now = Deno.statSync(file).size;
    if (now !== size) [size, since] = [now, Date.now()];
    else if (Date.now() - since > LIMIT_MS) hangs();
  }, 500);
  return () => clearInterval(timer);
}

/** Starts btrace as a user would. */
export async function askOurTool(one: Case): Promise<Answer> {
  const [command, ...args] = toolCommand("btrace", one.args);
  const { code, stdout, stderr } = await runIn(workFolder(), command, args, one);
  return crashed(answerOf(code, stdout, stderr), stderr);
}

/** An error that nobody caught is an answer of its own. */
function crashed(answer: Answer, stderr: string): Answer {
  const found = /^(?:error|ERROR: internal error): .*$/m.exec(stderr)?.[0];
  return found === undefined ? answer : { ...answer, error: [found] };
}
