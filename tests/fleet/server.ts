// A nats-server and agents for tests, each a process that ends with its owner.

import { assert } from "@std/assert";
import { output, toolCommand } from "../helpers.ts";

/** A nats-server with a folder of its own, on a port of its own. */
export class Server implements AsyncDisposable {
  readonly #folder = Deno.makeTempDirSync();
  #port = 0;
  #child?: Deno.ChildProcess;

  /** Starts a server and waits until it takes connections. */
  static async start(): Promise<Server> {
    const server = new Server();
    using probe = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    server.#port = probe.addr.port;
    probe.close();
    await server.restart();
    return server;
  }

  /** Address of the server. */
  get url(): string {
    return `nats://127.0.0.1:${this.#port}`;
  }

  /** Starts the server again, with what it has stored. */
  async restart(): Promise<void> {
    this.#child = new Deno.Command("nats-server", {
      args: ["-a", "127.0.0.1", "-p", `${this.#port}`, "-js", "-sd", this.#folder],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    await until("the server takes connections", async () => {
      try {
        (await Deno.connect({ hostname: "127.0.0.1", port: this.#port })).close();
        return true;
      } catch {
        return false;
      }
    });
  }

  /** Ends the server. */
  async stop(): Promise<void> {
    this.#child?.kill("SIGTERM");
    await this.#child?.status;
    this.#child = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    Deno.removeSync(this.#folder, { recursive: true });
  }
}

/** An agent in a process of its own. */
export class Agent implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  #errors = "";
  #ended = false;
  readonly #reading: Promise<void>;

  private constructor(url: string, args: readonly string[]) {
    const [command, ...rest] = toolCommand("fleet", ["agent", "-n", url, ...args]);
    const child = new Deno.Command(command, {
      args: rest,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    this.#child = child;
    this.#reading = (async () => {
      for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
        this.#errors += text;
      }
    })();
  }

  /** Starts an agent and waits until it has connected. */
  static async start({ url }: Server, ...args: readonly string[]): Promise<Agent> {
    const agent = new Agent(url, args);
    await until("an agent has started", () => agent.errors.includes("Agent "));
    return agent;
  }

  /** Ids of the programs of BPF that the agent holds. */
  get programs(): number[] {
    return programsOf(this.#child.pid);
  }

  /** What the agent has written on stderr. */
  get errors(): string {
    return this.#errors;
  }

  /** Ends the agent; returns its status. */
  async stop(signal: Deno.Signal = "SIGTERM"): Promise<number> {
    if (!this.#ended) this.#child.kill(signal);
    this.#ended = true;
    const [{ code }] = await Promise.all([this.#child.status, this.#reading]);
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** Result of a command of fleet. */
export interface Result {
  /** Exit status. */
  readonly code: number;
  /** What the command has written on stdout. */
  readonly stdout: string;
  /** What the command has written on stderr. */
  readonly stderr: string;
}

/** Runs a command of fleet to its end while this process goes on. */
export async function fleet({ url }: Server, ...args: readonly string[]): Promise<Result> {
  const [name, ...rest] = args;
  const [command, ...all] = toolCommand("fleet", [name, "-n", url, ...rest]);
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args: all,
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}

/** Objects of a run with -f json. */
export function objectsOf({ stdout }: Result): Record<string, unknown>[] {
  return stdout.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}

/** Waits until something holds, at most 30 s. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
): Promise<void> {
  for (let i = 0; i < 300; i++) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert(false, `not within 30 s: ${what}`);
}

/** Ids of all programs of BPF in the kernel. */
export function programsOfBpf(): number[] {
  const { stdout } = output("bpftool", ["-j", "prog", "list"]);
  return (JSON.parse(stdout) as { id: number }[]).map(({ id }) => id);
}

/** Ids of the programs of BPF that a process has descriptors of. */
function programsOf(pid: number): number[] {
  const ids = new Set<number>();
  for (const { name } of Deno.readDirSync(`/proc/${pid}/fdinfo`)) {
    try {
      const text = Deno.readTextFileSync(`/proc/${pid}/fdinfo/${name}`);
      const id = /^prog_id:\s*(\d+)$/m.exec(text)?.[1];
      if (id !== undefined) ids.add(Number(id));
    } catch {
      // The descriptor was closed meanwhile.
    }
  }
  return [...ids];
}
