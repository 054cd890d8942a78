// Goldens in pairs: x.bt and what it prints, x.ok. `deno task golden` rewrites them; read the diff.

import { assert, assertEquals } from "@std/assert";
import { openDevice } from "../../core/mod.ts";
import { allProviders } from "../../providers/mod.ts";
import { compile, formatDiagnostic, run, ScriptError } from "../../tools/btrace/mod.ts";
import { kernelTest } from "../helpers.ts";

const HERE = new URL(".", import.meta.url).pathname;
const UPDATE = Deno.env.get("UPDATE_GOLDENS") === "1";

const scripts = [...Deno.readDirSync(HERE)].map(({ name }) => name).filter((name) =>
  name.endsWith(".bt")
).sort();
const device = openDevice({ providers: allProviders() });

function source(script: string) {
  return { name: "stdin", text: Deno.readTextFileSync(HERE + script) };
}

function assertGolden(script: string, actual: string): void {
  const file = HERE + script.replace(/\.bt$/, ".ok");
  if (UPDATE) Deno.writeTextFileSync(file, actual);
  assertEquals(actual, Deno.readTextFileSync(file), script);
}

for (const script of scripts.filter((name) => name.startsWith("err."))) {
  Deno.test(`diagnostic ${script}`, () => {
    let error: unknown;
    try {
      compile(source(script), device);
    } catch (caught) {
      error = caught;
    }
    assert(error instanceof ScriptError, `${script} compiles`);
    const code = script.split(".")[1];
    assert(error.diagnostics.some((one) => one.code === code), error.message);
    // Deep nesting and long lines: the message matters, not the excerpt.
    assertGolden(script, error.message);
  });
}

Deno.test("every diagnostic has a golden", () => {
  const codes = new Set<string>();
  for (
    const file of [
      "passes/calls.ts",
      "passes/check.ts",
      "passes/map_types.ts",
      "passes/expand.ts",
      "passes/fold.ts",
      "lang/lexer.ts",
      "compile.ts",
    ]
  ) {
    const text = Deno.readTextFileSync(`${HERE}../../tools/btrace/${file}`);
    for (const [, kind, code] of text.matchAll(/\.(error|warning)\(\s*"([a-z-]+)"/g)) {
      codes.add(`${kind === "error" ? "err" : "warn"}.${code}`);
    }
  }
  assert(codes.size > 20);
  for (const code of codes) {
    assert(scripts.some((name) => name.startsWith(`${code}.`) || name === `${code}.bt`), code);
  }
});

kernelTest("scripts print what their goldens say", [], async () => {
  for (const script of scripts.filter((name) => !name.startsWith("err."))) {
    const compiled = compile(source(script), device);
    let text = compiled.warnings.map((one) => formatDiagnostic(one, compiled.source)).join("");
    const decoder = new TextDecoder();
    let errors = "";
    await run(compiled, device, {
      stdout: (bytes) => text += decoder.decode(bytes),
      stderr: (bytes) => errors += decoder.decode(bytes),
    });
    // The tracer's own name differs between `deno run` and `deno test`.
    const comm = Deno.readTextFileSync("/proc/thread-self/comm").trim();
    assertGolden(script, text.replaceAll(`[${comm}]`, "[COMM]") + errors);
  }
});
