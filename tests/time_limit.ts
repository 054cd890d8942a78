// Sets a time limit for every test. A test file imports this module, directly or through helpers.ts
// and std_assert.ts; the module then replaces Deno.test by a function that sets a limit and kills
// whatever a failed test has started.
//
// Deno itself fails a test that waits or loops too long. Only a test that waits in the main thread
// for a child (outputSync) is beyond Deno; a worker, the watchdog (watchdog.ts), kills the children
// of such a test.

import { killMarked, TEST_MARK } from "./marked_processes.ts";

/** Time limit in milliseconds of a test that names no `timeout` of its own. */
export const LIMIT_MS = 300_000;

/**
 * Message to the watchdog: the processes to kill, and when. A message without a mark cancels the
 * order before.
 */
export interface WatchdogOrder {
  /** Mark of the processes to kill; absent to kill none. */
  readonly mark?: string;
  /** Milliseconds from now until the processes are killed. */
  readonly afterMs?: number;
}

/**
 * Milliseconds that the watchdog waits longer than Deno, so that the test fails because of its
 * time.
 */
const GRACE_MS = 1_000;

/** Marks that this process inherited: those of the tests that started it. */
const inherited = Deno.env.get(TEST_MARK) ?? "";

let watchdog: Worker | undefined;
/** Mark of the test that runs, or that has failed or was given up. */
let running: string | undefined;

/** Gives a starting test its mark, and the watchdog its order; returns the mark. */
function begin(limitMs: number): string {
  const mark = crypto.randomUUID();
  Deno.env.set(TEST_MARK, `${inherited} ${mark}`.trim());
  watchdog ??= new Worker(new URL("./watchdog.ts", import.meta.url), { type: "module" });
  watchdog.postMessage({ mark, afterMs: limitMs + GRACE_MS } satisfies WatchdogOrder);
  return running = mark;
}

/**
 * Runs after each test, also after a test that has failed or that Deno has given up: kills what the
 * test has left.
 */
function end(): void {
  watchdog?.postMessage({} satisfies WatchdogOrder);
  if (running !== undefined) killMarked(running);
  running = undefined;
}

/** Makes a definition of the same test with a limit. */
function limited(definition: Deno.TestDefinition): Deno.TestDefinition {
  const timeout = definition.timeout ?? LIMIT_MS;
  const fn = async (context: Deno.TestContext) => {
    const mark = begin(timeout);
    await definition.fn(context);
    if (running === mark) running = undefined;
  };
  // Deno reports a test at this place in the sources.
  return { ...definition, timeout, fn: Object.assign(fn, { [LOCATION]: callerOfDenoTest() }) };
}

const LOCATION = Symbol.for("Deno.test.location");

/**
 * Finds the place of the call of Deno.test: the outermost frame of the stack, which is in the test
 * file.
 */
function callerOfDenoTest(): string | undefined {
  return new Error().stack?.match(/file:\/\/[^\s)]+:\d+:\d+/g)?.at(-1);
}

type TestFunction = Deno.TestDefinition["fn"];
type TestOptions = Omit<Deno.TestDefinition, "fn" | "name">;
type TestArguments = readonly (string | TestFunction | TestOptions | undefined)[];

/** Makes a definition of the arguments of Deno.test, in whatever form it was called. */
function definitionOf(args: TestArguments): Deno.TestDefinition {
  const name = args.find((one) => typeof one === "string");
  const fn = args.find((one) => typeof one === "function");
  const options = args.find((one) => typeof one === "object") as Partial<Deno.TestDefinition>;
  const given = { ...options, ...(name && { name }), ...(fn && { fn }) } as Deno.TestDefinition;
  return { ...given, name: given.name ?? given.fn.name };
}

const { test } = Deno;
const { beforeAll, beforeEach, afterEach, afterAll, sanitizer } = test;
const register = (args: TestArguments, more?: Partial<Deno.TestDefinition>) =>
  test({ ...limited(definitionOf(args)), ...more });
// Other members of Deno.test, such as each(), are left out, so that no test can be without a limit.
const replacement = Object.assign((...args: TestArguments) => register(args), {
  ...{ beforeAll, beforeEach, afterEach, afterAll, sanitizer },
  ignore: (...args: TestArguments) => register(args, { ignore: true }),
  only: (...args: TestArguments) => register(args, { only: true }),
});
Object.assign(Deno, { test: replacement });

test.afterEach(end);
test.afterAll(() => watchdog?.terminate());
