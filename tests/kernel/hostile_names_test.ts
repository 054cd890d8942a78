// Tests what terminals get to see of traced programs that want to be seen otherwise: names, arguments and
// paths with control characters, characters of C1, and marks of direction.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { buildProgram, kernelTest, output, testWith, tool, toolCommand } from "../helpers.ts";

/** Whatever a terminal obeys or shows at another place, line ends and tabs excepted. */
// deno-lint-ignore no-control-regex -- this is what must not be there
const HARMFUL = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

function assertHarmless(text: string): void {
  assert(!HARMFUL.test(text), JSON.stringify(text));
}

kernelTest("no name of a traced program harms a terminal", ["gcc"], () => {
  const named = buildProgram("named", "-O1");
  const folder = Deno.makeTempDirSync();
  const [trace, folded] = [`${folder}/trace`, `${folder}/out.folded`];
  try {
    for (const way of [[], ["--sync"]]) {
      assertEquals(tool("ktrace", [...way, "-f", trace, named]).code, 0);
      for (const options of [[], ["--json"], ["--tree"], ["--summary"]]) {
        const { code, stdout, stderr } = tool("kdump", ["-f", trace, ...options]);
        assertEquals([code, stderr], [0, ""]);
        assertHarmless(stdout);
      }
      // No record hides behind the name.
      const dump = tool("kdump", ["-f", trace, "-t", "c"]).stdout;
      assertEquals(
        dump.match(/ \\t\\001\\033\[31m.* CALL +getppid/g)?.length,
        20,
        dump.slice(-500),
      );
    }
    for (const options of [["--stats", "-q"], [], ["--json"]]) {
      for (const args of ["", " x y"]) {
        const { stdout } = tool("kmonitor", [...options, "-c", `${named}${args}`]);
        assertHarmless(stdout);
        if (args === "" && !options.includes("--json")) assertStringIncludes(stdout, "\\x1b[31m");
      }
    }
    const table = tool("profile", ["-c", named, "-F", "199"]).stdout;
    assertMatch(table, /self +total/);
    assertHarmless(table);
    tool("profile", ["-c", named, "-o", folded]);
    assertHarmless(Deno.readTextFileSync(folded));
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

kernelTest("btrace's JSON has no character that a terminal obeys", ["gcc"], () => {
  const named = buildProgram("named", "-O1");
  const script = 'syscall:getppid:entry { @[comm] = count(); printf("%s\\n", comm); }';
  const { stdout } = tool("btrace", [
    "-f",
    "json",
    "-c",
    `${named} "$(printf 'a\\177\\302\\233b')"`,
    "-e",
    script,
  ]);
  assertHarmless(stdout);
  const maps = stdout.split("\n").filter((line) => line.includes('"type": "map"'));
  assertEquals(JSON.parse(maps[0]).data["@"], { "a\x7f\u009bb": 20 });
});

kernelTest(
  "btrace makes text of traced programs harmless on a terminal only",
  ["gcc", "script"],
  () => {
    const named = buildProgram("named", "-O1");
    const script =
      'syscall:getppid:entry { @[comm] = count(); printf("\\033[1m%s\\n", comm); exit(); }';
    const raw = "\x1b[1m\t\x01\x1b[31m\u009b2J";
    const args = (more: string[]) => [...more, "-q", "-c", named, "-e", script];
    const onTerminal = (more: string[]) => {
      const words = toolCommand("btrace", args(more)).map((word) =>
        `'${word.replaceAll("'", `'\\''`)}'`
      );
      return output("script", ["-qec", words.join(" "), "/dev/null"]).stdout;
    };
    assertStringIncludes(tool("btrace", args([])).stdout, raw);
    // What the script itself prints is the script's wish.
    const safe = onTerminal([]);
    assertStringIncludes(safe, "\x1b[1m\t\\x01\\x1b[31m\\x9b2J");
    assertStringIncludes(safe, "@[\t\\x01\\x1b[31m\\x9b2J]: 1");
    assertStringIncludes(onTerminal(["--raw"]), raw);
  },
);

testWith("messages that quote arguments are harmless", [], () => {
  const evil = "\x1b]0;title\x07\u009b2J\u202e";
  // Without what a shell would act on.
  const program = "\x1b[31m\u009b2J\u202e";
  const lines: readonly (readonly string[])[] = [
    ["btrace", "-e", `BEGIN { ${evil} }`],
    ["btrace", "-e", "BEGIN { }", "-o", `/no/${evil}/out`],
    ["btrace", `/no/${evil}`],
    ["btrace", `--${evil}`],
    ["btrace", "-l", `${evil}:*`],
    ["btrace", "-c", program, "-e", "BEGIN { }"],
    ["ktrace", evil],
    ["ktrace", "-t", evil, "true"],
    ["ktrace", "-f", `/no/${evil}`, "true"],
    ["kdump", "-f", evil],
    ["kmonitor", "-e", evil],
    ["kmonitor", "-c", program],
    ["profile", "-c", program],
    ["profile", "-c", "true", "-o", `/no/${evil}.svg`],
  ];
  for (const [name, ...args] of lines) {
    const { stdout, stderr } = tool(name, args);
    assertHarmless(stdout + stderr);
    assert(args.includes("-l") || stderr.length > 0, `${name} ${args}`);
  }
});
