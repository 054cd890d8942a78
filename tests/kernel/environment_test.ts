// Tests that a tool of root's runs no code that others have put in its way: in the working directory, in the
// environment's folders, in a module that others may change.

import { assertEquals, assertStringIncludes } from "@std/assert";
import { ROOT, testWith, tool, toolCommand } from "../helpers.ts";
import { serve } from "../serve.ts";

const EVIL = 'console.log("evil"); export const main = () => 66; export const parseArgs = main;';

/** A folder with everything that a runtime might read from its working directory. */
function hostileFolder(url: string): string & Disposable {
  const folder = Deno.makeTempDirSync();
  const imports = Object.fromEntries(
    [
      "npm:deno-std@1.4.0/cli/parse_args.js",
      `${ROOT}tools/btrace/cli.ts`,
      `${url}/tools/btrace/cli.ts`,
    ]
      .map((name) => [name, "./evil.ts"]),
  );
  const config = JSON.stringify({ imports, importMap: "./deno.json" });
  for (const name of ["deno.json", "deno.jsonc", "import_map.json"]) {
    Deno.writeTextFileSync(`${folder}/${name}`, config);
  }
  Deno.writeTextFileSync(`${folder}/evil.ts`, EVIL);
  Deno.writeTextFileSync(`${folder}/package.json`, '{"dependencies":{"deno-std":"file:./evil"}}');
  Deno.writeTextFileSync(`${folder}/.env`, "NODE_OPTIONS=--require=./evil.ts\n");
  for (const name of ["sh", "logger", "libc.so.6"]) {
    Deno.writeTextFileSync(`${folder}/${name}`, "#!/bin/true\n");
    Deno.chmodSync(`${folder}/${name}`, 0o755);
  }
  return Object.assign(folder, {
    [Symbol.dispose]: () => Deno.removeSync(folder, { recursive: true }),
  });
}

testWith("a hostile working directory changes nothing", ["root"], async () => {
  await using server = serve();
  using folder = hostileFolder(server.url);
  const args = ["-q", "-e", 'BEGIN { printf("own\\n"); exit(); }'];
  const [deno, ...local] = toolCommand("btrace", args);
  const remote = ["run", "-A", "--quiet", `${server.url}/tools/btrace.ts`, ...args];
  for (const command of [local, remote]) {
    const { code, stdout, stderr } = await new Deno.Command(deno, {
      args: command,
      cwd: `${folder}`,
      stdout: "piped",
      stderr: "piped",
    }).output();
    const text = new TextDecoder();
    assertEquals([code, text.decode(stdout)], [0, "own\n\n\n"], text.decode(stderr));
  }
});

testWith("no program is looked up in PATH but the user's own", ["root"], () => {
  using folder = hostileFolder("");
  const env = { PATH: `${folder}:${Deno.env.get("PATH")}` };
  const script = 'BEGIN { system("echo real"); exit(); }';
  const { stdout } = tool("btrace", ["-q", "--unsafe", "-e", script], { env });
  assertStringIncludes(stdout, "real\n");
});

testWith("a provider that others may change is not loaded", ["root"], () => {
  const folder = Deno.makeTempDirSync();
  try {
    const path = `${folder}/provider.ts`;
    Deno.writeTextFileSync(path, EVIL);
    const load = () => tool("btrace", ["--provider", path, "-l", "evil:*"]);
    const changes: readonly (() => void)[] = [
      () => Deno.chmodSync(path, 0o666),
      () => {
        Deno.chmodSync(path, 0o644);
        Deno.chownSync(path, 65534, 65534);
      },
      () => {
        Deno.chownSync(path, 0, 0);
        Deno.chmodSync(folder, 0o777);
      },
    ];
    for (const change of changes) {
      change();
      const { code, stdout, stderr } = load();
      assertEquals([code, stdout], [1, ""]);
      assertStringIncludes(stderr, "others may change the file, or its folder");
    }
    Deno.chmodSync(folder, 0o755);
    assertStringIncludes(load().stdout, "evil"); // The test can fail: now the code runs.
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
