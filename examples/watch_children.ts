// Watches what a command starts: each program with its arguments, and each end, as values and not as text.
// Root or not.
//
//   deno run -A examples/watch_children.ts 'make -j8'

import { start } from "../language/mod.ts";

const command = Deno.args[0] ?? "sh -c 'ls / >/dev/null; sh -c \"exit 3\"; true'";

await using trace = await start({ command })`
  proc:process:exec {
    printf("%d %s %r", pid, str(args.path), buf(args.argv, args.argv_end - (uint64)args.argv));
  }
  proc:process:exit { printf("%d %d", pid, args.code); }`;

const started = new Map<unknown, string>();
for await (const record of trace) {
  if (record.type !== "printf") continue;
  const [pid, second, argv] = record.values;
  if (argv instanceof Uint8Array) {
    const words = new TextDecoder().decode(argv).split("\0").filter((word) => word !== "");
    started.set(pid, words.join(" "));
    console.log(`${pid} runs ${second}: ${words.join(" ")}`);
  } else {
    console.log(`${pid} ends with ${second}: ${started.get(pid) ?? "a fork"}`);
  }
}
