// The agent of a host: runs the jobs whose labels it has and whose sender it trusts, and publishes what they
// gather. The probes are the process's own, so they end with it, however it ends.

import {
  type Script,
  ScriptError,
  start,
  type Trace,
  type TraceRecord,
} from "../../language/mod.ts";
import { parse } from "../../language/syntax/parser.ts";
import { formatDiagnostic, Source } from "../../language/syntax/diagnostics.ts";
import { BpfProgramStats } from "../../core/bpf/mod.ts";
import { errorCode } from "../../core/errors.ts";
import { sleep } from "../../core/until_aborted.ts";
import { tell } from "../cli/terminal.ts";
import { type Bus, type BusMessage, HOSTS } from "./bus.ts";
import {
  type Answer,
  type HostInfo,
  type Job,
  JOB_ID,
  type Labels,
  matches,
  readAnswer,
} from "./job.ts";
import { checkJob, checkScript, checkSyntax, openJob, type Policy, Refusal } from "./policy.ts";
import { type EncodedSnapshot, type GatheredMap, SnapshotWriter } from "./snapshot.ts";
import { WireError } from "./wire.ts";

/** Who an agent is, and what it is willing to run. */
export interface AgentOptions {
  /** Name of the host. */
  readonly host: string;
  /** Labels of the host. */
  readonly labels: Labels;
  /** What the agent is willing to run. */
  readonly policy: Policy;
}

/** Why jobs end with their agent; the next agent goes on with them. */
const AGENT_ENDED = "the agent was ended";
/** How often a running job is published. */
const PUBLISH_MS = 500;
/** How long the results of an ended job wait for a server that cannot be reached. */
const PATIENCE_MS = 600_000;
/** Most characters of records in a message. */
const BATCH = 1 << 17;
/** Most characters of records that wait for a server that cannot be reached. */
const MOST_WAITING = 1 << 24;

/** Runs jobs until the signal aborts; the jobs end then, and their results are published. */
export async function runAgent(
  bus: Bus,
  options: AgentOptions,
  signal: AbortSignal,
): Promise<void> {
  const { host, labels } = options;
  const running = new Map<string, RunningJob>();
  const ends = new Set<Promise<void>>();
  const incarnation = Date.now();
  const info = (): HostInfo => ({ host, labels, jobs: [...running.keys()] });
  using _answers = bus.answer(HOSTS, () => JSON.stringify(info()));

  const take = async (message: BusMessage): Promise<void> => {
    const [id] = message.words;
    if (!JOB_ID.test(id)) return;
    let job: Job;
    try {
      job = openJob(message.text, bus.nats.nkeys, options.policy);
      if (job.id !== id) throw new WireError("a job under the id of another one");
    } catch (error) {
      tell(`WARNING: job ${id}: ${(error as Error).message}\n`);
      // A message that is no job gets no answer; whoever is not trusted is told so.
      if (error instanceof Refusal && !running.has(id)) {
        await refuse(bus, options, incarnation, id, error.message);
      }
      return;
    }
    const known = running.get(id);
    if (job.kind === "stop") return known?.stop("stopped");
    if (known !== undefined || !matches(job.labels, labels)) return;
    const before = await answered(bus, id, host);
    if (before?.phase === "refused") return;
    if (before?.phase === "ended" && before.reason !== AGENT_ENDED) return;
    if (running.size >= options.policy.jobs) {
      const reason = `${running.size} jobs run; the policy allows ${options.policy.jobs}`;
      return await refuse(bus, options, incarnation, id, reason);
    }
    const one = new RunningJob(bus, options, incarnation, job, message.storedMs, before);
    running.set(id, one);
    const end = one.run().catch((error) => tell(`ERROR: job ${id}: ${error.message}\n`))
      .finally(() => {
        running.delete(id);
        ends.delete(end);
      });
    ends.add(end);
  };

  for await (const message of bus.follow("jobs", ["*"], signal)) {
    // A job must not wait for the answers of another one, nor end the agent.
    take(message).catch((error) => tell(`WARNING: ${(error as Error).message}\n`));
  }
  for (const one of running.values()) one.stop(AGENT_ENDED);
  await Promise.all(ends);
}

/** What this host has answered about a job before, maybe in an earlier life. */
async function answered(bus: Bus, id: string, host: string): Promise<Answer | undefined> {
  const last = await bus.last("answers", [id, host]);
  try {
    return last && readAnswer(last.text);
  } catch {
    return undefined;
  }
}

