// What an agent is willing to run. A job is signed by an ed25519 key of NATS' kind; the text that was signed
// travels as it is.

import type { CompiledProbe, Script } from "../../language/compile.ts";
import type { Program } from "../../language/syntax/ast.ts";

import type { Nkeys } from "../cli/deps.ts";
import { type Job, MOST_SECONDS, readJob } from "./job.ts";
import {
  countFromJson,
  type Json,
  listFromJson,
  objectFromJson,
  textFromJson,
  WireError,
} from "./wire.ts";

/** What an agent is willing to run. */
export interface Policy {
  /** Public keys whose jobs are run: `U…`. */
  readonly signers: readonly string[];
  /** True if jobs without a signature are run. */
  readonly unsigned: boolean;
  /** Patterns of names of probes, in which `*` stands for anything. */
  readonly probes: readonly string[];
  /** True if jobs may use unsafe functions. */
  readonly unsafe: boolean;
  /** True if scripts may read files of the host: cat(), import, #include. */
  readonly files: boolean;
  /** Most seconds that a job may run. */
  readonly seconds: number;
  /** Most jobs at a time. */
  readonly jobs: number;
  /** Most bytes that the maps of a script may take. */
  readonly mapBytes: number;
  /** Most records in a second; the others are counted as lost. */
  readonly recordsPerSecond: number;
  /** Most time that the programs of a job may take, in percent of one CPU. */
  readonly cpuPercent: number;
}

/** The policy of an agent that was told nothing: nobody may run anything. */
export const STRICT: Policy = {
  signers: [],
  unsigned: false,
  probes: ["*"],
  unsafe: false,
  files: false,
  seconds: 3600,
  jobs: 8,
  mapBytes: 256 << 20,
  recordsPerSecond: 1000,
  cpuPercent: 20,
};

/** Why an agent does not run a job. */
export class Refusal extends Error {}

/**
 * Reads a policy, whose absent members are those of {@linkcode STRICT}.
 *
 * @throws {WireError | SyntaxError} The text is no policy, or has a member that there is not.
 */
export function readPolicy(text: string): Policy {
  const json = objectFromJson(JSON.parse(text), "a policy");
  const read: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(json)) {
    if (!Object.hasOwn(STRICT, name)) {
      throw new WireError(`a policy has no '${name}'; it has ${Object.keys(STRICT).join(", ")}`);
    }
    const model = STRICT[name as keyof Policy];
    if (Array.isArray(model)) {
      read[name] = listFromJson(value, name).map((one) => textFromJson(one, name));
    } else if (typeof model === "number") {
      read[name] = countFromJson(value, name, name === "seconds" ? MOST_SECONDS : 2 ** 40);
    } else if (typeof value === "boolean") read[name] = value;
    else throw new WireError(`${name} is true or false`);
  }
  return { ...STRICT, ...read };
}

/** A job as it travels: its text, and who vouches for it. */
export function sealJob(job: Job, nkeys: Nkeys, seed: Uint8Array | undefined): string {
  const body = JSON.stringify(job);
  if (seed === undefined) return JSON.stringify({ body });
  const pair = nkeys.fromSeed(seed);
  const signature = pair.sign(new TextEncoder().encode(body)).toBase64();
  return JSON.stringify({ body, key: pair.getPublicKey(), signature });
}

/**
 * Opens a job that has arrived.
 *
 * @throws {Refusal} The policy does not trust whoever has sent it.
 * @throws {WireError | SyntaxError} The text is no job.
 */
export function openJob(text: string, nkeys: Nkeys, policy: Policy): Job {
  const { body: bodyJson, key, signature } = unseal(text);
  const body = textFromJson(bodyJson, "a job", 1 << 20);
  if (key === undefined) {
    if (!policy.unsigned) throw new Refusal("the job is not signed");
  } else {
    const signer = textFromJson(key, "a key");
    if (!policy.signers.includes(signer)) {
      if (!policy.unsigned) throw new Refusal(`the policy does not have the signer ${signer}`);
    } else if (!isSigned(nkeys, signer, body, textFromJson(signature, "a signature"))) {
      throw new Refusal(`the signature is not that of ${signer}`);
    }
  }
  return readJob(body);
}

