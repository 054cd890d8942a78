// A fleet on one machine: a server and three agents, to try the commands.

import { UsageError } from "../cli/command_line.ts";
import { write } from "../cli/terminal.ts";
import { runAgent } from "./agent.ts";
import { Bus } from "./bus.ts";
import type { Labels } from "./job.ts";
import { STRICT } from "./policy.ts";

/** Port of the demo's server, on the loopback interface alone. */
const PORT = 14222;
const NATS = `nats://127.0.0.1:${PORT}`;

/** The hosts of the demo with their labels. */
const AGENTS: Readonly<Record<string, Labels>> = {
  one: { role: "web", zone: "a" },
  two: { role: "web", zone: "b" },
  three: { role: "db", zone: "b" },
};

/**
 * Runs nats-server and three agents until the signal aborts.
 *
 * @throws {UsageError} There is no nats-server, or its port is taken.
 */
export async function demo(signal: AbortSignal): Promise<number> {
  const folder = Deno.makeTempDirSync({ prefix: "dt-fleet-" });
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.removeSync(folder, { recursive: true }));
  const server = startServer(folder);
  let ended = false;
  const end = server.status.then(() => ended = true);
  stack.defer(async () => {
    if (!ended) server.kill("SIGTERM");
    await end;
  });
  await reachable(signal);
  const policy = { ...STRICT, unsigned: true };
  const running = [];
  for (const [host, labels] of Object.entries(AGENTS)) {
    // Another server may have answered.
    if (ended) throw new UsageError(`nats-server has ended: is port ${PORT} taken?`);
    const bus = stack.use(await Bus.open({ servers: NATS, name: `dt fleet demo ${host}` }));
    running.push(runAgent(bus, { host, labels, policy }, signal));
  }
  write(Deno.stdout, `A fleet of three at ${NATS}; in another terminal:\n${EXAMPLE}`);
  await Promise.all(running);
  return 0;
}

const EXAMPLE = `    dt fleet hosts -n ${NATS}
    dt fleet run -n ${NATS} 'tracepoint:syscalls:sys_enter_openat { @[comm] = count(); }'
`;

function startServer(folder: string): Deno.ChildProcess {
  try {
    return new Deno.Command("nats-server", {
      args: ["-a", "127.0.0.1", "-p", `${PORT}`, "-js", "-sd", folder, "-l", `${folder}/log`],
      stdin: "null",
    }).spawn();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new UsageError("there is no nats-server: apt install nats-server");
  }
}

/** Waits until the server takes connections. */
async function reachable(signal: AbortSignal): Promise<void> {
  for (let i = 0; i < 100 && !signal.aborted; i++) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port: PORT })).close();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  if (!signal.aborted) throw new UsageError("nats-server takes no connections");
}
