// deno-lint-ignore-file no-control-regex -- colours are what is looked for
// Tests of what people see on a terminal: one line for a mistake, colours, lines of its width, help.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { btrace, kernelTest, output, testWith, tool, toolCommand } from "../helpers.ts";

const TOOLS = ["btrace", "kdump", "kmonitor", "ktrace", "profile", "systrace"];

/** Runs a command on a terminal of so many columns; returns what it writes there. */
function onTerminal(
  command: readonly string[],
  columns: number,
  env: Record<string, string> = {},
): string {
  const quoted = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
  const { NO_COLOR: _, ...rest } = Deno.env.toObject();
  const { stdout } = output("script", [
    "-qec",
    `stty cols ${columns} rows 24; ${quoted}`,
    "/dev/null",
  ], {
    clearEnv: true,
    env: { ...rest, TERM: "xterm", PAGER: "cat", ...env },
  });
  // Deno clears the line on which it would tell of downloads.
  return stdout.replaceAll("\r\n", "\n").replace(/\x1b\[(0G|2K|J)/g, "");
}

/** Escape sequences of colours. */
const COLOUR = /\x1b\[[\d;]*m/g;

Deno.test("a wrong option is one line that names the help, and help has 80 columns", () => {
  for (const name of TOOLS) {
    const { code, stdout, stderr } = tool(name, ["--no-such-option"]);
    assertEquals([code, stdout, stderr], [
      1,
      "",
      `ERROR: unknown option --no-such-option: see ${name} --help\n`,
    ]);
    const help = tool(name, ["--help"]).stdout;
    assertEquals(help.split("\n").filter((line) => line.length > 80), [], name);
    assertMatch(help, /^USAGE:\n/);
  }
  const mistakes: [args: string[], message: string][] = [
    [["qqqqqqqq"], "no tool qqqqqqqq: see dt --help"],
    [["opensnop"], "no tool opensnop: did you mean opensnoop?"],
    [["--completions", "tcsh"], "No completions for 'tcsh': expected bash, zsh, fish"],
    [["--man", "/dev/null/man"], "Not a directory (os error 20): mkdir '/dev/null/man'"],
  ];
  for (const [args, message] of mistakes) {
    const { code, stderr } = tool("dt", args);
    assertEquals([code, stderr], [1, `ERROR: ${message}\n`]);
  }
  assertEquals(btrace(["opensnop"]).stderr.split("\n"), [
    "ERROR: failed to open file 'opensnop': No such file or directory",
    "HINT: did you mean the tool 'opensnoop'?",
    "",
  ]);
});

Deno.test("errors with --json are objects with their place", () => {
  const script = btrace(["--json", "-e", "BEGIN { print(1);\n  nope(2); }"]);
  assertEquals([script.code, script.stdout], [1, ""]);
  const { type, errors: [first] } = JSON.parse(script.stderr);
  assertEquals([type, first.file, first.line, first.severity], ["error", "stdin", 2, "error"]);
  const option = btrace(["opensnoop", "--json", "--nope"]);
  assertEquals(JSON.parse(option.stderr), {
    type: "error",
    message: "unknown option --nope",
    help: "btrace opensnoop --help",
  });
  assertEquals(option.code, 1);
});

testWith("-l says why it lists nothing, and what may be meant", ["tracefs"], () => {
  const reasons: Readonly<Record<string, RegExp>> = {
    "tracepoint:sched:sched_swich":
      /^NOTE: No matches for tracepoint sched:sched_swich; did you mean 'tracepoint:sched:sched_switch'\?\n$/,
    "nonsense:*": /Invalid probe type: nonsense; known probe types: /,
    "nosuchthing": /no probe has 'nosuchthing' in its name/,
    "uprobe:/bin/nosuch:*": /\/bin\/nosuch/,
  };
  for (const [search, reason] of Object.entries(reasons)) {
    const { code, stdout, stderr } = btrace(["-l", search]);
    assertEquals([search, code, stdout], [search, 0, ""]);
    assertMatch(stderr, reason);
  }
  assertEquals(btrace(["-l", "syscall:getppid:entry"]).stderr, "");
});

testWith("colours are for terminals alone, and NO_COLOR forbids them", ["script"], () => {
  const command = toolCommand("btrace", ["-e", "BEGIN { nope }"]);
  const seen = onTerminal(command, 80);
  assertMatch(seen, /stdin:1:9-13: \x1b\[1;31mERROR:\x1b\[0m Unknown identifier/);
  assertEquals(onTerminal(command, 80, { NO_COLOR: "1" }).match(COLOUR), null);
  assertEquals(onTerminal(command, 80, { TERM: "dumb" }).match(COLOUR), null);
  assertEquals(btrace(["-e", "BEGIN { nope }"]).stderr.match(COLOUR), null);
});

kernelTest("lines end where the terminal ends, and are whole in a pipe", ["root", "script"], () => {
  const long = "a".repeat(150);
  const folder = Deno.makeTempDirSync();
  const file = `${folder}/out`;
  assertEquals(tool("ktrace", ["-f", file, "cat", `/${long}`]).code, 1);
  const command = ["sh", "-c", `exec cat /${long} 2>/dev/null`].map((word) => `'${word}'`).join(
    " ",
  );
  const cases: readonly [string, string[]][] = [
    ["kdump", ["-f", file]],
    ["kmonitor", ["-c", command]],
  ];
  for (const [name, args] of cases) {
    const whole = tool(name, args).stdout;
    assert(whole.includes(long), name);
    assertEquals(whole.match(COLOUR), null);
    const shown = onTerminal(toolCommand(name, args), 70);
    assert((shown.match(COLOUR) ?? []).length > 2, name);
    const lines = shown.replace(COLOUR, "").split("\n");
    assertEquals(lines.filter((line) => [...line].length > 70 && !line.startsWith("\t")), [], name);
    assert(lines.some((line) => line.endsWith("…")), name);
  }
  const failed = onTerminal(
    toolCommand("systrace", ["-Z", "-e", "openat", "cat", "/nonsense"]),
    80,
  );
  assertMatch(
    failed,
    /"\/nonsense", O_RDONLY\) = \x1b\[31m-1 ENOENT \(No such file or directory\)\x1b\[0m\n/,
  );
  Deno.removeSync(folder, { recursive: true });
});
