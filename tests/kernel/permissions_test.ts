// The README's table of capabilities, row by row: an ordinary user with the capabilities of a row
// succeeds, without any of them fails. The row of kprobe: and fentry: is tested on a kernel that
// has those probes: tests/vm/guest/permissions.ts.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { asNobody, buildProgram, ROOT, testWith } from "../helpers.ts";

/** One row of the table, with a command that needs its capabilities. */
interface Row {
  /** First column of the row, spelled as in the README. */
  readonly use: string;
  /** Second column of the row: the capabilities. */
  readonly capabilities: readonly string[];
  readonly args: readonly string[];
  /** True if the command is to look at a process that belongs to root. */
  readonly target?: boolean;
  /** Name of the tool to run; default btrace. */
  readonly tool?: string;
}

const END = "interval:ms:100 { exit(); } END { clear(@); }";

const ROWS: readonly Row[] = [
  {
    use: "`-c` and `-p` of own processes",
    capabilities: [],
    args: ["-c", "true", "-e", "syscall:execve:return { @ = count(); }"],
  },
  {
    use: "`interval:`, `BEGIN`, `END`",
    capabilities: [],
    args: ["-e", "interval:ms:10 { exit(); }"],
  },
  {
    use: "system calls, `rawtracepoint:`, `profile:` of everybody",
    capabilities: ["CAP_BPF", "CAP_PERFMON"],
    args: ["-e", `syscall:openat:entry, profile:hz:99, rawtracepoint:sched_switch { @++; } ${END}`],
  },
  {
    use: "`uprobe:`, `usdt:`, `watchpoint:`, `iter:`",
    capabilities: ["CAP_BPF", "CAP_PERFMON"],
    args: ["-e", `uprobe:libc:malloc, watchpoint:0x1000:8:w { @ = count(); } ${END}`],
  },
  {
    use: "`uprobe:`, `usdt:`, `watchpoint:`, `iter:`",
    capabilities: ["CAP_BPF", "CAP_PERFMON"],
    args: ["-e", `iter:task { @ = count(); }`],
  },
  {
    use: "`proc:` with arguments of everybody",
    capabilities: ["CAP_BPF", "CAP_PERFMON"],
    args: ["--plane", "kernel", "-e", `proc:process:exec { @[str(args.path)] = count(); } ${END}`],
  },
  {
    use: "other events of tracefs",
    capabilities: ["CAP_BPF", "CAP_PERFMON", "CAP_DAC_READ_SEARCH"],
    args: ["-e", `tracepoint:sched:sched_switch { @[args.prev_comm] = count(); } ${END}`],
  },
  {
    use: "names of kernel functions",
    capabilities: ["CAP_SYSLOG"],
    args: ["-e", 'BEGIN { print(kaddr("vfs_read") > 0); }'],
  },
  {
    use: "`-p` of other users' processes, without BPF",
    capabilities: ["CAP_SYS_PTRACE"],
    args: ["-e", `syscall:getppid:entry { @ = count(); } ${END}`],
    target: true,
  },
  {
    use: "`ktrace` of own commands and processes",
    capabilities: [],
    args: ["-f", "/dev/null", "true"],
    tool: "ktrace",
  },
  {
    use: "`ktrace -t w`, which does not wait",
    capabilities: ["CAP_BPF", "CAP_PERFMON"],
    args: ["-t", "w", "-f", "/dev/null", "true"],
    tool: "ktrace",
  },
];

testWith("the README's capabilities are enough, and each is needed", [
  "root",
  "setpriv",
  "gcc",
  "tracefs",
], () => {
  const readme = Deno.readTextFileSync(`${ROOT}README.md`);
  const program = buildProgram("threads", "-pthread");
  const target = new Deno.Command(program, { args: ["100000"], stdout: "null" }).spawn();
  try {
    for (const { use, capabilities, args, target: wants, tool } of ROWS) {
      const line = readme.split("\n").find((one) => one.startsWith(`| ${use} `));
      assert(line !== undefined, `${use} is not in the README`);
      const named = line.match(/CAP_\w+/g) ?? [];
      assertEquals(named, [...capabilities], use);
      const all = wants ? ["-p", `${target.pid}`, ...args] : args;
      const enough = asNobody(all, capabilities, tool);
      assertEquals(enough.code, 0, `${use}: ${enough.stderr}`);
      for (const one of capabilities) {
        const less = asNobody(all, capabilities.filter((other) => other !== one), tool);
        assertEquals(less.code, 1, `${use} without ${one}: ${less.stdout}`);
        assertStringIncludes(less.stderr, "ERROR: ");
      }
    }
  } finally {
    target.kill("SIGKILL");
    target.unref();
  }
});
