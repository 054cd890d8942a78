// The command line of fleet.

import denoJson from "../../deno.json" with { type: "json" };
import { safeJson, safeText } from "../../core/safe_text.ts";
import { UsageError } from "../cli/command_line.ts";
import { abortOnSignals } from "../cli/signals.ts";
import { reportError, tell, write } from "../cli/terminal.ts";
import { runAgent } from "./agent.ts";
import { Bus, HOSTS } from "./bus.ts";
import { Collector } from "./collector.ts";
import { type HostInfo, type Job, labelsText, matches, readAnswer, readHostInfo } from "./job.ts";
import { makeKey, readSeed } from "./key.ts";
import { type FleetOptions, parseFleetOptions, USAGE } from "./options.ts";
import { hostsText, mapJson, mapText } from "./output.ts";
import { peekJob, type Policy, readPolicy, sealJob, STRICT } from "./policy.ts";

/**
 * Runs the tool fleet.
 *
 * @param args Command line arguments, without the program's name.
 * @returns Exit status.
 */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const options = parseFleetOptions(args);
    const ending = new AbortController();
    using _signals = abortOnSignals(ending);
    switch (options.command) {
      case "help":
        return write(Deno.stdout, USAGE);
      case "version":
        return write(Deno.stdout, `fleet v${denoJson.version}\n`);
      case "key":
        return await printNewKey(options);
      case "demo":
        return await (await import("./demo.ts")).demo(ending.signal, options.key);
    }
    const name = `dt fleet ${options.command}`;
    const seed = options.key === undefined ? undefined : readSeed(options.key);
    await using bus = await Bus.open({ ...options, servers: options.nats, name, seed });
    switch (options.command) {
      case "agent":
        return await agent(bus, options, ending.signal);
      case "run":
        return await run(bus, options, ending.signal);
      case "ps":
        return await listJobs(bus);
      case "hosts":
        return await listHosts(bus, options);
      case "stop":
        return await stop(bus, options);
      default:
        return await top(bus, options, ending.signal);
    }
  } catch (error) {
    return reportError(error, "fleet");
  }
}

async function agent(bus: Bus, options: FleetOptions, signal: AbortSignal): Promise<number> {
  const host = options.host ?? Deno.hostname();
  const policy = policyOf(options);
  if (policy.signers.length === 0 && !policy.unsigned) {
    throw new UsageError("the agent trusts nobody: give --signer KEY, --policy FILE or --unsigned");
  }
  tell(`Agent ${host} at ${options.nats}\n`);
  await runAgent(bus, { host, labels: options.labels, policy }, signal);
  return 0;
}

function policyOf({ policy: path, signers, unsigned }: FleetOptions): Policy {
  let policy = STRICT;
  if (path !== undefined) {
    try {
      policy = readPolicy(Deno.readTextFileSync(path));
    } catch (error) {
      throw new UsageError(`cannot use the policy ${path}: ${(error as Error).message}`);
    }
  }
  return {
    ...policy,
    signers: [...policy.signers, ...signers],
    unsigned: policy.unsigned || unsigned,
  };
}

/** Makes a key and prints its public part. */
async function printNewKey({ rest: [path] }: FleetOptions): Promise<number> {
  if (path === undefined) throw new UsageError("key needs the name of a file");
  return write(Deno.stdout, `${(await makeKey(path)).publicKey}\n`);
}

function newJob(
  options: FleetOptions,
  fields: Pick<Job, "id" | "kind" | "script" | "params">,
): Job {
  const { labels, seconds, unsafe } = options;
  const owner = `${Deno.env.get("USER") ?? Deno.uid()}@${Deno.hostname()}`;
  return { ...fields, labels, seconds, unsafe, owner, issuedMs: Date.now() };
}

async function publishJob(bus: Bus, options: FleetOptions, job: Job): Promise<void> {
  let sealed: string;
  try {
    sealed = sealJob(job, bus.nats.nkeys, bus.seed);
  } catch (error) {
    throw new UsageError(`cannot sign with ${options.key}: ${(error as Error).message}`);
  }
  await bus.store("jobs", [job.id], sealed);
}

/** How long agents have to say who they are. */
const ASK_MS = 400;
/** How long after its end a job's results are waited for. */
const GRACE_MS = 10_000;

async function agents(bus: Bus, { labels }: FleetOptions): Promise<HostInfo[]> {
  const infos = (await bus.ask(HOSTS, ASK_MS)).flatMap((text) => {
    try {
      return [readHostInfo(text)];
    } catch {
      return [];
    }
  });
  return infos.filter((info) => matches(labels, info.labels));
}

async function run(bus: Bus, options: FleetOptions, signal: AbortSignal): Promise<number> {
  const [text, ...params] = options.script === undefined
    ? options.rest
    : [readScript(options.script), ...options.rest];
  if (text === undefined) throw new UsageError("run needs a script", true);
  const hosts = await agents(bus, options);
  if (hosts.length === 0) {
    const wanted = labelsText(options.labels);
    throw new UsageError(`no agent answers${wanted === "" ? "" : ` that has ${wanted}`}`);
  }
  const id = crypto.randomUUID().replaceAll("-", "").slice(0, 12);
  const collector = new Collector(bus, id, recordWriter(options));
  try {
    collector.expect(hosts.map(({ host }) => host));
    await publishJob(bus, options, newJob(options, { id, kind: "run", script: text, params }));
    tell(`Job ${id} on ${hosts.length} host${hosts.length === 1 ? "" : "s"}\n`);
    await watch(collector, options, signal, options.seconds * 1000 + GRACE_MS);
    if (!collector.complete) {
      await publishJob(bus, options, newJob(options, { id, kind: "stop", script: "", params: [] }));
      await collector.wait(GRACE_MS / 2, new AbortController().signal);
    }
    return report(collector, options);
  } finally {
    await collector.end();
  }
}

