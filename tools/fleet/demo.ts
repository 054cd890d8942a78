// A fleet on one machine: a server and three agents, to try the commands. Other users of the machine can
// reach its port, so the server admits, and the agents obey, whoever has the demo's key.

import { UsageError } from "../cli/command_line.ts";
import { write } from "../cli/terminal.ts";
import { runAgent } from "./agent.ts";
import { Bus } from "./bus.ts";
import type { Labels } from "./job.ts";
import { ownKey } from "./key.ts";
import { STRICT } from "./policy.ts";

/** Port of the demo's server, on the loopback interface alone. */
const PORT = 14222;
const NATS = `nats://127.0.0.1:${PORT}`;

/** File of the demo's key, if the command line names none. */
const KEY_FILE = "fleet-demo.key";

/** The hosts of the demo with their labels. */
const AGENTS: Readonly<Record<string, Labels>> = {
  one: { role: "web", zone: "a" },
  two: { role: "web", zone: "b" },
  three: { role: "db", zone: "b" },
};

/**
 * Runs nats-server and three agents until the signal aborts.
 *
 * @param path File of the key that is admitted; made, and removed at the end, where there is none.
 * @throws {UsageError} There is no nats-server, or its port is taken; the key cannot be used.
 */
export async function demo(signal: AbortSignal, path: string = KEY_FILE): Promise<number> {
  await using stack = new AsyncDisposableStack();
  const { key: { seed, publicKey }, isNew } = await ownKey(path);
  if (isNew) stack.defer(() => Deno.removeSync(path));
  const folder = Deno.makeTempDirSync({ prefix: "dt-fleet-" });
  stack.defer(() => Deno.removeSync(folder, { recursive: true }));
  const server = startServer(folder, publicKey);
  let ended = false;
  const end = server.status.then(() => ended = true);
  stack.defer(async () => {
    if (!ended) server.kill("SIGTERM");
    await end;
  });
  const isOver = () => ended || signal.aborted;
  if (!await listens(folder, isOver)) {
    if (signal.aborted) return 0;
    throw new UsageError(`nats-server does not listen: is port ${PORT} taken?`);
  }
  const policy = { ...STRICT, signers: [publicKey] };
  const running = [];
  for (const [host, labels] of Object.entries(AGENTS)) {
    const name = `dt fleet demo ${host}`;
    const bus = stack.use(await Bus.open({ servers: NATS, name, seed }));
    running.push(runAgent(bus, { host, labels, policy }, signal));
  }
  write(Deno.stdout, `A fleet of three at ${NATS}; in another terminal:\n${example(path)}`);
  await Promise.all(running);
  return 0;
}

function example(path: string): string {
  return `    export NATS_URL=${NATS} DT_FLEET_KEY=${path}
    dt fleet hosts
    dt fleet run 'tracepoint:syscalls:sys_enter_openat { @[comm] = count(); }'
`;
}

/** Starts a server that admits one key. The folder, with all that the server keeps, is its owner's alone. */
function startServer(folder: string, publicKey: string): Deno.ChildProcess {
  const config = {
    ...{ host: "127.0.0.1", port: PORT, log_file: `${folder}/log`, ports_file_dir: folder },
    jetstream: { store_dir: folder },
    authorization: { users: [{ nkey: publicKey }] },
  };
  Deno.writeTextFileSync(`${folder}/server.conf`, JSON.stringify(config));
  try {
    return new Deno.Command("nats-server", {
      args: ["-c", `${folder}/server.conf`],
      stdin: "null",
    }).spawn();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new UsageError("there is no nats-server: apt install nats-server");
  }
}

/** Waits until our server has the port, which it tells by a file: another one might answer there. */
async function listens(folder: string, isOver: () => boolean): Promise<boolean> {
  for (let i = 0; i < 100 && !isOver(); i++) {
    if ([...Deno.readDirSync(folder)].some(({ name }) => name.endsWith(".ports"))) return true;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
}
