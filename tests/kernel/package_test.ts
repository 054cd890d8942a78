// Ways to get the tools: npm's package, deno install by path and URL, bundles; completions and manual pages.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { makePackage } from "../../package/npm.ts";
import { optionsOf, parseHelp } from "../../tools/cli/help.ts";
import { parseOptions, USAGE as BTRACE } from "../../tools/btrace/options.ts";
import { parseFleetOptions, USAGE as FLEET } from "../../tools/fleet/options.ts";
import { parseKdumpOptions, USAGE as KDUMP } from "../../tools/kdump/options.ts";
import { parseKmonitorOptions, USAGE as KMONITOR } from "../../tools/kmonitor/options.ts";
import { parseKtraceOptions, USAGE as KTRACE } from "../../tools/ktrace/options.ts";
import { parseProfileOptions, USAGE as PROFILE } from "../../tools/profile/options.ts";
import { parseSystraceOptions, USAGE as SYSTRACE } from "../../tools/systrace/options.ts";
import { kernelTest, output, ROOT, testWith, tool } from "../helpers.ts";
import { serve } from "../serve.ts";

const OPENS = 'syscall:openat:entry /str(args.filename) == "/etc/hostname"/ { @[comm] = count(); }';
const TRACE = ["-q", "-c", "cat /etc/hostname", "-e", OPENS];