async function refuse(
  bus: Bus,
  { host, labels }: AgentOptions,
  incarnation: number,
  id: string,
  reason: string,
): Promise<void> {
  const answer: Answer = {
    ...{ host, incarnation, labels, phase: "refused", reason, numbers: {}, records: 0, lost: {} },
  };
  await bus.store("answers", [id, host], JSON.stringify(answer));
}

/** A job on this host. */
class RunningJob {
  readonly #bus: Bus;
  readonly #options: AgentOptions;
  readonly #incarnation: number;
  readonly #job: Job;
  readonly #storedMs: number;
  readonly #writer = new SnapshotWriter();
  readonly #ending = new AbortController();
  /** Snapshots that the server does not have yet, by place: the newest of each. */
  readonly #waiting = new Map<string, EncodedSnapshot>();
  /** Texts that have not been published, and the number of the first one. */
  #texts: string[] = [];
  /** Characters of these texts. */
  #waitingSize = 0;
  #first = 0;
  /** Records of the current second. */
  #recent = 0;
  #lost: Record<string, number> = {};
  #reason = "";

  constructor(
    bus: Bus,
    options: AgentOptions,
    incarnation: number,
    job: Job,
    storedMs: number,
    before: Answer | undefined,
  ) {
    this.#bus = bus;
    this.#options = options;
    this.#incarnation = incarnation;
    this.#job = job;
    this.#storedMs = storedMs;
    this.#lost = { ...before?.lost };
    // What the agent before had gathered since its last snapshot is gone.
    if (before !== undefined && before.phase !== "ended") this.#lose("end of a run cut short", 1);
  }

  /** Ends the job; its results are published. */
  stop(reason: string): void {
    if (this.#reason === "") this.#reason = reason;
    this.#ending.abort();
  }

  /** Compiles and runs the script to its end, and publishes what it gathers. */
  async run(): Promise<void> {
    const { policy } = this.#options;
    const { script: text, params, unsafe, seconds } = this.#job;
    let trace: Trace;
    try {
      checkJob(this.#job, policy, Date.now());
      checkSyntax(parse(new Source("script", text)), policy);
      const leftMs = seconds * 1000 - await this.#age();
      if (leftMs <= 0) return;
      // A timer of this process, so that a job ends where no message can arrive.
      const timer = setTimeout(() => this.stop("its time is over"), leftMs);
      this.#ending.signal.addEventListener("abort", () => clearTimeout(timer));
      trace = await start(text, {
        params,
        unsafe: unsafe && policy.unsafe,
        plane: "kernel",
        config: { printMapsOnExit: false },
        signal: this.#ending.signal,
        accept: (script: Script) => checkScript(script, policy),
      });
    } catch (error) {
      this.#ending.abort();
      return await this.#answerSurely("refused", reasonOf(error));
    }
    await this.#follow(trace);
  }

  /** How long ago the job was published, by the server's clock alone. */
  async #age(): Promise<number> {
    await this.#answer("compiling", "");
    const own = await this.#bus.last("answers", [this.#job.id, this.#options.host]);
    return Math.max(0, (own?.storedMs ?? this.#storedMs) - this.#storedMs);
  }

  async #follow(trace: Trace): Promise<void> {
    using _times = new BpfProgramStats();
    await this.#answer("running", "").catch(() => {});
    const records = (async () => {
      for await (const record of trace) this.#take(record);
    })().catch(() => {});
    let ended = false;
    const done = trace.done.then(() => {
      this.stop("exit()");
    }, (error) => this.stop(reasonOf(error))).finally(() => ended = true);
    let [last, spent] = [performance.now(), 0n];
    while (!ended) {
      // The end of the trace aborts, too.
      await sleep(PUBLISH_MS, this.#ending.signal);
      if (this.#ending.signal.aborted) break;
      const now = performance.now();
      const run = trace.programTimeNs;
      this.#checkBudget(Number(run - spent) / 1e6 / (now - last) * 100);
      spent = run;
      this.#recent = Math.max(
        0,
        this.#recent - this.#options.policy.recordsPerSecond * (now - last) / 1000,
      );
      last = now;
      // What cannot be published now is part of the next snapshots.
      await this.#publish(trace).catch(() => {});
    }
    await done;
    await records;
    this.#countLosses(trace);
    const until = Date.now() + PATIENCE_MS;
    while (true) {
      try {
        await this.#publish(trace);
        break;
      } catch {
        if (Date.now() > until) break;
        await sleep(500);
      }
    }
    await this.#answerSurely("ended", this.#reason);
  }

  #checkBudget(percent: number): void {
    const { cpuPercent } = this.#options.policy;
    if (percent <= cpuPercent) return;
    const took = percent.toFixed(1);
    this.stop(
      `over budget: its programs took ${took} % of a CPU; the policy allows ${cpuPercent} %`,
    );
  }

  #countLosses({ stats, unread }: Trace): void {
    this.#lose("recursed", Number(stats.recursed + stats.recursionMisses));
    this.#lose("records without room", Number(stats.lostRecords) + unread);
    this.#lose("updates of a full map", Number(stats.failedUpdates));
    this.#lose("updates without memory", Number(stats.refusedUpdates));
    this.#lose("ticks of a clock", Number(stats.skippedTicks));
  }

  #lose(cause: string, count: number): void {
    if (count > 0) this.#lost[cause] = (this.#lost[cause] ?? 0) + count;
  }

