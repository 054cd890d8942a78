// Scripts that would keep the compiler busy for hours, fill the memory or overflow the stack. Each ends
// with diagnostics of ours, or runs, in bounded time and memory.

import { assert, assertEquals } from "@std/assert";
import { btrace, kernelTest, output } from "../helpers.ts";

/** `n` pieces of text, made of their numbers. */
function times(n: number, make: (i: number) => string, between = " "): string {
  return Array.from({ length: n }, (_, i) => make(i)).join(between);
}

/** A chain of definitions, each of which uses the next one twice. */
const doubling = (head: (i: number) => string, use: (i: number) => string, between: string) =>
  times(25, (i) => `${head(i)} ${use(i + 1)}${between}${use(i + 1)}`, "\n");

/** How one script ends, and what it may take. */
interface Limit {
  readonly script: string;
  /** Part of the only error; absent if the script runs. */
  readonly error?: string;
  /** What the script prints, if it runs. */
  readonly prints?: string;
  /** Most memory in MiB; the process needs 50 without a script. */
  readonly mib?: number;
  /** Longest time in seconds on a busy machine. */
  readonly seconds?: number;
}

const DEEP = "nested more than 600 levels deep";
const deep = (open: string, close: string, inner = "$x"): Limit => ({
  script: `BEGIN { $x = 1; $y = ${open.repeat(100_000)}${inner}${close.repeat(100_000)}; }`,
  error: DEEP,
});
const statements = (n: number, make: (i: number) => string) => `BEGIN { ${times(n, make)} }`;

