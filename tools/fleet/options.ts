// Options of the command line.

import { readOptions, UsageError } from "../cli/command_line.ts";
import { type Labels, MOST_SECONDS, parseLabels } from "./job.ts";

/** The help text that --help prints. */
export const USAGE = `USAGE:
    fleet agent [options]                  on each host: run what is sent to it
    fleet run [options] 'SCRIPT' [ARGS]    run a script on all hosts, show one result
    fleet ps | hosts [options]             jobs that there are; agents
    fleet top | stop [options] ID          maps of a job that runs; end a job
    fleet key FILE                         make a key that signs jobs
    fleet demo                             a server and three agents on this machine

One script on many hosts, with exact results. Hosts and results meet at a
nats-server with JetStream.

OPTIONS:
    -n, --nats URLS      servers, comma separated [default: nats://127.0.0.1:4222]
        --creds FILE     credentials of a user of NATS
        --ca FILE        certificate of the authority of the servers' (tls://)
    -l, --labels LIST    agent: the labels of this host; run: those that a host
                         must have, as role=db,zone=a
        --host NAME      agent: name of this host [default: the system's]
        --policy FILE    agent: what may be run, as JSON: signers, unsigned,
                         probes, unsafe, files, seconds, jobs, mapBytes,
                         recordsPerSecond, cpuPercent
        --signer KEY     agent: run jobs that this key has signed (repeatable)
        --unsigned       agent: run jobs of anybody who can reach the server
    -s, --script FILE    run: read the script from a file
    -d, --duration S     run: seconds [default: 10]
    -k, --key FILE       run, stop: sign with this key; demo: admit this key,
                         which is made where there is none; servers may ask all
                         commands for it [default: $DT_FLEET_KEY]
        --by NAME        run, top: keep hosts apart: by host, or by the value of
                         a label
    -f, --format FORMAT  run, top: text, or json: an object for each record, each
                         map and the hosts [default: text]
        --top            run: show the maps while they change
        --unsafe         run: allow unsafe functions, where agents allow them
    -h, --help           show this help
    -V, --version        show the version

The exit status of run is 1 if any host has refused, is silent, or if a part of
its result is missing; which hosts those are is told on stderr.

EXAMPLES:
    fleet key ops.key
    fleet agent --signer UDXU… -l role=db,zone=a
    fleet run -k ops.key -l role=db 'tracepoint:syscalls:sys_enter_openat { @[comm] = count(); }'
`;

/** What a command line of fleet asks for. */
export interface FleetOptions {
  /** The command, or "help" or "version". */
  readonly command: string;
  /** What stands behind the command. */
  readonly rest: readonly string[];
  /** Addresses of servers, comma separated. */
  readonly nats: string;
  /** File with credentials, if any. */
  readonly creds?: string;
  /** File with a certificate, if any. */
  readonly ca?: string;
  /** Labels that a host has, or must have. */
  readonly labels: Labels;
  /** Name of this host. */
  readonly host?: string;
  /** File with the policy, if any. */
  readonly policy?: string;
  /** Public keys whose jobs are run. */
  readonly signers: readonly string[];
  /** True if jobs of anybody are run. */
  readonly unsigned: boolean;
  /** File with the script, if it is no argument. */
  readonly script?: string;
  /** Seconds that a job runs. */
  readonly seconds: number;
  /** File with the key that signs. */
  readonly key?: string;
  /** "host" or the name of a label. */
  readonly by?: string;
  /** True if the output is JSON. */
  readonly json: boolean;
  /** True to show maps while they change. */
  readonly top: boolean;
  /** True to allow unsafe functions. */
  readonly unsafe: boolean;
}

const COMMANDS = ["agent", "run", "ps", "hosts", "top", "stop", "key", "demo"];

/**
 * Reads a command line of fleet.
 *
 * @throws {UsageError} The command line is wrong.
 */
export function parseFleetOptions(args: readonly string[]): FleetOptions {
  const { text, all, flag, command: words } = readOptions(args, {
    string: [
      ...["nats", "creds", "ca", "labels", "host", "policy", "signer", "script", "duration"],
      ...["key", "by", "format"],
    ],
    boolean: ["unsigned", "top", "unsafe", "help", "version"],
    collect: ["signer"],
    others: "operands",
    alias: {
      nats: "n",
      labels: "l",
      script: "s",
      format: "f",
      duration: "d",
      key: "k",
      help: "h",
      version: "V",
    },
  });
  const [name = "", ...rest] = words;
  const command = flag("help") ? "help" : flag("version") ? "version" : name;
  if (!["help", "version", ...COMMANDS].includes(command)) {
    throw new UsageError(
      command === "" ? "no command" : `no command ${command}: expected ${COMMANDS.join(", ")}`,
      true,
    );
  }
  const duration = text("duration") ?? "10";
  const seconds = Number(duration);
  if (!/^\d+$/.test(duration) || seconds < 1 || seconds > MOST_SECONDS) {
    throw new UsageError(`Invalid duration: '${duration}': expected seconds up to ${MOST_SECONDS}`);
  }
  const format = text("format") ?? "text";
  if (format !== "text" && format !== "json") {
    throw new UsageError(`Invalid format: '${format}': expected text or json`);
  }
  return {
    command,
    rest,
    nats: text("nats") ?? Deno.env.get("NATS_URL") ?? "nats://127.0.0.1:4222",
    creds: text("creds"),
    ca: text("ca"),
    labels: labelsOf(text("labels") ?? ""),
    host: text("host"),
    policy: text("policy"),
    signers: all("signer"),
    unsigned: flag("unsigned"),
    script: text("script"),
    seconds,
    key: text("key") ?? Deno.env.get("DT_FLEET_KEY"),
    by: text("by"),
    json: format === "json",
    top: flag("top"),
    unsafe: flag("unsafe"),
  };
}

function labelsOf(text: string): Labels {
  try {
    return parseLabels(text);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