  #take(record: TraceRecord): void {
    const text = textOfRecord(record);
    if (text === undefined) return;
    if (this.#recent >= this.#options.policy.recordsPerSecond) {
      return this.#lose("records over the limit", 1);
    }
    if (this.#waitingSize + text.length > MOST_WAITING) {
      return this.#lose("records without a server", 1);
    }
    this.#recent++;
    this.#waitingSize += text.length;
    this.#texts.push(text);
  }

  /** Publishes what has changed; resolves when the server has it. */
  async #publish(trace: Trace): Promise<void> {
    const { id } = this.#job;
    const { host } = this.#options;
    while (this.#texts.length > 0) {
      let size = 0;
      const count = this.#texts.findIndex((text) => (size += text.length) > BATCH);
      const texts = this.#texts.slice(0, count < 0 ? undefined : Math.max(1, count));
      await this.#bus.store(
        "records",
        [id, host, this.#incarnation],
        JSON.stringify({ first: this.#first, texts }),
      );
      this.#first += texts.length;
      this.#texts.splice(0, texts.length);
      this.#waitingSize -= texts.reduce((sum, one) => sum + one.length, 0);
    }
    for (const { map, shard, number, text } of this.#writer.changes(gathered(trace))) {
      const place = `${map}/${shard}`;
      if (new TextEncoder().encode(text).length > this.#bus.mostBytes) {
        // The collector misses the number, and says so.
        this.#waiting.delete(place);
        continue;
      }
      this.#waiting.set(place, { map, shard, number, text });
    }
    for (const [place, { map, shard, text }] of this.#waiting) {
      await this.#bus.store("maps", [id, host, this.#incarnation, `@${map}`, shard], text);
      this.#waiting.delete(place);
    }
  }

  async #answer(phase: Answer["phase"], reason: string): Promise<void> {
    const { host, labels } = this.#options;
    const answer: Answer = {
      host,
      incarnation: this.#incarnation,
      labels,
      phase,
      reason: reason.slice(0, 1 << 14),
      numbers: this.#writer.numbers,
      records: this.#first + this.#texts.length,
      lost: this.#lost,
    };
    await this.#bus.store("answers", [this.#job.id, host], JSON.stringify(answer));
  }

  /** Answers as soon as the server can be reached. */
  async #answerSurely(phase: Answer["phase"], reason: string): Promise<void> {
    for (const until = Date.now() + PATIENCE_MS; Date.now() < until;) {
      try {
        return await this.#answer(phase, reason);
      } catch {
        await sleep(500);
      }
    }
  }
}

/** Maps of a script; tseries(), which cannot be merged, was refused. */
function gathered({ maps }: Trace): GatheredMap[] {
  return Array.from(maps, (map) => ({
    name: map.name,
    rule: map.aggregation,
    rows: map.parts(),
  }));
}

/** A record as text; maps are published otherwise. */
function textOfRecord(record: TraceRecord): string | undefined {
  switch (record.type) {
    case "printf":
    case "time":
    case "cat":
    case "join":
    case "system":
      return record.text;
    case "value":
    case "map":
      return `${JSON.stringify(record, (_, one) => typeof one === "bigint" ? `${one}` : one)}\n`;
    case "error":
    case "warning":
      return `${record.file}:${record.line}:${record.column}: ${record.message}\n`;
    default:
      // Losses are counted at the end.
      return undefined;
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof ScriptError) {
    return error.diagnostics.map((one) => formatDiagnostic(one, error.source)).join("").trimEnd();
  }
  if (error instanceof Refusal || errorCode(error) !== undefined) return (error as Error).message;
  return `internal error: ${(error as Error).message}`;
}
