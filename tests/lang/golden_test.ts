// Goldens in pairs: a script x.bt, and everything that it prints, x.ok. `deno task golden` rewrites
// the goldens; read the diff.

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { openDevice, type PlaneName } from "../../core/mod.ts";
import { allProviders } from "../../providers/mod.ts";
import { compile, formatDiagnostic, run, ScriptError } from "../../language/mod.ts";
import { generate } from "../../language/kernel/generate.ts";
import { interpret } from "../../language/user/interpret.ts";
import { kernelTest } from "../helpers.ts";
import { optionsOf } from "./options.ts";

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
      const { compile: options } = optionsOf(source(script).text);
      const compiled = compile(source(script), device, options);
      if (compiled.plane === "kernel") generate(compiled);
      else interpret(compiled);
    } catch (caught) {
      error = caught;
    }
    assert(error instanceof ScriptError, `${script} compiles`);
    const code = script.split(".")[1];
    assert(error.diagnostics.some((one) => one.code === code), error.message);
    // A script with deep nesting or long lines is compared by the message alone, without the
    // excerpt.
    assertGolden(script, error.message);
  });
}

/** Lists the source files below a folder, tests excepted. */
function* sources(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (isDirectory) yield* sources(`${folder}/${name}`);
    else if (name.endsWith(".ts") && !name.endsWith("_test.ts")) yield `${folder}/${name}`;
  }
}

Deno.test("every diagnostic has a golden", () => {
  const codes = new Set<string>();
  for (const file of sources(`${HERE}../../language`)) {
    const text = Deno.readTextFileSync(file);
    for (const [, kind, code] of text.matchAll(/\.(error|warning)\(\s*"([a-z-]+)"/g)) {
      codes.add(`${kind === "error" ? "err" : "warn"}.${code}`);
    }
  }
  assert(codes.size > 20);
  const missing = [...codes].filter((code) =>
    !scripts.some((name) => name.startsWith(`${code}.`) || name === `${code}.bt`)
  );
  assertEquals(missing, []);
});

kernelTest("scripts print what their goldens say", [], async () => {
  const wrong: unknown[] = [];
  for (const script of scripts.filter((name) => !name.startsWith("err."))) {
    try {
      assertGolden(script, await output(script));
    } catch (error) {
      wrong.push(error);
    }
  }
  if (wrong.length > 0) throw new AggregateError(wrong, wrong.map(String).join("\n"));
});

Deno.test("they print the same on the user plane, or say what they need", async () => {
  const wrong: unknown[] = [];
  for (const script of scripts.filter((name) => !name.startsWith("err."))) {
    const reason = /^\/\/ KERNEL: (.*)$/m.exec(source(script).text)?.[1];
    try {
      if (reason === undefined) {
        const expected = Deno.readTextFileSync(HERE + script.replace(/\.bt$/, ".ok"));
        assertEquals(await output(script, "user"), expected, script);
      } else {
        const { message } = await assertRejects(() => output(script, "user")) as Error;
        assertStringIncludes(message, reason, script);
        assertStringIncludes(message, "CAP_BPF and CAP_PERFMON", script);
      }
    } catch (error) {
      wrong.push(error);
    }
  }
  if (wrong.length > 0) throw new AggregateError(wrong, wrong.map(String).join("\n"));
});

/** Runs a script and returns all that it prints: warnings, output, then the text for stderr. */
async function output(script: string, plane: PlaneName = "kernel"): Promise<string> {
  const { options, compile: compileOptions } = optionsOf(source(script).text);
  const compiled = compile(source(script), device, { ...compileOptions, plane });
  let text = compiled.warnings.map((one) => formatDiagnostic(one, compiled.source)).join("");
  const decoder = new TextDecoder();
  let errors = "";
  await run(compiled, device, {
    format: options.format,
    quiet: options.quiet,
    noWarnings: options.noWarnings,
    stdout: (bytes) => text += decoder.decode(bytes, { stream: true }),
    stderr: (bytes) => errors += decoder.decode(bytes),
  });
  // The tracer's own name differs between `deno run` and `deno test`. The user plane prints the
  // name of the process, the kernel plane that of the thread.
  const file = plane === "user" ? "/proc/self/comm" : "/proc/thread-self/comm";
  const comm = Deno.readTextFileSync(file).trim();
  return text.replaceAll(`[${comm}]`, "[COMM]") + errors;
}
