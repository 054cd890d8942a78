// Tests that fail when a function opens too many files, or talks to the network. Run:
//   deno test -A examples/files_test.ts

import { assertNoCalls, counts, trace } from "../testing/mod.ts";

/** What is tested: a function that should read its configuration once. */
function readConfiguration(): string[] {
  return ["/etc/hostname", "/etc/hosts"].map((path) => Deno.readTextFileSync(path));
}

Deno.test("the configuration takes two files at most", async () => {
  const { openat = 0 } = await counts(readConfiguration);
  if (openat > 2) throw new Error(`it opened ${openat} files`);
});

Deno.test("reading the configuration connects to nobody", async () => {
  await assertNoCalls(readConfiguration, "connect");
});

Deno.test("no file is read twice", async () => {
  const { maps } = await trace(
    readConfiguration,
    "syscall:openat:entry { @opens[str(args.filename)] = count(); }",
  );
  for (const [[path], times] of maps.get<[string], number>("opens")) {
    if (times > 1) throw new Error(`${path} was opened ${times} times`);
  }
});
