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
  const captured = new Captured(stdout);
  using runner = await openRunner(script, loaded, {
    stdout: (bytes) => captured.write(bytes),
    stderr: (bytes) => captured.write(bytes, (all) => Deno.stderr.writeSync(all)),
    format: names.length > 0 ? "text" : options.format,
    quiet: options.quiet,
    buffer: "none",
  });
  // What BEGIN prints belongs to no test.
  captured.begin(names.length > 0);
  loaded.fire("begin");
  while (runner.round() > 0);
  captured.end();
  const json = options.format === "json" && names.length > 0;
  const parts: Parts = { names, loaded, runner, captured, say, json };
  const status = options.mode === "test" ? tests(parts) : benches(parts);
  captured.begin(json);
  runner.finish(() => loaded.fire("end"), names.length === 0);
  // In JSON, results have the text that was printed; so has what END prints.
  const data = captured.end().trimEnd();
  if (data !== "") say(`{"type": "printf", "data": ${JSON.stringify(data + "\n")}}\n`);
  return status;
}

/** Holds back what a test prints until it is known whether anybody wants to see it. */
class Captured {
  readonly #stdout: (bytes: Uint8Array) => void;
  #chunks: Uint8Array[] | undefined;

  /** @param stdout Where all goes that is not held back. */
  constructor(stdout: (bytes: Uint8Array) => void) {
    this.#stdout = stdout;
  }

  /** Takes output, or passes it on. */
  write(bytes: Uint8Array, passOn = this.#stdout): void {
    if (this.#chunks === undefined) passOn(bytes);
    else this.#chunks.push(bytes.slice());
  }

  /** Holds output back from now on, if wanted. */
  begin(wanted = true): void {
    this.#chunks = wanted ? [] : undefined;
  }

  /** What was held back since; the next output is passed on. */
  end(): string {
    const chunks = this.#chunks ?? [];
    this.#chunks = undefined;
    const decoder = new TextDecoder();
    return chunks.map((one) => decoder.decode(one, { stream: true })).join("") + decoder.decode();
  }
}

/** What running tests and benchmarks takes. */
interface Parts {
  readonly names: readonly string[];
  readonly loaded: Loaded;
  readonly runner: Runner;
  readonly captured: Captured;
  readonly say: (text: string) => void;
  readonly json: boolean;
}

function tests({ names, loaded, runner, captured, say, json }: Parts): number {
  const many = (count: number) => `${count} test${count === 1 ? "" : "s"}`;
  if (names.length === 0) return 0;
  if (!json) say(`${GREEN}[==========]${PLAIN} Running ${names.length} tests.\n`);
  const failed: string[] = [];
  for (const full of names) {
    const name = full.slice("test:".length);
    if (!json) say(`${GREEN}[ RUN      ]${PLAIN} ${name}\n`);
    runner.reset();
    captured.begin();
    const start = performance.now();
    loaded.fire(full);
    const duration = Math.round((performance.now() - start) * 1e6);
    while (runner.round() > 0);
    const output = captured.end();
    const passed = !runner.failed && runner.exitCode === 0 &&
      controlWord(loaded.session, "result") === 0;
    if (!passed) failed.push(name);
    if (json) {
      const result = `"duration": ${duration}, "passed": ${passed}, "output": ${
        JSON.stringify(output)
      }`;
      say(`{"type": "test_result", "data": {${JSON.stringify(name)}: {${result}}}}\n`);
    } else {
      if (!passed && output !== "") say(output.endsWith("\n") ? output : `${output}\n`);
      const mark = passed ? `${GREEN}[       OK ]` : `${RED}[  FAILED  ]`;
      say(`${mark}${PLAIN} ${name} (${Math.ceil(duration / 1000)} μs)\n`);
    }
  }
  if (!json) {
    say(`${GREEN}[==========]${PLAIN} ${many(names.length)} ran.\n`);
    say(`${GREEN}[  PASSED  ]${PLAIN} ${many(names.length - failed.length)}.\n`);
    if (failed.length > 0) {
      say(`${RED}[  FAILED  ]${PLAIN} ${many(failed.length)}, listed below:\n`);
      for (const name of failed) say(`${RED}[  FAILED  ]${PLAIN} ${name}\n`);
    }
  }
  return failed.length === 0 ? 0 : 1;
}

/** Prints a table of all benchmarks; none if one of them calls exit() with a code. */
function benches({ names, loaded, runner, captured, say, json }: Parts): number {
  if (names.length === 0) return 0;
  const width = 41;
  const results: { name: string; averageNs: bigint; rounds: bigint }[] = [];
  for (const full of names) {
    const name = full.slice("bench:".length);
    runner.reset();
    captured.begin();
    const { averageNs, rounds } = loaded.bench(full);
    while (runner.round() > 0);
    captured.end();
    if (runner.exitCode !== 0) {
      Deno.stderr.writeSync(new TextEncoder().encode(`ERROR: Benchmark '${name}' failed.\n`));
      return 1;
    }
    results.push({ name, averageNs: BigInt(averageNs), rounds: BigInt(rounds) });
  }
  if (!json) {
    say(`${"Benchmark".padEnd(width)}${"Time(ns)".padEnd(15)}Iterations\n`);
    say(`${"-".repeat(width + 15 + 10)}\n`);
  }
  for (const { name, averageNs, rounds } of results) {
    const data = `{"average": ${averageNs}, "iters": ${rounds}}`;
    say(
      json
        ? `{"type": "benchmark_result", "data": {${JSON.stringify(name)}: ${data}}}\n`
        : `${name.padEnd(width)}${`${averageNs}`.padEnd(15)}${rounds}\n`,
    );
  }
  return 0;
}
