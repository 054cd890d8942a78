// Pure: no I/O, no FFI.
// Messages of the control: jobs, what agents answer, what agents say of themselves. Each reader checks all
// that it reads, because anybody on the bus can write.

import {
  countFromJson,
  type Json,
  listFromJson,
  objectFromJson,
  textFromJson,
  WireError,
} from "./wire.ts";

/** Names with texts: the labels of a host, such as its role and its zone. */
export type Labels = Readonly<Record<string, string>>;

/** A script that hosts are to run. */
export interface Job {
  /** Id of the job. */
  readonly id: string;
  /** Tells that the job is to run, or that it is to stop. */
  readonly kind: "run" | "stop";
  /** Text of the script. */
  readonly script: string;
  /** Positional parameters of the script: $1, $2, … */
  readonly params: readonly string[];
  /** Labels that a host must have. */
  readonly labels: Labels;
  /** Seconds after which the job ends, from when it was published. */
  readonly seconds: number;
  /** True if the script may use unsafe functions, where the policy allows them. */
  readonly unsafe: boolean;
  /** Who has published the job: user and host, for people. */
  readonly owner: string;
  /** When the job was made, in ms since 1970, by the clock of its owner. */
  readonly issuedMs: number;
}

/** How far a host may be with a job. */
const PHASES = ["compiling", "running", "ended", "refused"] as const;
/** How far a host is with a job. */
export type Phase = typeof PHASES[number];

/** What a host answers about a job; a later answer takes the place of an earlier one. */
export interface Answer {
  /** Name of the host. */
  readonly host: string;
  /** Number of the agent's run, which grows. */
  readonly incarnation: number;
  /** Labels of the host. */
  readonly labels: Labels;
  /** How far the host is. */
  readonly phase: Phase;
  /** Why the job ended or was refused; with the place in the script. */
  readonly reason: string;
  /** Numbers of the last snapshots by `map/shard`; complete when the job has ended. */
  readonly numbers: Readonly<Record<string, number>>;
  /** Number of records that the script has put out. */
  readonly records: number;
  /** What was not seen or not sent, with how often. */
  readonly lost: Readonly<Record<string, number>>;
}

/** What is known of a host, and what of its results is missing. */
export interface HostReport {
  /** Name of the host. */
  readonly host: string;
  /** How far the host is; "silent" without any answer. */
  readonly phase: Answer["phase"] | "silent";
  /** Why the job ended or was refused. */
  readonly reason: string;
  /** What was not seen or not sent, with how often. */
  readonly lost: Readonly<Record<string, number>>;
  /** Shards of maps whose last snapshot has not arrived, as `map/shard`. */
  readonly missing: readonly string[];
}

/** What an agent says of itself. */
export interface HostInfo {
  /** Name of the host. */
  readonly host: string;
  /** Labels of the host. */
  readonly labels: Labels;
  /** Ids of the jobs that run. */
  readonly jobs: readonly string[];
}

/** A record that a script has put out, as text. */
export interface RecordBatch {
  /** Number of the first record of the batch in its incarnation, from 0. */
  readonly first: number;
  /** Records in order: text as the script printed it, ends of lines included. */
  readonly texts: readonly string[];
}

/** Longest script in characters. */
const MOST_SCRIPT = 1 << 18;
/** Longest time that a job may run: 24 days, which timers can wait. */
export const MOST_SECONDS = 2_000_000;
/** Form of the ids of jobs. */
export const JOB_ID: RegExp = /^[0-9a-z]{1,32}$/;

/**
 * Reads the text of a job.
 *
 * @throws {WireError | SyntaxError} The text is no job.
 */
export function readJob(text: string): Job {
  const json = objectFromJson(JSON.parse(text), "a job");
  const { id, kind, unsafe } = json;
  if (typeof id !== "string" || !JOB_ID.test(id)) throw new WireError("a job without a valid id");
  if (kind !== "run" && kind !== "stop") throw new WireError("expected a job to run or to stop");
  return {
    id,
    kind,
    script: textFromJson(json.script, "a script", MOST_SCRIPT),
    params: listFromJson(json.params, "parameters").map((one) =>
      textFromJson(one, "a parameter", 4096)
    ),
    labels: labelsFromJson(json.labels),
    seconds: countFromJson(json.seconds, "seconds", MOST_SECONDS),
    unsafe: unsafe === true,
    owner: textFromJson(json.owner, "an owner"),
    issuedMs: countFromJson(json.issuedMs, "a time", Number.MAX_SAFE_INTEGER),
  };
}

/** Reads what a host answers about a job. */
export function readAnswer(text: string): Answer {
  const json = objectFromJson(JSON.parse(text), "an answer");
  const phase = PHASES.find((one) => one === json.phase);
  if (phase === undefined) throw new WireError("an answer without a phase");
  return {
    host: textFromJson(json.host, "a host"),
    incarnation: countFromJson(json.incarnation, "an incarnation", Number.MAX_SAFE_INTEGER),
    labels: labelsFromJson(json.labels),
    phase,
    reason: textFromJson(json.reason, "a reason", 1 << 16),
    numbers: countsFromJson(json.numbers),
    records: countFromJson(json.records, "a number of records", Number.MAX_SAFE_INTEGER),
    lost: countsFromJson(json.lost),
  };
}

/** Reads what an agent says of itself. */
export function readHostInfo(text: string): HostInfo {
  const { host, labels, jobs } = objectFromJson(JSON.parse(text), "a host");
  return {
    host: textFromJson(host, "a name"),
    labels: labelsFromJson(labels),
    jobs: listFromJson(jobs, "jobs").map((one) => textFromJson(one, "an id")),
  };
}

/** Reads a batch of records. */
export function readRecords(text: string): RecordBatch {
  const { first, texts } = objectFromJson(JSON.parse(text), "records");
  return {
    first: countFromJson(first, "a number", Number.MAX_SAFE_INTEGER),
    texts: listFromJson(texts, "records").map((one) => textFromJson(one, "a record", 1 << 20)),
  };
}

/** True if a host has all labels that a job asks for. */
export function matches(wanted: Labels, labels: Labels): boolean {
  return Object.entries(wanted).every(([name, value]) =>
    Object.hasOwn(labels, name) && labels[name] === value
  );
}

/**
 * Reads labels as the command line has them: `role=db,zone=a`.
 *
 * @throws {WireError} A label has no name or no value.
 */
export function parseLabels(text: string): Labels {
  const pairs = text.split(",").filter((one) => one !== "").map((one) => {
    const at = one.indexOf("=");
    if (at < 1 || at === one.length - 1) {
      throw new WireError(`Invalid label: '${one}': expected name=value`);
    }
    return [one.slice(0, at), one.slice(at + 1)] as const;
  });
  return Object.fromEntries(pairs);
}

/** Labels as the command line has them. */
export function labelsText(labels: Labels): string {
  return Object.entries(labels).map(([name, value]) => `${name}=${value}`).join(",");
}

function labelsFromJson(json: Json | undefined): Labels {
  return Object.fromEntries(
    Object.entries(objectFromJson(json, "labels")).map(([name, value]) =>
      [textFromJson(name, "a label"), textFromJson(value, "a label")] as const
    ),
  );
}

function countsFromJson(json: Json | undefined): Record<string, number> {
  return Object.fromEntries(
    Object.entries(objectFromJson(json, "numbers")).map(([name, value]) =>
      [name, countFromJson(value, "a number", Number.MAX_SAFE_INTEGER)] as const
    ),
  );
}
