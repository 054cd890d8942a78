// Tests what signals do to the tools: SIGUSR1 opens no debugger.

import { assert, assertEquals } from "@std/assert";
import { kernelTest, ROOT, toolCommand, until } from "../helpers.ts";

const SIGUSR1 = 10;

/** True if a process has a handler for a signal. */
function catches(pid: number, signal: number): boolean {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const mask = BigInt(`0x${/^SigCgt:\t([0-9a-f]+)/m.exec(status)![1]}`);
  return (mask >> BigInt(signal - 1) & 1n) === 1n;
}

/** Local addresses on which a process listens for TCP connections, as /proc/net/tcp has them. */
function listeningSockets(pid: number): string[] {
  const inodes = new Set<string>();
  for (const { name } of Deno.readDirSync(`/proc/${pid}/fd`)) {
    try {
      const target = Deno.readLinkSync(`/proc/${pid}/fd/${name}`);
      const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
      if (inode !== undefined) inodes.add(inode);
    } catch {
      // The descriptor was closed meanwhile.
    }
  }
  return Deno.readTextFileSync(`/proc/${pid}/net/tcp`).split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === "0A" && inodes.has(fields[9]))
    .map((fields) => fields[1]);
}

/** Deno installs its handler of SIGUSR1, which starts the inspector, this long after its start. */
const GRACE_MS = 500;

/** Sends SIGUSR1 before and after Deno's grace period and expects that nothing listens. */
async function assertNoDebugger(command: readonly string[]): Promise<void> {
  const child = new Deno.Command(command[0], {
    args: command.slice(1),
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const stderr = new Response(child.stderr).text();
  try {
    await until(`${command.join(" ")} catches SIGUSR1`, () => catches(child.pid, SIGUSR1));
    for (let i = 0; i < 4; i++) {
      child.kill("SIGUSR1");
      await new Promise((resolve) => setTimeout(resolve, GRACE_MS));
      assertEquals(listeningSockets(child.pid), [], command.join(" "));
    }
    // The signal has not ended the process either.
    assert(catches(child.pid, SIGUSR1));
    child.kill("SIGINT");
  } catch (error) {
    try {
      child.kill("SIGKILL");
    } catch {
      // The process has ended by itself.
    }
    const { code, signal } = await child.status;
    const end = `status ${code}, signal ${signal}, ${await stderr}`;
    throw new Error(`${command.join(" ")}: ${end}`, { cause: error });
  } finally {
    await child.status;
  }
  assert(!(await stderr).includes("Debugger"), await stderr);
}

kernelTest("SIGUSR1 opens no debugger in a tool", [], async () => {
  const trace = Deno.makeTempFileSync();
  try {
    await Promise.all([
      toolCommand("btrace", ["-e", "interval:s:60 { }"]),
      toolCommand("btrace", ["--plane", "user", "-c", "sleep 60", "-e", "interval:s:60 { }"]),
      toolCommand("profile", ["--plane", "kernel", "-a"]),
      toolCommand("kmonitor", []),
      toolCommand("ktrace", ["-f", trace, "sleep", "60"]),
      toolCommand("kdump", ["-l", "-f", trace]),
    ].map(assertNoDebugger));
  } finally {
    Deno.removeSync(trace);
  }
});

/** A program that opens a session by the library, and then waits. */
const LIBRARY = `
import { openDevice } from "${ROOT}core/mod.ts";
import { allProviders } from "${ROOT}providers/mod.ts";
Deno.addSignalListener("SIGUSR1", () => console.log("listener"));
using session = openDevice({ providers: allProviders(), keepSigusr1: KEEP }).open();
await new Promise((resolve) => setTimeout(resolve, 3000));
`;

kernelTest("SIGUSR1 opens no debugger in a program with a session", [], async () => {
  const file = Deno.makeTempFileSync({ suffix: ".ts" });
  try {
    Deno.writeTextFileSync(file, LIBRARY.replace("KEEP", "false"));
    await assertNoDebugger([Deno.execPath(), "run", "-A", file]);
    // A program with a listener of its own may keep the listener.
    Deno.writeTextFileSync(file, LIBRARY.replace("KEEP", "true"));
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", file],
      stdout: "piped",
      stderr: "null",
    }).spawn();
    await until("the listener is there", () => catches(child.pid, SIGUSR1));
    child.kill("SIGUSR1");
    const { stdout } = await child.output();
    assertEquals(new TextDecoder().decode(stdout), "listener\n");
  } finally {
    Deno.removeSync(file);
  }
});

kernelTest("signals while programs are loaded do not refuse the programs", [], async () => {
  const trace = Deno.makeTempFileSync();
  try {
    const [command, ...args] = toolCommand("ktrace", ["-f", trace, "true"]);
    const child = new Deno.Command(command, { args, stderr: "piped" }).spawn();
    const stderr = new Response(child.stderr).text();
    let ended = false;
    const status = child.status.finally(() => ended = true);
    await until("ktrace catches SIGUSR1", () => ended || catches(child.pid, SIGUSR1));
    let sent = 0;
    while (!ended) {
      try {
        child.kill("SIGUSR1");
        sent++;
      } catch {
        break; // It has ended.
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assertEquals([(await status).code, await stderr], [0, ""]);
    assert(sent > 20, `only ${sent} signals were sent`);
  } finally {
    Deno.removeSync(trace);
  }
});
