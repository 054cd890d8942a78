// Breaks scripts at random: tokens and runs of tokens are removed, repeated, exchanged, nested, and
// replaced by words of the language, odd characters and odd numbers.

import { AGGREGATIONS } from "../../language/model/aggregations.ts";
import { BUILTINS } from "../../language/model/builtins.ts";
import { FUNCTIONS } from "../../language/model/functions.ts";
import { CONFIG_KEYS } from "../../language/check/config.ts";
import { PUNCTUATION } from "../../language/syntax/token.ts";
import { corpus } from "../oracle/corpus.ts";
import { ROOT } from "../helpers.ts";
import type { Random } from "./random.ts";

const CALLS = [...Object.keys(FUNCTIONS), ...Object.keys(AGGREGATIONS)];

const NUMBERS = [
  ...["0", "1", "-1", "7", "8", "63", "64", "65", "255", "256", "4095", "4096", "65535", "65536"],
  ...["2147483647", "2147483648", "-2147483648", "4294967295", "4294967296", "1e9", "1e18", "1e19"],
  ...["9223372036854775807", "9223372036854775808", "-9223372036854775808"],
  ...["18446744073709551615", "18446744073709551616", "1_000", "0x", "0xffffffffffffffffff", "1u8"],
  ...[
    "100ns",
    "5s",
    "1h",
    "1d",
    "300u8",
    "0b11",
    "0777",
    "08",
    "1.5",
    "1e400",
    "99999999999999999999",
  ],
];

const TYPES = [
  ...["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "bool", "string"],
  ...[
    "void",
    "void *",
    "int8 *",
    "uint64 **",
    "string[8]",
    "uint8[4]",
    "int64[0]",
    "int32[100000]",
  ],
  ...[
    "struct task_struct",
    "struct task_struct *",
    "struct file *",
    "struct nothing",
    "struct s *",
  ],
  ...["enum pid_type", "union bpf_attr", "char[16]", "int", "unsigned long", "uint8[2][3]", "auto"],
  ...["typeof(@x)", "typeof($x)", "typeof(1)", "(int32, string)", "record"],
];

const PIECES = [
  ...[
    "@",
    "@x",
    "@a",
    "@x[1]",
    "@x[1, 2]",
    '@x["k"]',
    "@y[@x]",
    "$x",
    "$a",
    "$0",
    "$1",
    "$9",
    "$#",
  ],
  ...[
    "&@a",
    "&@x",
    "&$x",
    "&$a",
    "*$x",
    "&*",
    "arg0",
    "arg9",
    "sarg0",
    "args",
    "args.x",
    "args[0]",
  ],
  ...[
    "$x.0",
    "$x.1",
    "$x.pid",
    "$x->pid",
    "$x[0]",
    ".comm",
    "->mm",
    "curtask->pid",
    ".99999999999",
  ],
  ...[
    '""',
    '"s"',
    '"%s"',
    '"%d %s %x\\n"',
    '"\\x00"',
    '"%999999999d"',
    '"%-*.*s"',
    '"%", 1',
    "'c'",
  ],
  ...["if (1) { }", "else { }", "while (1) { }", "for ($i : 0..9) { }", "for ($kv : @x) { }"],
  ...["unroll(9) { }", "unroll(100) {", "return", "return 1;", "break;", "continue;", "let $x;"],
  ...["let @x = hash(5);", "let @x = lruhash(1);", "let @a = percpuhash(99999999);"],
  ...[
    "let $x : uint8 = 1;",
    "let $x : string[9];",
    "config = { ",
    "import",
    "macro",
    "fn",
    "struct",
  ],
  ...[
    "macro m() { 1 }",
    "macro m($x) { $x + m($x) }",
    "macro m(@x) { @x[1] }",
    "m(1)",
    "m(@x)",
    "m()",
  ],
  ...["fn f($x : int64) : int64 { return $x; }", "f(1)", "f()", "fn f() : void { f(); }"],
  ...[
    "struct s { int x; char y[8]; struct s *z; };",
    "struct s { struct s t; };",
    "enum e { A, B };",
  ],
  ...[
    "#define M M + 1",
    "#define F(x) F(F(x))",
    "#define M 9",
    "#include <linux/sched.h>",
    "#if 1",
  ],
  ...[
    "#include <stdio.h>",
    '#include "x.h"',
    "#endif",
    "#else",
    "#ifdef M",
    "typedef int t;",
    "\n",
  ],
  ...["BEGIN", "END", "BEGIN { }", "END { }", "interval:s:1", "interval:hz:0", "profile:hz:99"],
  ...[
    "syscall:openat:entry",
    "syscall:*:return",
    "tracepoint:sched:*",
    "tracepoint:*:*",
    "kprobe:vfs_*",
  ],
  ...["kprobe:*", "fentry:vfs_read", "fexit:vfs_*", "rawtracepoint:*", "uprobe:/bin/true:main"],
  ...["uprobe:/bin/*:*", "usdt:*:*", "usdt:/bin/true:a:b", "uretprobe:libc:malloc", "software:*:1"],
  ...[
    "hardware:cycles:1000000",
    "watchpoint:0x1000:8:w",
    "iter:task",
    "iter:*",
    "self:signal:SIGUSR1",
  ],
  ...[
    "kprobe:vfs_read+4",
    "kretprobe:vfs_read",
    "*",
    "*:*",
    "*:*:*",
    "proc:*",
    "bench:x",
    "test:x",
  ],
  ...["/1/", "/pid == 1/", "? 1 : 2", "?:", "sizeof(", "offsetof(struct file, f_mode)", "comptime"],
  ...[
    "sizeof(struct task_struct)",
    "(1, 2)",
    "(1, (2, 3))",
    '("a", 1)',
    "((((",
    "))))",
    "//",
    "/*",
    "*/",
  ],
];

/** What a run of tokens is put into: what stands in front, ≈, what stands behind. */
const BRACKETS: readonly string[] = [
  ...["(≈)", "[≈]", "{≈}", "if (1) {≈}", "@x[≈]", "-≈", "!≈", "*≈", "&≈", "(int64)≈", "(uint8)≈"],
  ...["str(≈)", "(1, ≈)", "m(≈)", "1 ? ≈ : 0", "unroll(2) {≈}", "while ($x) {≈}", "≈ + 1", "≈.0"],
  ...["for ($i : 0..2) {≈}", "≈[0]", "≈->x", "comptime ≈", "sizeof(≈)"],
];

const CHARACTERS = [
  ..."\0\x01\x07\x1b\x7f\x85\xa0\u00e9\u0301\u200e\u202e\u2028\ufeff\ufffd\ud800\udfff\\\"'`#%^~?\t\r\n",
  ..."\u{1f600}\u{10ffff}",
];

const words = (names: readonly string[]) => (random: Random) => random.pick(names);

/** Things that stand in for a token. */
const DICTIONARY: readonly ((random: Random) => string)[] = [
  words(PIECES),
  words(PIECES),
  words(NUMBERS),
  words(Object.keys(BUILTINS)),
  words(PUNCTUATION),
  words(CHARACTERS),
  (random) => `(${random.pick(TYPES)})`,
  (random) => random.pick(TYPES),
  (random) => `${random.pick(CALLS)}(`,
  (random) => {
    const count = random.below(5);
    return `${random.pick(CALLS)}(${
      Array.from({ length: count }, () => random.pick(random.once(2) ? PIECES : NUMBERS)).join(", ")
    })`;
  },
  (random) => `config = { ${random.pick(CONFIG_KEYS)} = ${random.pick(NUMBERS)} }`,
  (random) => random.pick(["a", "@a", "$a", '"', "1", "*", " "]).repeat(random.small(20_000)),
];

/** Something else of the kind of a token: a number for a number, a name for a name. */
function alike(token: string, random: Random): string {
  if (/^\d/.test(token)) return random.pick(NUMBERS);
  if (/^[@$]/.test(token)) return random.pick(["@x", "@a", "@", "$x", "$a", "$1", "&@a", "&$x"]);
  if (/^"/.test(token)) {
    return random.pick(['""', '"%s"', '"%d"', '"a"', '"\\0"', '"é"', token + token]);
  }
  if (token in FUNCTIONS || token in AGGREGATIONS) return random.pick(CALLS);
  if (/^u?int|^struct|^string/.test(token)) return random.pick(TYPES);
  if (/^\w/.test(token)) return random.pick(Object.keys(BUILTINS));
  if (/^\s/.test(token)) return random.pick(["", " ", "\n", "  "]);
  return random.pick(PUNCTUATION);
}

/** Tokens as they come apart roughly, white space included. */
function tokens(text: string): string[] {
  return text.match(/[@$]?\w+|"(?:\\.|[^"\\])*"|\s+|./gsu) ?? [];
}

