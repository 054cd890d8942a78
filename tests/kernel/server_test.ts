// Traces a Deno server under load from outside: its tracepoints fire while it serves.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { kernelTest, ROOT, RunningBtrace } from "../helpers.ts";

/** A server in a process of its own, with tracepoints. */
class Server implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly url: string;

  private constructor(child: Deno.ChildProcess, port: string) {
    this.#child = child;
    this.url = `http://127.0.0.1:${port}`;
  }

  static async start(): Promise<Server> {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", `${ROOT}tests/testdata/http_server.ts`],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    let text = "";
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      if (text.includes("\n")) break;
    }
    return new Server(child, text.trim());
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Sends a number of requests, some at a time; fails unless every request is answered. */
  async load(count: number): Promise<void> {
    let next = 0;
    const client = async () => {
      for (let i = next++; i < count; i = next++) {
        const response = await fetch(`${this.url}/path/${i % 10}`);
        assertMatch(await response.text(), /^answer \d+$/);
      }
    };
    await Promise.all(Array.from({ length: 8 }, client));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.stdin.close();
    const { code } = await this.#child.status;
    assertEquals(code, 0);
  }
}

kernelTest("btrace sees every request of a server under load", [], async () => {
  await using server = await Server.start();
  await using tracer = new RunningBtrace([
    ...["-p", `${server.pid}`, "-e"],
    `static:http:request { @[str(arg0)] = count(); @requests = count(); @last = max(arg1); }
     static:http:done { @done = count(); @slow = max(arg1); }`,
  ]);
  await tracer.attached();
  await server.load(3000);
  const { code, stdout, stderr } = await tracer.stop();
  assertEquals(code, 0, stderr);
  const value = (name: string) => Number(new RegExp(`^${name}: (\\d+)$`, "m").exec(stdout)?.[1]);
  assertEquals([value("@requests"), value("@done"), value("@last")], [3000, 3000, 3000], stdout);
  for (let i = 0; i < 10; i++) assertMatch(stdout, new RegExp(`@\\[/path/${i}\\]: 300\n`));
  assert(value("@slow") >= 0);
});

kernelTest("a server goes on when its tracer is killed in the middle", [], async () => {
  await using server = await Server.start();
  await using tracer = new RunningBtrace([
    ...["-p", `${server.pid}`, "-e", "static:http:request { @[str(arg0)] = count(); }"],
  ]);
  await tracer.attached();
  const load = server.load(3000);
  await new Promise((resolve) => setTimeout(resolve, 100));
  await tracer.stop("SIGKILL");
  await load;
  // A second tracer attaches without any preparation.
  await using next = new RunningBtrace([
    ...["-p", `${server.pid}`, "-e", "static:http:request { @ = count(); }"],
  ]);
  await next.attached();
  await server.load(200);
  const { stdout } = await next.stop();
  assertEquals(stdout.trim(), "@: 200");
});
