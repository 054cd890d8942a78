// -p finds the files of a process where the process sees them: in another mount namespace, and behind
// another root; pids are those of btrace's own pid namespace.

import { assertEquals, assertStringIncludes } from "@std/assert";
import { btrace, buildProgram, kernelTest, output, RunningBtrace, until } from "../helpers.ts";

const NEEDS = ["root", "gcc", "sdt.h", "unshare"] as const;

/** A process that waits for its standard input to end and then passes its probes. */
interface Waiting extends AsyncDisposable {
  readonly pid: number;
  go(): Promise<void>;
}

/** Runs a shell script in a mount namespace of its own; the script becomes `program`. */
async function inNamespace(script: string, program: string): Promise<Waiting> {
  const child = new Deno.Command("unshare", {
    args: ["-m", "sh", "-ec", script],
    stdin: "piped",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const { pid } = child;
  await until(
    `${program} runs`,
    () => Deno.readTextFileSync(`/proc/${pid}/comm`).trim() === program,
  );
  return {
    pid,
    go: () => child.stdin.close(),
    async [Symbol.asyncDispose]() {
      await child.stdin.close().catch(() => {});
      await child.status;
    },
  };
}

/** Ways to have files that nobody else sees; each ends in a process "inner" with a path of its own. */
const WAYS: readonly {
  readonly what: string;
  readonly path: (folder: string) => string;
  readonly script: (folder: string, program: string) => string;
}[] = [
  {
    what: "a mount of its own",
    path: (folder) => `${folder}/inner`,
    script: (folder, program) =>
      `mount -t tmpfs none ${folder}; cp ${program} ${folder}/inner; exec ${folder}/inner 3 wait`,
  },
  {
    what: "another root",
    path: () => "/inner",
    script: (folder, program) =>
      `mount -t tmpfs none ${folder}; cp ${program} ${folder}/inner; exec chroot ${folder} /inner 3 wait`,
  },
  {
    what: "pivot_root",
    path: () => "/bin/inner",
    script: (folder, program) =>
      `mount -t tmpfs none ${folder}; mkdir ${folder}/old ${folder}/real; cp ${program} ${folder}/real/inner; ` +
      `ln -s /real ${folder}/bin; cd ${folder}; pivot_root . old; exec /bin/inner 3 wait`,
  },
];

for (const { what, path, script } of WAYS) {
  kernelTest(`-p finds the files of a process with ${what}`, [...NEEDS], async () => {
    const program = buildProgram("static_probes", "-static", "-no-pie", "-g");
    const folder = Deno.makeTempDirSync();
    try {
      await using waiting = await inNamespace(script(folder, program), "inner");
      const { pid } = waiting;
      const inside = path(folder);
      const file = `/proc/${pid}/root${inside.replace("/bin/", "/real/")}`;
      const listed = btrace(["-p", `${pid}`, "-l", "usdt:*:demo:*"]);
      assertEquals(listed.stdout.split("\n").filter(Boolean), [
        `usdt:${file}:demo:guarded`,
        `usdt:${file}:demo:start`,
        `usdt:${file}:demo:twice`,
      ]);
      const named = `/proc/${pid}/root${inside}`;
      const text = `usdt::start { print(probe); print(arg0); print(ustack(1)); } ` +
        `usdt:${inside}:demo:guarded { @guarded = count(); } ` +
        `uprobe:${inside}:forms { print(probe); print((arg0, arg1)); print(args.b); print(func); } ` +
        `uprobe:*:forms { print(probe); } uprobe:${inside}:form* { print(probe); }`;
      await using running = new RunningBtrace(["-p", `${pid}`, "-e", text]);
      await running.attached();
      await waiting.go();
      const { stdout } = await running.result();
      const lines = stdout.split("\n").map((line) => line.trim()).filter(Boolean);
      const count = (line: string) => lines.filter((one) => one === line).length;
      assertEquals(count(`usdt:${file}:demo:start`), 3);
      assertEquals(lines.filter((line) => line.startsWith("main+")).length, 3);
      assertEquals(count("@guarded: 3"), 1);
      const ours = lines.filter((line) => line.startsWith("uprobe:"));
      assertEquals(
        ours.toSorted(),
        [named, named, file].toSorted().map((one) => `uprobe:${one}:forms`),
      );
      assertEquals([count("(7, 8)"), count("8"), count("forms")], [1, 1, 1]);
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  });
}

kernelTest("pid and tid are those of btrace's pid namespace", [...NEEDS], () => {
  const program = buildProgram("static_probes", "-static", "-no-pie", "-g");
  const script = `uprobe:${program}:forms { print((pid, tid, pid(curr_ns), pid == cpid, ` +
    `pid(init) > pid, curtask.tgid == pid(init))); }`;
  const { code, stdout, stderr } = output("unshare", [
    ...["-pf", "--mount-proc", Deno.execPath(), "run", "-A", "--no-check"],
    ...[new URL("../../tools/btrace.ts", import.meta.url).pathname],
    ...["-q", "-c", `${program} 1`, "-e", script],
  ]);
  assertEquals(code, 0, stderr);
  const [, pid] = /^\((\d+), /.exec(stdout) ?? [];
  assertStringIncludes(stdout, `(${pid}, ${pid}, ${pid}, true, true, true)`);
});
