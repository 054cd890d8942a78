// Probes of functions with debug information: arguments, results and types by name.

import { assertEquals, assertStringIncludes } from "@std/assert";
import { btrace, buildProgram, kernelTest, ROOT } from "../helpers.ts";

function lines(program: string, script: string): string[] {
  const { code, stdout, stderr } = btrace(["-q", "-c", program, "-e", script]);
  assertEquals(code, 0, stderr);
  return stdout.split("\n").filter((line) => line !== "");
}

/** Compiled so that arguments stay in registers, and so that functions store them at once. */
const FLAGS: readonly (readonly string[])[] = [
  ["-g", "-O2"],
  ["-g", "-O0"],
  ["-gdwarf-4", "-O2", "-fomit-frame-pointer"],
  ["-gdwarf-4", "-O0"],
];

kernelTest("uprobe has arguments by name, of every kind of type", ["gcc"], () => {
  for (const flags of FLAGS) {
    const program = buildProgram("typed", ...flags);
    const functions = ["typedef", "enum", "small", "pair", "big", "many"];
    const points = functions.map((one) => `u:${program}:f_${one}`).join(", ");
    const found = lines(program, `${points} { print(args); }`)
      .map((line) => line.replace(/0x[0-9a-f]+/g, "ADDRESS"));
    assertEquals(found, [
      "{ .p = ADDRESS, .n = 9, .s = -2, .ul = 1099511627776, .c = 250 }",
      "{ .e = BLUE, .b = true, .text = ADDRESS }",
      "{ .s = { .a = 21, .b = -22 }, .n = 5 }",
      "{ .p = { .first = 8589934592, .second = -4 }, .n = 6 }",
      "{ .b = { .v = [1,2,3,4] }, .n = 8 }",
      "{ .a = 1, .b = 2, .c = 3, .d = 4, .e = 5, .f = 6, .g = -70, .h = 34359738368 }",
    ], flags.join(" "));
  }
});

kernelTest("uprobe reads members of what arguments point to", ["gcc"], () => {
  for (const flags of FLAGS) {
    const program = buildProgram("typed", ...flags);
    const found = lines(
      program,
      `u:${program}:f_ptr {
        printf("%d %d %s %d\\n", args.n, args.p->id, args.p->name, args.p.in.y);
        printf("%d %d %d %d\\n", args.p->m[1][2], args.p->ins[1].x, args.p->pin->y, args.p->next->uc);
        print(args.p->bf);
        printf("%d %ld %d\\n", args.p->bf.c, args.p->bf.d, args.p->un.i);
        printf("%d %ld %d %d\\n", args.p->p, args.p->an.l, args.p->an.z, args.p->ok);
        @[args.n, args.p->in] = count();
      }
      u:${program}:f_small { $s = args.s; printf("%d %d %d\\n", args.s.a, $s.b, args.n); }
      u:${program}:f_pair /args.p.second == -4/ { print(args.p.first); }
      u:${program}:f_void { print(str(args.argv[1])); }`,
    );
    assertEquals(found, [
      "-7 42 hello 2",
      "6 5 8 200",
      "{ .a = 5, .b = 17, .c = -3, .d = 123456789012 }",
      "-3 123456789012 99",
      "77 11 12 1",
      "21 -22 5",
      "8589934592",
      "second",
      "@[-7, { .x = 1, .y = 2 }]: 1",
    ], flags.join(" "));
  }
});

kernelTest("a structure of a program prints all its members", ["gcc"], () => {
  for (const flags of FLAGS) {
    const program = buildProgram("typed", ...flags);
    const [found] = lines(program, `u:${program}:f_ptr { print(*args.p); }`);
    assertEquals(
      found.replace(/0x[0-9a-f]{4,}/g, "ADDRESS"),
      "{ .id = 42, .in = { .x = 1, .y = 2 }, .pin = ADDRESS, .name = hello, " +
        ".arr = [10,20,30,40], .ins = [{ .x = 3, .y = 4 },{ .x = 5, .y = 6 }], " +
        ".m = [[1,2,3],[4,5,6]], .col = GREEN, " +
        ".bf = { .a = 5, .b = 17, .c = -3, .d = 123456789012 }, " +
        ".un = { .i = 99, .f = null, .bytes = c }, .p = 77, .q = 77, " +
        ".an = { .l = 11, .z = 12 }, .path = ADDRESS, .callback = 0x0, .ok = true, " +
        ".dbl = null, .uc = 200, .next = ADDRESS }",
      flags.join(" "),
    );
  }
});

kernelTest("a program's types need no definition in the script", ["gcc"], () => {
  const program = buildProgram("typed", "-g", "-O2");
  const found = lines(
    program,
    `u:${program}:f_ptr {
      print(((struct outer *)arg0)->id);
      print(((outer_t *)arg0)->an.z);
      let $p : struct outer * = (struct outer *)arg0;
      print($p->in);
      print((sizeof(struct inner), offsetof(struct inner, y), sizeof(union value)));
    }`,
  );
  assertEquals(found, ["42", "12", "{ .x = 1, .y = 2 }", "(8, 4, 8)"]);
  // What the script defines goes before.
  const own = lines(
    program,
    `struct outer { short half; }; u:${program}:f_ptr { print(((struct outer *)arg0)->half); }`,
  );
  assertEquals(own, ["42"]);
});

