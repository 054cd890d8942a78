// Tests where tools write: not where another user has pointed to. The folder of these tests is open to
// everybody and not sticky, so that the kernel's own protection (fs.protected_*) does not help.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { kernelTest, output, testWith, tool, toolCommand, until } from "../helpers.ts";

/** What each tool does with a file: its arguments in front of the path and behind it. */
const WRITERS: readonly { name: string; before: string[]; after: string[]; whole?: boolean }[] = [
  { name: "btrace", before: ["-o"], after: ["-e", 'BEGIN { printf("own text\\n"); exit(); }'] },
  { name: "ktrace", before: ["-f"], after: ["true"] },
  { name: "ktrace", before: ["--sync", "-f"], after: ["true"] },
  { name: "profile", before: ["-c", "true", "-o"], after: [], whole: true },
];

/** Runs a program as another user than root. */
function asOther(command: string, args: readonly string[]) {
  const user = ["--reuid", "65534", "--regid", "65534", "--clear-groups"];
  return output("setpriv", [...user, command, ...args]);
}

const VICTIM = "what was there\n";

interface Scene {
  /** A folder that all users may change. */
  readonly shared: string;
  /** A folder of root's. */
  readonly own: string;
  /** A file of root's with a text. */
  readonly victim: string;
}

function scene(): Scene & Disposable {
  const [shared, own] = [Deno.makeTempDirSync(), Deno.makeTempDirSync({ dir: "/root" })];
  Deno.chmodSync(shared, 0o777);
  const victim = `${own}/victim`;
  Deno.writeTextFileSync(victim, VICTIM);
  return {
    shared,
    own,
    victim,
    [Symbol.dispose]() {
      for (const folder of [shared, own]) Deno.removeSync(folder, { recursive: true });
    },
  };
}

for (const { name, before, after, whole = false } of WRITERS) {
  const what = [name, ...before].join(" ");
  const write = (path: string) => tool(name, [...before, path, ...after]);

  testWith(`${what} follows no symbolic link of another user`, ["root", "setpriv"], () => {
    using place = scene();
    const path = `${place.shared}/out.svg`;
    assertEquals(asOther("ln", ["-s", place.victim, path]).code, 0);
    const { code, stderr } = write(path);
    assertEquals(code, 1);
    assertStringIncludes(stderr, "it is a symbolic link in a folder that others may change");
    assertEquals(stderr.trimEnd().split("\n").length, 1, stderr);
    assertEquals(Deno.readTextFileSync(place.victim), VICTIM);
  });

  testWith(`${what} writes into no file of another user`, ["root", "setpriv"], () => {
    using place = scene();
    const path = `${place.shared}/out.svg`;
    assertEquals(asOther("sh", ["-c", `umask 0; echo theirs > ${path}; exec 3< ${path}`]).code, 0);
    const theirs = Deno.openSync(path);
    const { code, stderr } = write(path);
    // A whole file gets the name; the other user's file is left alone.
    assertEquals(code, whole ? 0 : 1, stderr);
    if (!whole) assertStringIncludes(stderr, "it belongs to user 65534");
    const text = new Uint8Array(100);
    assertEquals(theirs.readSync(text), "theirs\n".length);
    theirs.close();
    if (whole) assertEquals(Deno.statSync(path).uid, 0);
  });

  testWith(`${what} does not write through another name of a file`, ["root"], () => {
    using place = scene();
    const path = `${place.shared}/out.svg`;
    Deno.writeTextFileSync(`${place.shared}/victim`, VICTIM);
    Deno.linkSync(`${place.shared}/victim`, path);
    assertEquals(write(path).code, whole ? 0 : 1);
    assertEquals(Deno.readTextFileSync(`${place.shared}/victim`), VICTIM);
  });

  testWith(`${what} makes files that nobody else reads, and follows own links`, ["root"], () => {
    using place = scene();
    const path = `${place.own}/out.svg`;
    Deno.symlinkSync("target.svg", path);
    assertEquals(write(path).code, 0);
    const target = Deno.statSync(`${place.own}/target.svg`);
    assertEquals((target.mode ?? 0) & 0o777, 0o600);
    assert(target.size > 0);
    assert(Deno.lstatSync(path).isSymlink);
  });
}

kernelTest("a tool that waits for a FIFO's reader hears signals", ["setpriv"], async () => {
  using place = scene();
  const path = `${place.own}/pipe`;
  output("mkfifo", [path]);
  for (const { name, before, after } of WRITERS.filter(({ whole }) => !whole)) {
    const [command, ...args] = toolCommand(name, [...before, path, ...after]);
    const options = { args, stdout: "piped", stderr: "piped" } as const;
    const waiting = new Deno.Command(command, options).spawn();
    await new Promise((resolve) => setTimeout(resolve, 700));
    waiting.kill("SIGTERM");
    assertEquals((await waiting.output()).code, 1);
    const writing = new Deno.Command(command, options).spawn();
    await new Promise((resolve) => setTimeout(resolve, 700));
    const bytes = new Uint8Array(await Deno.readFile(path));
    const { code, stderr } = await writing.output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    assert(bytes.length > 8);
  }
  const foreign = `${place.shared}/pipe`;
  asOther("mkfifo", [foreign]);
  for (const { name, before, after } of WRITERS) {
    const reader = new Deno.Command("cat", { args: [foreign], stdout: "piped" }).spawn();
    await until("cat waits", () => Deno.readTextFileSync(`/proc/${reader.pid}/comm`) === "cat\n");
    assertEquals(tool(name, [...before, foreign, ...after]).code, 1, name);
    try {
      reader.kill("SIGKILL");
    } catch {
      // The open and the close of the tool have ended it.
    }
    assertEquals((await reader.output()).stdout.length, 0);
  }
});