const LIMITS: Record<string, Limit> = {
  "a map of itself": {
    script: "BEGIN { @a = (@a, @a); }",
    error: "This value has 524288 bytes; a value may have 262144",
  },
  "tuples that double": {
    script: `BEGIN { $v0 = (1, 1); ${times(30, (i) => `$v${i + 1} = ($v${i}, $v${i});`)} }`,
    error: "This value has 524288 bytes; a value may have 262144",
  },
  "a structure of gigabytes": {
    script: "struct a { char x[4000000000]; };\nBEGIN { $x = *(struct a *)0; @m = $x; }",
    error: "This value has 4000000000 bytes",
  },
  "an element of a large array": {
    script: "struct s { int a[1000000]; };\nBEGIN { $x = (struct s *)0; " +
      'printf("%d %d\\n", sizeof($x->a), sizeof(*$x)); @a = $x->a[999999]; clear(@a); }',
    prints: "4000000 4000000",
  },
  "3,000 unknown names": {
    script: `BEGIN { ${times(3000, (i) => `print(foo${i});`)} }`,
    error: "more than 100 errors",
  },
  "3,000 names that are similar": {
    script: `BEGIN { ${times(3000, (i) => `$variable${i} = 1; print($variabel${i});`)} }`,
    error: "more than 100 errors",
  },
  "1,000 histograms": {
    script: `BEGIN { ${"@a = hist(rand);".repeat(1000)} clear(@a); }`,
    prints: "",
  },
  "stars in a probe": {
    script: "BEGIN { } syscall:**********x { }",
    error: "Probe has no valid attach points",
  },
  "stars and letters in a probe": {
    script: `BEGIN { } tracepoint:${"*a".repeat(30)}*:${"*s".repeat(30)} { }`,
    error: "Probe has no valid attach points",
  },
  "unions in unions that double": {
    script: `union u25 { int x; };\n${
      times(25, (i) => `union u${24 - i} { union u${25 - i} a; union u${25 - i} b; };`, "\n")
    }\nBEGIN { print(*(union u0 *)0); }`,
    error: "'union u8' has too many members: 131072, with those of its members",
  },
  "macros of C that double": {
    script: `${doubling((i) => `#define M${i}`, (i) => `M${i}`, " + ")}\n#define M25 1\n` +
      "struct s { int a[M0]; };\nBEGIN { }",
    error: "more than 4000000 tokens out of macros of C",
    mib: 400,
  },
  "macros of C in expressions that double": {
    script: `${doubling((i) => `#define M${i}`, (i) => `M${i}`, " + ")}\n#define M25 pid\n` +
      "BEGIN { $x = M0; }",
    error: "more than 200000 expressions out of macros",
  },
  "macros that double": {
    script: times(25, (i) => `macro m${i}() { m${i + 1}() + m${i + 1}() }`) +
      "macro m25() { 1 } BEGIN { $x = m0(); }",
    error: "more than 200000 expressions out of macros",
  },
  "functions that double": {
    script: times(19, (i) => `fn f${i}() : int64 { return f${i + 1}() + f${i + 1}(); }`) +
      "fn f19() : int64 { return 1; } BEGIN { $x = f0(); }",
    error: "more than 300000 statements, with functions written out",
    mib: 500,
  },
  "an unknown name in functions that double": {
    script: times(17, (i) => `fn f${i}() : int64 { return f${i + 1}() + f${i + 1}(); }`) +
      " BEGIN { $x = f0(); }",
    error: "more than 4000000 expressions and statements to look at",
    seconds: 10,
  },
  "a chain of 150 macros": {
    script: times(150, (i) => `macro m${i}() { m${i + 1}() }`) +
      'macro m150() { 7 } BEGIN { printf("%d\\n", m0()); }',
    prints: "7",
  },
  "a chain of 150 macros of C": {
    script: times(150, (i) => `#define M${i} (M${i + 1} + 1)\n`, "") +
      '#define M150 7\nBEGIN { printf("%d\\n", M0); }',
    prints: "157",
  },
  "macros that use each other": {
    script: "macro a() { b() } macro b() { a() } BEGIN { $x = a(); }",
    error: "Recursive macro call detected. Call chain: a > b > a",
  },
  "deep functions in deep functions": {
    script: times(
      18,
      (i) =>
        `fn f${i}() : int64 { ${"if (rand) { ".repeat(500)} $x = f${i + 1}(); ${
          "} ".repeat(500)
        } return 1; }`,
    ) + "fn f18() : int64 { return 1; } BEGIN { $x = f0(); }",
    error: "functions and macros are nested too deep",
  },
  "100,000 stars": deep("*", ""),
  "100,000 parentheses": deep("(", ")"),
  "100,000 minus signs": deep("- ", ""),
  "100,000 tildes": deep("~", ""),
  "100,000 casts": deep("(int64)", ""),
  "100,000 calls": deep("str(", ")"),
  "100,000 keys": deep("@a[", "]", "1"),
  "100,000 choices": deep("$x ? 1 : ", ""),
  "100,000 operands": deep("", " * 2"),
  "100,000 blocks": { script: `BEGIN { ${"{".repeat(100_000)} }`, error: DEEP },
  "100,000 conditions": { script: `BEGIN { ${"if (1) { ".repeat(100_000)} }`, error: DEEP },
  "100,000 stars of a type": {
    script: `BEGIN { $x = (int64${"*".repeat(100_000)})1; }`,
    error: DEEP,
  },
  "100,000 structures": {
    script: `struct a { ${"struct { ".repeat(100_000)}int x; ${"}; ".repeat(100_000)}};\nBEGIN { }`,
    error: "nested more than 200 deep",
  },
  "unroll() in unroll() in unroll()": {
    script: "BEGIN { unroll(100) { unroll(100) { unroll(100) { @a += 1; } } } " +
      'printf("%d\\n", @a); clear(@a); }',
    prints: "1000000",
  },
  "unroll() in unroll() in unroll() that break leaves": {
    script: "BEGIN { for ($i : 0..2) { unroll(100) { unroll(100) { unroll(100) { " +
      "if (rand == 7) { break; } @a += 1; } } } } }",
    error: "the code of one probe has more than 1000000 instructions here",
  },
  "unroll() of an empty loop": {
    script: "BEGIN { unroll(100) { unroll(100) { for ($i : 0..0) { } } } print(1); }",
    prints: "1",
  },
  "300 loops": {
    script: `BEGIN { ${times(300, () => "for ($i : 0..2) { }")} }`,
    error: "there are more loops in one probe than the kernel takes",
  },
  "60,000 statements": {
    script: statements(60_000, (i) => `@a[${i}] = ${i};`),
    error: "the code of one probe has more than 1000000 instructions here",
    mib: 450,
  },
  "60,000 small statements": {
    script: statements(60_000, () => "@a = 1;") + 'BEGIN { printf("%d\\n", @a); clear(@a); }',
    prints: "1",
    mib: 650,
  },
  "150,000 statements in a block": {
    script: `BEGIN { { ${"1; ".repeat(150_000)} } print(1); }`,
    prints: "1",
    mib: 450,
  },
  "10,000 clauses of a probe": {
    script: times(10_000, (i) => `BEGIN { @a[${i}] = 1; }`),
    error: "there are too many conditions in the program for the kernel",
    mib: 650,
  },
  "100,000 probes": {
    script: `${times(100_000, (i) => `profile:hz:${i + 1}`, ",")} { }`,
    error: "Can't attach to 100000 probes",
    mib: 400,
  },
  "10^10 rounds": {
    script: "BEGIN { for ($i : 0..100000) { for ($j : 0..100000) { @a += 1; } } clear(@a); " +
      'printf("done\\n"); }',
    prints: "done",
  },
  "an endless header": {
    script: '#include "/dev/zero"\nBEGIN { }',
    error: "is not a regular file",
  },
  "an endless import": { script: 'import "/dev/zero"; BEGIN { }', error: "is not a regular file" },
  "a wide number": {
    script: 'BEGIN { printf("%2000000000d", 1); }',
    error: "a width of 2000000000 is more than 1048576",
  },
  "a wide text": {
    script: 'BEGIN { printf("%-2000000000s", "a"); }',
    error: "a width of 2000000000 is more than 1048576",
  },
  "a text of 200 KB": {
    script: `BEGIN { $x = "${"a".repeat(200_000)}"; print(1); }`,
    error: "String is too long (over 1024 bytes)",
  },
  "arithmetic on the address of a map": {
    script: "BEGIN { @a = 1; $x = ~&@a; $y = pid ^ &@a; $z = -&$x; clear(@a); print(1); }",
    error: "The ~ operator can not be used on expressions of type 'void *'",
  },
  "structures that contain each other": {
    script:
      "struct list_head { struct hlist_head y; }; struct hlist_head { struct list_head x; };" +
      "\nBEGIN { }",
    error: "'struct hlist_head' is used before its definition",
  },
};

