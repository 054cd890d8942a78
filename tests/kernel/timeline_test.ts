// Timelines of kdump and kmonitor, on each way of recording.

import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  buildProgram,
  kernelTest,
  nobodyCommand,
  output,
  testWith,
  toolCommand,
} from "../helpers.ts";
import { recordsOf } from "../traces.ts";
import { readTimeline } from "../timelines.ts";

const SCRIPT = "trap : USR1; kill -USR1 $$; sh -c 'exit 3'; cat /dev/null; true";

/** Runs a command line and expects that nothing goes wrong. */
function run([command, ...args]: readonly string[], expected = ""): void {
  const { code, stderr } = output(command, args);
  assertEquals({ code, stderr }, { code: 0, stderr: expected });
}

/** Traces the script, and compares its timeline with kdump's records. */
function checkTrace(command: (args: string[]) => readonly string[], name: string): void {
  const folder = Deno.makeTempDirSync();
  try {
    Deno.chmodSync(folder, 0o777);
    const [file, timeline] = [`${folder}/${name}.kt`, `${folder}/timeline.json`];
    run(command(["-i", "-t", "A-wf", "-f", file, "sh", "-c", SCRIPT]));
    run(toolCommand("kdump", ["-f", file, "--perfetto", timeline]));
    const records = recordsOf(file);
    const { processes, labels, events } = readTimeline(timeline);
    const pids = new Set(records.map(({ pid }) => pid));
    assertEquals(new Set(processes.keys()), pids);
    // The first process has no parent in the trace.
    assertEquals(labels.size, pids.size - 1);
    const of = (category: string) => events.filter((event) => event.category === category);
    assertEquals(of("call").length, records.filter(({ type }) => type === "syscall").length);
    assertEquals(
      of("signal").map(({ name }) => name).sort(),
      records.filter(({ type }) => type === "psig").map(({ signal }) => signal).sort(),
    );
    const opened = of("call").find(({ args }) => (args.paths as string[])?.includes("/dev/null"));
    assert(opened !== undefined);
    assertMatch(String(opened.args.call), /^openat\(AT_FDCWD,/);
    assertMatch(String(opened.args.result), /^\d$/);
    const programs = of("program").map(({ name }) => name);
    assert(programs.includes("cat /dev/null"), `${programs}`);
    assert(programs.includes("sh -c exit 3"), `${programs}`);
    // The loader runs in the program, and the program's slice is as long as the process.
    const cat = of("program").find(({ name }) => name === "cat /dev/null")!;
    assert(
      of("call").filter(({ tid, start }) =>
        tid === cat.tid && start >= cat.start && start <= cat.start + cat.duration
      ).length > 5,
    );
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

kernelTest("kdump --perfetto shows a trace of the kernel", [], () => {
  checkTrace((args) => toolCommand("ktrace", args), "kernel");
});

testWith("kdump --perfetto shows a trace by ptrace", [], () => {
  checkTrace((args) => toolCommand("ktrace", ["--sync", ...args]), "sync");
});

testWith("kdump --perfetto shows an unprivileged trace", [], () => {
  checkTrace((args) => nobodyCommand(args, [], "ktrace"), "nobody");
});

testWith(
  "kdump --perfetto shows switches, faults and threads, in a file of its own",
  ["gcc"],
  () => {
    const folder = Deno.makeTempDirSync();
    try {
      const timeline = `${folder}/timeline.json`;
      const empty = `${folder}/empty`;
      Deno.writeFileSync(empty, new Uint8Array());
      run(toolCommand("kdump", ["-f", empty, "--perfetto", timeline]));
      assertEquals(readTimeline(timeline).events, []);
      assertEquals(Deno.statSync(timeline).mode! & 0o777, 0o600);
      for (const which of ["freebsd1", "netbsd2", "openbsd"]) {
        const { stdout } = new Deno.Command(buildProgram("ktrace_structs"), { args: [which] })
          .outputSync();
        const file = `${folder}/${which}`;
        Deno.writeFileSync(file, stdout);
        run(toolCommand("kdump", ["-f", file, "--perfetto", timeline]));
        const { events } = readTimeline(timeline);
        assert(events.some(({ category, name }) => category === "call" && name === "openat"));
        assert(events.some(({ category }) => category === "signal"));
      }
      const { code, stderr } = output(
        ...first(toolCommand("kdump", ["-f", empty, "--perfetto", "/no/such/file"])),
      );
      assertEquals(code, 1);
      assertEquals(stderr, "ERROR: Cannot write '/no/such/file': No such file or directory\n");
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  },
);

function first([command, ...args]: readonly string[]): [string, string[]] {
  return [command, args];
}

for (const source of ["kernel", "ptrace", "connector"]) {
  kernelTest(`kmonitor --timeline shows who ran when, by ${source}`, [], () => {
    const timeline = Deno.makeTempFileSync();
    try {
      const command =
        `sh -c 'sleep 0.2; sh -c "sleep 0.1; exit 3"; sh -c "sleep 0.1; kill -9 \\$\\$"; true'`;
      run(
        toolCommand("kmonitor", [
          ...["--source", source, "-f", "-q", "--timeline", timeline, "-c", command],
        ]),
        "Killed\n",
      );
      const { processes, events } = readTimeline(timeline);
      const slept = events.find(({ name }) => name === "sleep 0.2")!;
      assert(slept.duration > 190_000 && slept.duration < 5_000_000, `${slept.duration}`);
      assertEquals(slept.args.status, 0);
      assertEquals(processes.get(slept.pid), "sleep");
      const killed = events.find(({ args }) => args.signal === 9);
      assertMatch(killed!.name, /^sh -c sleep 0.1; kill -9/);
      assertEquals(events.find(({ name }) => name === "sh -c sleep 0.1; exit 3")!.args.status, 3);
    } finally {
      Deno.removeSync(timeline);
    }
  });
}