/** All scripts of this checkout that are not huge. */
export async function scriptSeeds(): Promise<string[]> {
  const seeds: string[] = [];
  for (const folder of ["tests/lang/", "tools/scripts/", "tests/oracle/scripts/"]) {
    for (const name of [...Deno.readDirSync(ROOT + folder)].map(({ name }) => name).sort()) {
      if (name.endsWith(".bt")) seeds.push(Deno.readTextFileSync(ROOT + folder + name));
    }
  }
  for (const { args } of await corpus()) {
    const text = args[args.indexOf("-e") + 1];
    if (args.includes("-e") && text !== undefined) seeds.push(text);
  }
  return [...new Set(seeds)].filter((text) => text.length < 8000);
}

/** One of the seeds with some changes. */
export function mutateScript(seeds: readonly string[], random: Random): string {
  let list = tokens(random.pick(seeds));
  for (let i = random.once(4) ? random.small(8) : 1; i > 0; i--) {
    const from = random.below(list.length + 1);
    const count = random.small(random.once(4) ? Math.max(1, list.length) : 4) - random.below(2);
    const taken = list.slice(from, from + count);
    const word = () => random.pick(DICTIONARY)(random);
    const other = () => {
      const all = tokens(random.pick(seeds));
      const at = random.below(all.length);
      return all.slice(at, at + random.small(40));
    };
    const [open, close] = random.pick(BRACKETS).split("≈");
    const times = random.once(20) ? random.small(2000) : random.small(4);
    const replacement = random.pick<() => string[]>([
      () => [],
      () => [word()],
      ...Array(6).fill(() => taken.map((token) => alike(token, random))),
      () => [`(${random.pick(TYPES)})`, ...taken],
      () => [...taken, word()],
      () => [...taken, " ", word(), " "],
      other,
      other,
      () => [...taken, ...other()],
      () => [open.repeat(times), ...taken, close.repeat(times)],
      () => taken.length * times > 20_000 ? taken : Array(times).fill(taken).flat(),
      () => [list[random.below(list.length)] ?? "", ...taken],
      () => taken.toReversed(),
    ])();
    list = [...list.slice(0, from), ...replacement, ...list.slice(from + count)];
  }
  if (random.once(10)) list = [...list, "\n", ...tokens(random.pick(seeds))];
  return list.join("").slice(0, 1_000_000);
}