/** Longest time in seconds that a script may take on a busy machine, unless the table says less. */
const MOST_SECONDS = 30;
/** Most memory in MiB, unless the table says more. */
const MOST_MIB = 300;

const RUNNER = new URL("./measured_btrace.ts", import.meta.url).pathname;

/** Runs btrace, within the time; returns what it printed and the most memory in MiB. */
function measured(script: string) {
  const path = Deno.makeTempFileSync({ suffix: ".bt" });
  try {
    Deno.writeTextFileSync(path, script);
    const start = performance.now();
    const args = ["run", "-A", "--no-check", RUNNER, "-q", path];
    const { code, stdout, stderr } = output(Deno.execPath(), args);
    const ms = performance.now() - start;
    const kib = /(\d+)\n$/.exec(stderr)?.[1];
    assert(kib !== undefined, stderr.slice(0, 2000));
    return { code, stdout, stderr: stderr.slice(0, -kib.length - 1), mib: Number(kib) / 1024, ms };
  } finally {
    Deno.removeSync(path);
  }
}

for (const [what, limit] of Object.entries(LIMITS)) {
  const { script, error, prints, mib = MOST_MIB, seconds = MOST_SECONDS } = limit;
  kernelTest(`${what}: bounded time and memory`, [], () => {
    const result = measured(script);
    if (error === undefined) {
      assertEquals([result.code, result.stdout.trim()], [0, prints], result.stderr.slice(0, 2000));
    } else {
      assertEquals(result.code, 1, result.stderr.slice(0, 2000));
      assert(result.stderr.includes(error), result.stderr.slice(0, 2000));
      assert(!result.stderr.includes("verifier says"), result.stderr.slice(0, 2000));
    }
    assert(result.ms < seconds * 1000, `${result.ms} ms`);
    assert(result.mib < mib, `${result.mib} MiB`);
  });
}

kernelTest("a parameter may be as long as the kernel lets an argument be", [], () => {
  const script = 'BEGIN { $x = $1 == "a"; printf("%d\\n", $x); }';
  const { code, stdout, stderr } = btrace(["-q", "-e", script, "a".repeat(131_000)]);
  assertEquals([code, stdout.trim(), stderr], [0, "0", ""]);
});

kernelTest("8,000 errors on one line: the first hundred are shown", [], () => {
  const { code, stderr, mib } = measured(`BEGIN { ${times(8000, (i) => `$x${i};`)} }`);
  assertEquals(code, 1);
  assertEquals(stderr.match(/ERROR: Undefined or undeclared variable/g)?.length, 101);
  assertEquals(stderr.match(/ERROR: the script is too large: more than 100 errors/g)?.length, 1);
  assert(mib < MOST_MIB, `${mib} MiB`);
});

kernelTest("a script without an end is refused", [], () => {
  const { code, stderr } = btrace(["/dev/zero"]);
  assertEquals(
    [code, stderr],
    [1, "ERROR: failed to open file '/dev/zero': it has more than 16777216 bytes\n"],
  );
});
