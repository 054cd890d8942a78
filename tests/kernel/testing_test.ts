// The module for tests of others: what a function makes the system do.

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { assertNoCalls, counts, trace } from "../../testing/mod.ts";
import { kernelTest, nobodyCommand, output } from "../helpers.ts";

const FILE = "/etc/hostname";

for (const plane of ["kernel", "user"] as const) {
  kernelTest(`trace() runs a script while a function runs (${plane} plane)`, [], async () => {
    const { result, records, maps, stats } = await trace(
      async () => {
        Deno.readTextFileSync(FILE);
        await new Deno.Command("true").output();
        return 7;
      },
      `syscall:openat:entry /str(args.filename) == "$1"/ { printf("%s %d", comm, pid); }
       syscall:openat:entry { @opens[str(args.filename)] = count(); }
       syscall:exit_group:entry { @ended[comm] = count(); }
       END { print("over"); }`.replace('"$1"', "str($1)"),
      { plane, params: [FILE] },
    );
    assertEquals(result, 7);
    assertEquals(records.filter(({ type }) => type === "printf").length, 1);
    assertEquals(records.filter(({ type }) => type === "lost"), []);
    assertEquals(records.find(({ type }) => type === "value"), { type: "value", value: "over" });
    const opens = maps.get<[string], number>("opens");
    assertEquals([opens.get(FILE), maps.get("ended").get("true")], [1, 1]);
    assert(stats.fired > 0n);
  });

  kernelTest(`counts() counts system calls by name (${plane} plane)`, [], async () => {
    const calls = await counts(() => {
      for (let i = 0; i < 20; i++) Deno.statSync("/"), Deno.openSync(FILE).close();
    }, { plane });
    assert(calls.openat! >= 20 && calls.openat! < 40, JSON.stringify(calls));
    assertEquals(calls.connect, undefined);
  });
}

kernelTest("assertNoCalls() fails with the calls that were made", [], async () => {
  assertEquals(await assertNoCalls(() => Promise.resolve(5), "connect", "unlink"), 5);
  const openNothing = () => {
    try {
      Deno.openSync("/nothing/such");
    } catch { /* as meant */ }
  };
  const error = await assertRejects(() => assertNoCalls(openNothing, "connect", "openat"), Error);
  assertStringIncludes(error.message, "The function called openat once");
  await assertRejects(() => assertNoCalls(openNothing, "conect" as "connect"), RangeError);
  await assertRejects(() => assertNoCalls(openNothing), RangeError);
});

kernelTest("errors of a function and of a script come out on both planes", [], async () => {
  for (const plane of ["kernel", "user"] as const) {
    const fails = () => Promise.reject(new SyntaxError("mine"));
    await assertRejects(() => trace(fails, "interval:s:1 { }", { plane }), SyntaxError);
    let ran = false;
    const script = () => trace(() => ran = true, "BEGIN { print(nothing_such); }", { plane });
    assertStringIncludes((await assertRejects(script, Error)).message, "nothing_such");
    assertEquals(ran, false);
  }
});

kernelTest("an ordinary user's program traces its own process", ["setpriv"], () => {
  const [...command] = nobodyCommand([]);
  const folder = command.pop()!.replace("tools/btrace.ts", "");
  const file = `${folder}own.ts`;
  Deno.writeTextFileSync(
    file,
    `import { assertNoCalls, counts } from "./testing/mod.ts";
     const calls = await counts(() => Deno.openSync("/etc/passwd").close());
     await assertNoCalls(() => 1 + 1, "connect");
     console.log(calls.openat);`,
  );
  const [program, ...args] = [...command, file];
  const { code, stdout, stderr } = output(program, args, { cwd: "/" });
  assertEquals([code, stdout], [0, "1\n"], stderr);
});
