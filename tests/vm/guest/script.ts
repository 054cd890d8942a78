// Runs scripts within the test's process, since starting Deno takes seconds under emulation.

import { compile, run } from "../../../language/mod.ts";
import { openDevice } from "../../../core/mod.ts";
import { allProviders } from "../../../providers/mod.ts";

/** Text that a script printed on stdout and stderr. */
export interface Printed {
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a script and makes its probes fire. The script ends at exit(), or after `fire` is done.
 *
 * @param text The script.
 * @param fire Makes the probes fire; called when they are attached.
 */
export async function script(text: string, fire: () => unknown): Promise<Printed> {
  const device = openDevice({ providers: allProviders() });
  const compiled = compile({ name: "stdin", text }, device);
  const ending = new AbortController();
  const printed = { stdout: "", stderr: "" };
  const decoder = new TextDecoder();
  await run(compiled, device, {
    stdout: (bytes) => void (printed.stdout += decoder.decode(bytes)),
    stderr: (bytes) => void (printed.stderr += decoder.decode(bytes)),
    signal: ending.signal,
    quiet: true,
    onAttached: async () => {
      await fire();
      ending.abort();
    },
  });
  return printed;
}

/** Reads the first bytes of a file with read(2), a number of times. */
export function readFile(path: string, times = 1): void {
  using file = Deno.openSync(path);
  const buffer = new Uint8Array(10);
  for (let i = 0; i < times; i++) file.readSync(buffer);
}

/** Opens a function of the C library that does nothing but make a system call. */
export function openLibc(): { getppid(): number } & Disposable {
  const library = Deno.dlopen("libc.so.6", { getppid: { parameters: [], result: "i32" } });
  return {
    getppid: () => library.symbols.getppid(),
    [Symbol.dispose]: () => library.close(),
  };
}