/** Reads a job without asking who has sent it: for showing it. */
export function peekJob(text: string): Job {
  return readJob(textFromJson(unseal(text).body, "a job", 1 << 20));
}

function unseal(text: string): Record<string, Json> {
  return objectFromJson(JSON.parse(text), "a sealed job");
}

function isSigned(nkeys: Nkeys, signer: string, body: string, signature: string): boolean {
  try {
    const bytes = Uint8Array.fromBase64(signature);
    return nkeys.fromPublic(signer).verify(new TextEncoder().encode(body), bytes);
  } catch {
    return false;
  }
}

/** How long a job may travel, and how far clocks may be apart. */
const SLACK_MS = 600_000;

/**
 * Looks at a job before its script is compiled.
 *
 * @param nowMs Time of this host.
 * @throws {Refusal} The policy does not allow the job.
 */
export function checkJob(job: Job, policy: Policy, nowMs: number): void {
  if (job.seconds > policy.seconds) {
    throw new Refusal(`the job asks for ${job.seconds} s; the policy allows ${policy.seconds} s`);
  }
  if (job.unsafe && !policy.unsafe) throw new Refusal("the policy allows no unsafe functions");
  const age = nowMs - job.issuedMs;
  if (age > job.seconds * 1000 + SLACK_MS || age < -SLACK_MS) {
    throw new Refusal(`the job was made ${Math.round(age / 1000)} s ago by this host's clock`);
  }
}

/** Looks at a script before it is compiled, which reads the files that the script names. */
export function checkSyntax(program: Program, { files }: Policy): void {
  if (files) return;
  const refuse = (what: string) => {
    throw new Refusal(`the policy allows no reading of files: ${what}`);
  };
  if (program.imports.length > 0) refuse("import");
  if (program.definitions.some(({ text }) => /[#\\]|\?\?=|%:/.test(text))) {
    refuse("C with a preprocessor");
  }
  eachCall(program, (name) => {
    if (name === "cat") refuse("cat()");
  });
}

function eachCall(program: Program, see: (name: string) => void): void {
  const bodies = [...program.clauses, ...program.functions, ...program.macros] as object[];
  const visit = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    if (Array.isArray(node)) return node.forEach(visit);
    const { kind, name } = node as { kind?: string; name?: unknown };
    if (kind === "call" && typeof name === "string") see(name);
    Object.values(node).forEach(visit);
  };
  visit(bodies);
}

/** Looks at a script that is compiled and not yet loaded. */
export function checkScript({ probes, maps }: Script, policy: Policy): void {
  const allowed = policy.probes.map(pattern);
  const wrong = probes.find(({ name }: CompiledProbe) =>
    !/^(BEGIN|END)$/i.test(name) && !allowed.some((one) => one.test(name))
  );
  if (wrong !== undefined) throw new Refusal(`the policy does not allow the probe ${wrong.name}`);
  const series = [...maps.values()].find(({ type: { value } }) =>
    value.kind === "aggregation" && value.name === "tseries"
  );
  if (series !== undefined) {
    throw new Refusal(
      `${series.type.name} is a tseries(), whose intervals are those of one machine's clock`,
    );
  }
  let bytes = 0;
  for (const { layout } of maps.values()) {
    const value = layout.valueSize * (layout.perCpu ? navigator.hardwareConcurrency : 1);
    bytes += layout.entries * (layout.keySize + value);
  }
  if (bytes > policy.mapBytes) {
    throw new Refusal(`the maps may take ${bytes} bytes; the policy allows ${policy.mapBytes}`);
  }
}

/** A pattern with stars as a regular expression. */
function pattern(text: string): RegExp {
  const parts = text.split("*").map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`);
}