function readScript(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    throw new UsageError(`cannot read the script ${path}: ${(error as Error).message}`);
  }
}

function recordWriter({ json, top }: FleetOptions): (host: string, text: string) => void {
  return (host, text) => {
    if (json) return writeJson({ type: "record", host, text });
    if (top) return;
    for (const line of text.replace(/\n$/, "").split("\n")) {
      write(Deno.stdout, `${safeText(host)}: ${safeText(line)}\n`);
    }
  };
}

function writeJson(value: unknown): void {
  write(Deno.stdout, `${safeJson(JSON.stringify(value))}\n`);
}

/** Waits for the results; with --top the maps are shown meanwhile. */
async function watch(
  collector: Collector,
  options: FleetOptions,
  signal: AbortSignal,
  ms: number,
): Promise<void> {
  if (!options.top) return await collector.wait(ms, signal);
  const until = performance.now() + ms;
  while (!collector.complete && !signal.aborted && performance.now() < until) {
    await collector.wait(1000, signal);
    showNow(collector, options);
  }
}

function showNow(collector: Collector, options: FleetOptions): void {
  const maps = collector.maps.names.map((name) =>
    collector.maps.merged(name, groups(collector, options))
  );
  if (options.json) return maps.forEach((map) => writeJson(mapJson(map)));
  const rows = Deno.stdout.isTerminal() ? Deno.consoleSize().rows - 4 : 20;
  const clear = Deno.stdout.isTerminal() ? "\x1b[H\x1b[2J" : "";
  write(Deno.stdout, `${clear}${maps.map((map) => mapText(map, rows)).join("\n")}\n`);
}

function groups(
  collector: Collector,
  { by }: FleetOptions,
): ((host: string) => string) | undefined {
  if (by === undefined) return undefined;
  if (by === "host") return (host) => host;
  return (host) => {
    const labels = collector.labelsOf(host);
    return `${by}=${Object.hasOwn(labels, by) ? labels[by] : ""}`;
  };
}

/** Shows the maps, and on stderr what every host has to do with them. */
function report(collector: Collector, options: FleetOptions): number {
  const hosts = collector.hosts();
  for (const name of collector.maps.names) {
    const map = collector.maps.merged(name, groups(collector, options));
    if (options.json) writeJson(mapJson(map));
    else write(Deno.stdout, `\n${mapText(map)}`);
    for (const host of map.refused) {
      tell(`WARNING: @${name} of ${safeText(host)} is left out: it aggregates in another way\n`);
    }
  }
  if (options.json) writeJson({ type: "hosts", hosts, unreadable: collector.unreadable });
  else tell(hostsText(hosts, collector.unreadable));
  return collector.complete && hosts.every(({ phase }) => phase === "ended") ? 0 : 1;
}

async function top(bus: Bus, options: FleetOptions, signal: AbortSignal): Promise<number> {
  const job = await theJob(bus, options);
  const collector = new Collector(bus, job.id, () => {});
  try {
    await watch(collector, { ...options, top: true }, signal, job.seconds * 1000 + GRACE_MS);
    return report(collector, options);
  } finally {
    await collector.end();
  }
}

async function theJob(bus: Bus, { rest: [id], command }: FleetOptions): Promise<Job> {
  if (id === undefined) throw new UsageError(`${command} needs the id of a job`);
  const found = await bus.last("jobs", [id]);
  if (found === undefined) throw new UsageError(`there is no job ${id}`);
  return peekJob(found.text);
}

async function stop(bus: Bus, options: FleetOptions): Promise<number> {
  const { id } = await theJob(bus, options);
  await publishJob(bus, options, newJob(options, { id, kind: "stop", script: "", params: [] }));
  return 0;
}

/** Jobs that are retained, with how many hosts are how far. */
async function listJobs(bus: Bus): Promise<number> {
  const answers = new Map<string, string[]>();
  for (const { words: [id], text } of await bus.all("answers", ["*", "*"])) {
    try {
      answers.getOrInsertComputed(id, () => []).push(readAnswer(text).phase);
    } catch {
      // Not an answer of an agent.
    }
  }
  for (const { words: [id], text } of await bus.all("jobs", ["*"])) {
    try {
      const { kind, owner, seconds, script } = peekJob(text);
      const phases = Map.groupBy(answers.get(id) ?? [], (phase) => phase);
      const counts = [...phases].map(([phase, list]) => `${list.length} ${phase}`).join(", ");
      const line = safeText(script.trim().replace(/\s+/g, " ").slice(0, 60));
      const what = kind === "stop" ? "stopped" : `${seconds} s  ${line}`;
      write(Deno.stdout, `${safeText(id)}  ${safeText(owner)}  ${counts || "no host"}  ${what}\n`);
    } catch {
      // Not a job of this tool.
    }
  }
  return 0;
}

async function listHosts(bus: Bus, options: FleetOptions): Promise<number> {
  const hosts = (await agents(bus, options)).sort((a, b) => a.host < b.host ? -1 : 1);
  for (const { host, labels, jobs } of hosts) {
    const line = `${host}  ${labelsText(labels) || "-"}  ${jobs.join(" ") || "-"}`;
    write(Deno.stdout, `${safeText(line)}\n`);
  }
  return 0;
}
