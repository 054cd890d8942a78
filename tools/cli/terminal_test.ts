import { assertEquals, assertMatch } from "@std/assert";

/** Reports an error that nobody expects, as a program of its own. */
function report(verbose: boolean): { code: number; stderr: string } {
  const program = `import { reportError } from ${
    JSON.stringify(import.meta.resolve("./terminal.ts"))
  };
    Deno.exit(reportError(new TypeError("no\\x1b[2Jsuch thing"), "usage", { verbose: ${verbose} }));`;
  const { code, stderr } = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--quiet", program],
    env: { NO_COLOR: "1" },
    cwd: new URL("../..", import.meta.url),
  }).outputSync();
  return { code, stderr: new TextDecoder().decode(stderr) };
}

Deno.test("an error that nobody expects is one line, with its place; -v shows the stack", () => {
  const line = /^ERROR: internal error: TypeError: no\\x1b\[2Jsuch thing, at file:\S+:\d+:\d+\n/;
  const { code, stderr } = report(false);
  assertEquals([code, stderr.split("\n").length], [1, 2], stderr);
  assertMatch(stderr, line);
  assertMatch(report(true).stderr, new RegExp(`${line.source}TypeError: .*\\n +at file:`));
});
