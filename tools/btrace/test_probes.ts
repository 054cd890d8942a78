// --test and --bench: runs the test: or bench: probes of a script, one after the other.

import type { Device } from "../../core/device/device.ts";
import type { Script } from "../../language/compile.ts";
import type { Options } from "./options.ts";
import { controlWord, type Loaded } from "../../language/model/loaded_script.ts";
import { loadScript } from "../../language/run.ts";
import { openRunner, type Runner } from "../../language/output/runner.ts";

const GREEN = "\x1b[32m";
const RED = "\x1b[31m";
const PLAIN = "\x1b[0m";

/**
 * Runs the `test:` or `bench:` probes of a script in their order and prints the results.
 *
 * @returns Exit status: 1 if a test failed.
 */
export async function runTests(
  script: Script,
  device: Device,
  options: Options,
  stdout: (bytes: Uint8Array) => void,
): Promise<number> {
  const say = (text: string) => stdout(new TextEncoder().encode(text));
  const prefix = `${options.mode}:`;
  const names = script.probes.map(({ name }) => name).filter((name) => name.startsWith(prefix));
  using loaded = await loadScript(script, device, {});
  using runner = await openRunner(script, loaded, {
    stdout,
    stderr: (bytes) => Deno.stderr.writeSync(bytes),
    format: options.format,
    quiet: options.quiet,
  });
  loaded.fire("begin");
  const status = options.mode === "test"
    ? tests(names, loaded, runner, say, options.format === "json")
    : benches(names, loaded, say, options.format === "json");
  runner.finish(() => loaded.fire("end"));
  return status;
}

function tests(
  names: readonly string[],
  loaded: Loaded,
  runner: Runner,
  say: (text: string) => void,
  json: boolean,
): number {
  const many = (count: number) => `${count} test${count === 1 ? "" : "s"}`;
  if (names.length === 0) return 0;
  if (!json) say(`${GREEN}[==========]${PLAIN} Running ${many(names.length)}.\n`);
  const failed: string[] = [];
  for (const name of names) {
    if (!json) say(`${GREEN}[ RUN      ]${PLAIN} ${name}\n`);
    runner.reset();
    const start = performance.now();
    loaded.fire(name);
    while (runner.round() > 0);
    const duration = Math.round(performance.now() - start);
    const passed = !runner.failed && runner.exitCode === 0 &&
      controlWord(loaded.session, "result") === 0;
    if (!passed) failed.push(name);
    if (json) {
      const data = { [name.slice(5)]: { duration, passed } };
      say(`{"type": "test_result", "data": ${spaced(data)}}\n`);
    } else {
      const mark = passed ? `${GREEN}[       OK ]` : `${RED}[  FAILED  ]`;
      say(`${mark}${PLAIN} ${name} (${duration} ms)\n`);
    }
  }
  if (!json) {
    say(`${GREEN}[==========]${PLAIN} ${many(names.length)} ran.\n`);
    say(`${GREEN}[  PASSED  ]${PLAIN} ${many(names.length - failed.length)}.\n`);
    if (failed.length > 0) {
      say(`${RED}[  FAILED  ]${PLAIN} ${many(failed.length)}: ${failed.join(", ")}\n`);
    }
  }
  return failed.length === 0 ? 0 : 1;
}

function benches(
  names: readonly string[],
  loaded: Loaded,
  say: (text: string) => void,
  json: boolean,
): number {
  if (names.length === 0) return 0;
  const width = 41;
  if (!json) {
    say(`${"Benchmark".padEnd(width)}${"Time(ns)".padEnd(15)}Iterations\n`);
    say(`${"-".repeat(width + 15 + 10)}\n`);
  }
  for (const name of names) {
    const { averageNs, rounds } = loaded.bench(name);
    const short = name.slice("bench:".length);
    if (json) {
      const data = { [short]: { average: Number(averageNs), iters: Number(rounds) } };
      say(`{"type": "benchmark_result", "data": ${spaced(data)}}\n`);
    } else {
      say(`${short.padEnd(width)}${`${averageNs}`.padEnd(15)}${rounds}\n`);
    }
  }
  return 0;
}

/** JSON with a space after each separator. */
function spaced(value: unknown): string {
  return JSON.stringify(value).replaceAll('":', '": ').replaceAll(',"', ', "');
}
