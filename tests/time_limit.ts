// A time limit for every test: a module that a test file imports, directly or through helpers.ts and
// std_assert.ts, replaces Deno.test by one that sets a limit and that ends what a failed test has started.
//
// Deno itself fails a test that waits or loops too long. What Deno cannot end is a test that waits in the
// main thread for a child (outputSync): a worker, the watchdog, kills the children then.

import { killMarked, TEST_MARK } from "./marked_processes.ts";

/** Longest time that a test takes which names no limit of its own (`timeout`), in milliseconds. */
export const LIMIT_MS = 180_000;

/** What the watchdog is told: which processes it kills, and when; without a mark, none. */
export interface WatchdogOrder {
  /** The mark of the processes. */
  readonly mark?: string;
  /** Milliseconds from now. */
  readonly afterMs?: number;
}

/** The watchdog comes later than Deno's verdict, so that a test fails because of its time. */
const GRACE_MS = 1_000;

/** Marks of the tests that this process is itself a child of. */
const inherited = Deno.env.get(TEST_MARK) ?? "";

let watchdog: Worker | undefined;
/** The mark of the test that runs, or that has not come to a good end. */
let running: string | undefined;

function begin(limitMs: number): string {
  const mark = crypto.randomUUID();
  Deno.env.set(TEST_MARK, `${inherited} ${mark}`.trim());
  watchdog ??= new Worker(new URL("./watchdog.ts", import.meta.url), { type: "module" });
  watchdog.postMessage({ mark, afterMs: limitMs + GRACE_MS } satisfies WatchdogOrder);
  return running = mark;
}

/** Runs after each test, also after one that has failed or that Deno has given up. */
function end(): void {
  watchdog?.postMessage({} satisfies WatchdogOrder);
  if (running !== undefined) killMarked(running);
  running = undefined;
}

/** The same test with a limit. */
function limited(definition: Deno.TestDefinition): Deno.TestDefinition {
  const timeout = definition.timeout ?? LIMIT_MS;
  const fn = async (context: Deno.TestContext) => {
    const mark = begin(timeout);
    await definition.fn(context);
    if (running === mark) running = undefined;
  };
  // Deno reports a test at this place.
  return { ...definition, timeout, fn: Object.assign(fn, { [LOCATION]: callerOfDenoTest() }) };
}

const LOCATION = Symbol.for("Deno.test.location");

/** Where the test file itself stands on the stack: its outermost frame. */
function callerOfDenoTest(): string | undefined {
  return new Error().stack?.match(/file:\/\/[^\s)]+:\d+:\d+/g)?.at(-1);
}

type TestFunction = Deno.TestDefinition["fn"];
type TestOptions = Omit<Deno.TestDefinition, "fn" | "name">;
type TestArguments = readonly (string | TestFunction | TestOptions | undefined)[];

/** A test as a definition, in whatever form Deno.test was called. */
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
// What is not here, as each(), cannot be used, so that no test is without a limit.
const replacement = Object.assign((...args: TestArguments) => register(args), {
  ...{ beforeAll, beforeEach, afterEach, afterAll, sanitizer },
  ignore: (...args: TestArguments) => register(args, { ignore: true }),
  only: (...args: TestArguments) => register(args, { only: true }),
});
Object.assign(Deno, { test: replacement });

test.afterEach(end);
test.afterAll(() => watchdog?.terminate());