kernelTest("uretprobe has the result as what it is", ["gcc"], () => {
  for (const flags of FLAGS) {
    const program = buildProgram("typed", ...flags);
    const found = lines(
      program,
      `ur:${program}:f_result { print(retval->b); } ur:${program}:f_char_result { print(retval); }
      ur:${program}:f_struct_result { print(retval); print(retval.y); }`,
    );
    assertEquals(found, ["-13", "{ .x = 14, .y = 15 }", "15", "-15"], flags.join(" "));
  }
});

kernelTest(
  "uprobe fires at a line of source, in each function that has code of it",
  ["gcc"],
  () => {
    const source = Deno.readTextFileSync(`${ROOT}tests/testdata/typed.c`).split("\n");
    const numberOf = (mark: string) => source.findIndex((one) => one.includes(`LINE ${mark}`)) + 1;
    for (const flags of FLAGS) {
      const program = buildProgram("typed", ...flags);
      const inlined = `u:${program}@typed.c:${numberOf("inlined")}`;
      const found = lines(
        `${program} 3`,
        `${inlined} { @inlined = count(); } u:${program}@testdata/typed.c:${numberOf("body")} {
        @body = count(); }`,
      );
      assertEquals(found, ["@body: 3", "@inlined: 6"], flags.join(" "));
      // Behind the function's first instructions parameters are where these have put them.
      const body = `u:${program}@typed.c:${numberOf("body")}`;
      assertEquals(lines(program, `${body} { print(args.n); }`), ["16"], flags.join(" "));
    }
    const program = buildProgram("typed", "-g", "-O2");
    const wrong = (point: string) => btrace(["-e", `${point} { exit(); }`]).stderr.split("\n")[0];
    assertStringIncludes(
      wrong(`u:${program}@typed.c:1`),
      "DWARF error: Unable to map 'typed.c:1' to address",
    );
    assertStringIncludes(
      wrong(`u:${program}@nope.c:10`),
      "DWARF error: No compilation unit matches nope.c",
    );
    assertStringIncludes(wrong(`ur:${program}@typed.c:104`), "Source code location not allowed");
  },
);

kernelTest("what cannot be read of arguments is said with its reason", ["gcc"], () => {
  const program = buildProgram("typed", "-g", "-O2");
  const wrong = (script: string) => {
    const { code, stderr } = btrace(["-e", script]);
    assertEquals(code, 1);
    return stderr.split("\n").filter((line) => line.includes("ERROR")).join("\n");
  };
  assertStringIncludes(
    wrong(`u:${program}:f_double { print(args.d); }`),
    "d is in a register that programs of the kernel cannot read",
  );
  const misspelt = btrace(["-e", `u:${program}:f_void { print(args.argw); }`]);
  assertStringIncludes(misspelt.stderr, "Can't find function parameter argw");
  assertStringIncludes(misspelt.stderr, "did you mean 'argv'?");
  assertEquals(
    lines(program, `u:${program}:f_double { print(args); }`),
    ["{ .d = <is in a register that programs of the kernel cannot read>, .n = 10 }"],
  );
});

kernelTest("probes whose arguments lie differently share a clause", ["gcc"], () => {
  const program = buildProgram("typed", "-g", "-O2");
  const points = ["f_ptr", "f_small", "f_pair", "f_many"].map((one) => `u:${program}:${one}`);
  const found = lines(
    program,
    `${points.slice(0, 3).join(",")} { print(args.n); @t[probe] = count(); }`,
  );
  assertEquals(found.slice(0, 3), ["-7", "5", "6"]);
  assertEquals(found.length, 6);
});

kernelTest("-lv lists parameters with the types of the source", ["gcc"], () => {
  for (const flags of [["-g", "-O2"], ["-gdwarf-4", "-O0"]]) {
    const program = buildProgram("typed", ...flags);
    const list = (point: string) => btrace(["-lv", point]).stdout.split("\n").slice(1, -1);
    const typed = [
      "outer_t* p",
      "u32_t n",
      "short int s",
      "long unsigned int ul",
      "unsigned char c",
    ];
    assertEquals(list(`uprobe:${program}:f_typedef`), typed.map((one) => `    ${one}`));
    assertEquals(list(`uprobe:${program}:f_enum`), [
      "    enum color e",
      "    _Bool b",
      "    const char* text",
    ]);
    assertEquals(list(`uprobe:${program}:f_void`), [
      "    const void* p",
      "    const char* const* argv",
    ]);
    assertEquals(list(`uretprobe:${program}:f_result`), ["    struct small* retval"]);
    const all = btrace(["-lv", `uprobe:${program}:f_*`]).stdout;
    assertStringIncludes(all, `uprobe:${program}:f_ptr\n    struct outer* p\n    int n\n`);
  }
});