async function inFolder(fn: (folder: string) => Promise<void> | void): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await fn(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

kernelTest("npm's package gives the commands to a machine with Node alone", ["node"], async () => {
  await inFolder(async (folder) => {
    await makePackage(`${folder}/dt`);
    const ok = (command: string, args: string[], options: Deno.CommandOptions = {}) => {
      const { code, stdout, stderr } = output(command, args, { cwd: folder, ...options });
      assertEquals(code, 0, `${command} ${args.join(" ")}: ${stderr}`);
      return stdout;
    };
    ok("npm", ["pack", "--silent", "./dt"]);
    ok("npm", ["install", "--silent", "--prefix", `${folder}/prefix`, "-g", "./dt-0.1.0.tgz"]);
    Deno.removeSync(`${folder}/dt`, { recursive: true });
    // Nothing but Node and what was installed; Deno's cache is empty.
    const bin = `${folder}/prefix/bin`;
    Deno.symlinkSync(ok("sh", ["-c", "command -v node"]).trim(), `${folder}/node`);
    const env = {
      PATH: `${bin}:${folder}:/usr/bin:/bin`,
      HOME: folder,
      DENO_DIR: `${folder}/cache`,
    };
    const run = (name: string, ...args: string[]) => ok(`${bin}/${name}`, args, { env });
    for (const plane of ["kernel", "user"]) {
      assertStringIncludes(run("btrace", "--plane", plane, ...TRACE), "@[cat]: 1");
    }
    assertMatch(run("dt", "opensnoop", "--duration", "0.1"), /^PID +COMM/);
    assertMatch(run("dt", "btrace", "--version"), /^btrace v/);
    run("ktrace", "-f", "out", "true");
    assertMatch(run("kdump", "-f", "out"), /CALL +exit_group\(0\)/);
    assertMatch(run("kmonitor", "-c", "true"), / exit .* true status 0/);
    // A recorder in the background is the same program once more.
    using stack = new DisposableStack();
    const child = new Deno.Command("sleep", { args: ["60"] }).spawn();
    stack.defer(() => child.kill());
    run("ktrace", "-f", "running", "-p", `${child.pid}`);
    run("ktrace", "-c", "-p", `${child.pid}`);
    // Statuses and signals pass.
    assertEquals(output(`${bin}/btrace`, ["-e", "BEGIN { exit(7); }"], { env }).code, 7);
    const tracing = new Deno.Command(`${bin}/btrace`, {
      args: ["-e", 'interval:s:100 { } END { printf("bye\\n"); }'],
      ...{ env, stdin: "null", stdout: "piped", stderr: "piped" },
    }).spawn();
    let said = "";
    for await (const chunk of tracing.stderr.pipeThrough(new TextDecoderStream())) {
      said += chunk;
      if (said.includes("Attached")) break;
    }
    tracing.kill("SIGTERM");
    const { code, stdout } = await tracing.output().catch(async () => ({
      code: (await tracing.status).code,
      stdout: await new Response(tracing.stdout).bytes(),
    }));
    assertEquals([code, new TextDecoder().decode(stdout).trim()], [0, "bye"]);
    const pages = [...Deno.readDirSync(`${folder}/prefix/share/man/man1`)].map(({ name }) => name);
    assert(pages.includes("btrace.1") && pages.includes("ktrace.1"), pages.join());
  });
}, { timeout: 180_000 });

kernelTest("deno install makes a command of a path and of a URL", [], async () => {
  await using server = serve();
  await inFolder(async (folder) => {
    for (const from of [ROOT.slice(0, -1), server.url]) {
      const install = await new Deno.Command(Deno.execPath(), {
        args: [
          "install",
          "-q",
          "-g",
          "-A",
          "-f",
          "-n",
          "btrace",
          "--root",
          folder,
          `${from}/tools/btrace.ts`,
        ],
        cwd: "/",
      }).output();
      assertEquals(install.code, 0, new TextDecoder().decode(install.stderr));
      const { code, stdout } = await new Deno.Command(`${folder}/bin/btrace`, { args: TRACE })
        .output();
      assertEquals(code, 0, from);
      assertStringIncludes(new TextDecoder().decode(stdout), "@[cat]: 1");
    }
  });
});

kernelTest("a bundle of btrace is one file, which works on both planes", [], async () => {
  await inFolder((folder) => {
    const file = `${folder}/btrace.js`;
    const made = output(Deno.execPath(), ["bundle", "-q", "-o", file, `${ROOT}tools/btrace.ts`]);
    assertEquals(made.code, 0, made.stderr);
    assertEquals([...Deno.readDirSync(folder)].length, 1);
    for (const plane of ["kernel", "user"]) {
      const { code, stdout, stderr } = output(Deno.execPath(), [
        ...["run", "-A", "--no-config", file, "--plane", plane],
        ...TRACE,
      ], { cwd: "/" });
      assertEquals(code, 0, stderr);
      assertStringIncludes(stdout, "@[cat]: 1");
    }
  });
});

kernelTest("a program that starts scripts can be bundled", [], async () => {
  await inFolder((folder) => {
    Deno.writeTextFileSync(
      `${folder}/own.ts`,
      `import { start } from "${ROOT}language/mod.ts";
       for (const plane of ["kernel", "user"] as const) {
         await using trace = await start({ plane })\`BEGIN { print(\${plane}); exit(); }\`;
         for await (const record of trace) if (record.type === "value") console.log(record.value);
       }`,
    );
    const file = `${folder}/own.js`;
    const made = output(Deno.execPath(), ["bundle", "-q", "-o", file, `${folder}/own.ts`]);
    assertEquals(made.code, 0, made.stderr);
    const { code, stdout, stderr } = output(Deno.execPath(), ["run", "-A", file], { cwd: "/" });
    assertEquals([code, stdout], [0, "kernel\nuser\n"], stderr);
  });
});

/** Help texts, and what reads the command lines that they explain. */
const TOOLS = [
  [BTRACE, parseOptions],
  [FLEET, parseFleetOptions],
  [KDUMP, parseKdumpOptions],
  [KMONITOR, parseKmonitorOptions],
  [KTRACE, parseKtraceOptions],
  [PROFILE, parseProfileOptions],
  [SYSTRACE, parseSystraceOptions],
] as const;

Deno.test("every option of a help text is one that its tool takes", () => {
  for (const [usage, parse] of TOOLS) {
    const help = parseHelp(usage);
    const options = optionsOf(help);
    assert(options.length > 10, help.name);
    const names = options.flatMap(({ names }) => names);
    assert(names.includes("--help") && names.includes("--version"), help.name);
    // Each line of the sections that begins with a dash was understood.
    const dashes = usage.split("\n").filter((line) => /^ {4,8}-\w?-?\w/.test(line));
    assertEquals(options.length, dashes.length, help.name);
    for (const name of names) {
      let message = "";
      try {
        parse([name, "1"]);
      } catch (error) {
        message = (error as Error).message;
      }
      assertEquals(message.includes(`unknown option -`), false, `${help.name}: ${message}`);
    }
  }
});

testWith("completions of bash, zsh and fish", ["bash", "zsh", "fish"], async () => {
  await inFolder((folder) => {
    for (const shell of ["bash", "zsh", "fish"]) {
      const { code, stdout } = tool("dt", ["--completions", shell]);
      assertEquals(code, 0);
      Deno.writeTextFileSync(`${folder}/dt.${shell}`, stdout);
      assertEquals(output(shell, ["-n", `${folder}/dt.${shell}`]), {
        code: 0,
        stdout: "",
        stderr: "",
      });
      const own = tool("btrace", ["--completions", shell]).stdout;
      assertStringIncludes(own, "opensnoop");
    }
    assertStringIncludes(tool("btrace", ["--completions", "tcsh"]).stderr, "bash, zsh, fish");
    const btrace = `btrace() { ${Deno.execPath()} run -A ${ROOT}tools/btrace.ts "$@"; }`;
    const bash = (line: string) =>
      output("bash", [
        "-c",
        `. ${folder}/dt.bash; ${btrace}
         COMP_LINE=$1 COMP_POINT=\${#1} COMP_WORDS=($(printf %s "$1" | sed 's/:/ : /g'))
         [[ $1 == *' ' ]] && COMP_WORDS+=('')
         COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _\${COMP_WORDS[0]}; echo "\${COMPREPLY[*]}"`,
        "bash",
        line,
      ]).stdout.trim();
    assertEquals(bash("btrace --pl"), "--plane");
    assertEquals(bash("btrace --plane "), "kernel user auto");
    assertEquals(bash("btrace -f j"), "json");
    assertEquals(bash("btrace opensn"), "opensnoop");
    assertEquals(bash("dt kmon"), "kmonitor");
    assertEquals(bash("btrace -l syscall:openat2"), "openat2:entry openat2:return");
    assertMatch(bash("kmonitor -p 1"), /^1\b/);
    const fish = (line: string) =>
      output("fish", ["-c", `source ${folder}/dt.fish; complete -C '${line}'`], {
        env: { HOME: folder },
      }).stdout.split("\n").map((one) => one.split("\t")[0]).filter((one) => one !== "");
    assertEquals(fish("btrace --pl"), ["--plane"]);
    assertEquals(fish("btrace --plane "), ["auto", "kernel", "user"]);
    assert(fish("dt opensn").includes("opensnoop"));
    // zsh needs a terminal to complete; its functions must be there.
    const zsh = output("zsh", [
      "-c",
      `autoload -U compinit; compinit -u -d ${folder}/dump; . ${folder}/dt.zsh; print $_comps[btrace]`,
    ]);
    assertEquals(zsh.stdout.trim(), "_btrace", zsh.stderr);
  });
});

Deno.test("manual pages have every option of the help texts", async () => {
  await inFolder((folder) => {
    assertEquals(tool("dt", ["--man", folder]).code, 0);
    for (const [usage] of TOOLS) {
      const help = parseHelp(usage);
      const page = Deno.readTextFileSync(`${folder}/${help.name}.1`);
      for (const { names } of optionsOf(help)) {
        for (const name of names) {
          assertStringIncludes(page, `\\fB${name.replaceAll("-", "\\-")}\\fR`);
        }
      }
    }
  });
});
