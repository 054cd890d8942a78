// Runs every block of docs/: commands must print what stands under them, scripts and programs are files that
// the commands of their page use.
//
//   ```console   `$ COMMAND`, continued by `> …`, then what it prints; … stands for anything
//   ```bt        a script whose first line is a comment with its name
//   ```ts ignore a program, the same; dt/ is the checkout

import { assert, assertEquals } from "@std/assert";
import { ROOT, testWith } from "./helpers.ts";

/** A block of a page: its language and its lines. */
interface Block {
  readonly kind: string;
  readonly lines: readonly string[];
}

function blocksOf(page: string): Block[] {
  return [...page.matchAll(/^```(\S+)[^\n]*\n([\s\S]*?)^```$/gm)].map(([, kind, body]) => ({
    kind,
    lines: body.trimEnd().split("\n"),
  }));
}

/** The commands of a block with what they print. */
function commandsOf({ lines }: Block): { command: string; expected: string }[] {
  const found: { command: string; expected: string }[] = [];
  for (const line of lines) {
    const last = found.at(-1);
    if (line.startsWith("$ ")) found.push({ command: line.slice(2), expected: "" });
    else if (line.startsWith("> ")) last!.command += `\n${line.slice(2)}`;
    else last!.expected += `${line}\n`;
  }
  return found;
}

/** True if a text is what a pattern says, in which … stands for anything. */
function matches(text: string, pattern: string): boolean {
  const escaped = pattern.trim().split("…").map((part) =>
    part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")
  );
  return new RegExp(`^${escaped.join("[\\s\\S]*?")}$`).test(text.trim());
}

/** A folder with dt's commands, the checkout, and nothing else. */
function makeFolder(): string {
  const folder = Deno.makeTempDirSync();
  Deno.mkdirSync(`${folder}/.bin`);
  for (const name of ["dt", "btrace", "ktrace", "kdump", "kmonitor", "profile", "systrace"]) {
    Deno.writeTextFileSync(
      `${folder}/.bin/${name}`,
      `#!/bin/sh\nexec ${Deno.execPath()} run -A --no-check ${ROOT}tools/${name}.ts "$@"\n`,
      { mode: 0o755 },
    );
  }
  Deno.symlinkSync(Deno.execPath(), `${folder}/.bin/deno`);
  Deno.symlinkSync(ROOT, `${folder}/dt`);
  return folder;
}

async function run(folder: string, command: string): Promise<{ code: number; text: string }> {
  const { code, stdout, stderr } = await new Deno.Command("timeout", {
    args: ["60", "bash", "-c", command],
    cwd: folder,
    stdin: "null",
    env: { PATH: `${folder}/.bin:${Deno.env.get("PATH")}`, NO_COLOR: "1", LC_ALL: "C.UTF-8" },
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, text: decode(stdout) + decode(stderr).replace(/^(Check|Attached) .*\n/gm, "") };
}

/** Commands of the guide to fleets need a server: tests/fleet/guide_test.ts runs them. */
const ELSEWHERE = ["fleet.md"];

const PAGES = [...Deno.readDirSync(`${ROOT}docs`)].map(({ name }) => name)
  .filter((name) => name.endsWith(".md") && !ELSEWHERE.includes(name)).sort();

for (const name of PAGES) {
  testWith(
    `docs/${name}: every block runs`,
    ["bpf", "root", "tracefs", "gcc", "strace"],
    async () => {
      const page = await Deno.readTextFile(`${ROOT}docs/${name}`);
      const folder = makeFolder();
      const wrong: string[] = [];
      let count = 0;
      try {
        for (const block of blocksOf(page)) {
          const file = /^(?:\/\/|#) (\S+\.\w+)$/.exec(block.lines[0])?.[1];
          if (block.kind === "console") {
            for (const { command, expected } of commandsOf(block)) {
              count++;
              const { text } = await run(folder, command);
              if (!matches(text, expected)) wrong.push(`$ ${command}\n${text}--- not\n${expected}`);
            }
          } else if (file !== undefined) {
            await Deno.writeTextFile(`${folder}/${file}`, `${block.lines.join("\n")}\n`);
          } else {
            assert(
              block.kind === "text",
              `a block of ${block.kind} that nothing runs: ${block.lines[0]}`,
            );
          }
        }
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
      assertEquals(wrong.join("\n"), "", `${wrong.length} of ${count} commands`);
    },
    { timeout: 180_000 },
  );
}

Deno.test("what docs link to is there", () => {
  for (const name of [...PAGES, ...ELSEWHERE]) {
    const page = Deno.readTextFileSync(`${ROOT}docs/${name}`);
    for (const [, target] of page.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) {
      Deno.statSync(new URL(target, `file://${ROOT}docs/`));
    }
  }
});

testWith("README's one-liners work in any folder", ["bpf", "root", "tracefs"], async () => {
  const readme = await Deno.readTextFile(`${ROOT}README.md`);
  const [, section] = /^## One-liners\n[\s\S]*?```sh\n([\s\S]*?)```/m.exec(readme)!;
  const commands = section.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  assertEquals(commands.length, 10);
  const folder = makeFolder();
  Deno.removeSync(`${folder}/dt`);
  try {
    for (const command of commands) {
      // What would go on until Ctrl-C gets it after some seconds; something happens meanwhile.
      const { code, text } = await run(
        folder,
        `(for i in 1 2 3 4 5 6 7 8 9; do sleep 0.4; cat /etc/hostname > /dev/null; done) & exec timeout --preserve-status -s INT 3 ${command}`,
      );
      assertEquals(
        [0, 1].includes(code) && !/ERROR/.test(text),
        true,
        `${command}: ${code} ${text}`,
      );
      assert(text.trim() !== "", command);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}, { timeout: 120_000 });

Deno.test("what README and SECURITY.md link to is there", () => {
  for (const name of ["README.md", "SECURITY.md", "CONTRIBUTING.md"]) {
    const page = Deno.readTextFileSync(ROOT + name);
    for (const [, target] of page.matchAll(/\]\(([^)#:\s]+)(?:#[^)]*)?\)/g)) {
      Deno.statSync(ROOT + target);
    }
  }
});
