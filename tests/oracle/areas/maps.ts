// Kinds of maps with all operations, and values with all that can be done to them.

const KINDS = ["hash", "lruhash", "percpuhash", "percpulruhash", "percpuarray", "array", "stack"];
const VALUES: readonly (readonly [string, string])[] = [
  ["int", "5"],
  ["bool", "true"],
  ["string", '"text"'],
  ["tuple", '(1, "a", (2, 3))'],
  ["record", '(a=1, b="x")'],
  ["pointer", "(int32 *)0x1000"],
  ["buffer", 'buf("abc", 3)'],
  ["inet", "ntop(0x0100007f)"],
  ["pton", 'pton("127.0.0.1")'],
  ["count", "count()"],
  ["sum", "sum(5)"],
  ["sum2", "sum(-5)"],
  ["min", "min(-5)"],
  ["max", "max(5)"],
  ["avg", "avg(-5)"],
  ["stats", "stats(5)"],
  ["hist", "hist(5)"],
  ["hist2", "hist(500, 2)"],
  ["lhist", "lhist(5, 0, 10, 2)"],
];
const USES = [
  "print(@m);",
  "print(@m, 1);",
  "print(@m, 1, 2);",
  "clear(@m);",
  "zero(@m);",
  "delete(@m);",
  "print(len(@m));",
  "if (@m) { print(1); }",
  "$x = @m; print($x);",
  "print(@m == 5);",
  "print((uint64)@m);",
  "print((@m, 1));",
  "@n = @m;",
  "@n[@m] = 1;",
  'printf("%d\\n", @m);',
  'printf("%s\\n", @m);',
  "@m++;",
  "print(@m + 1);",
  "print(sizeof(@m));",
];
const KEYED = [
  "print(@m);",
  "print(@m[1]);",
  "print(@m, 1);",
  "print(@m, 2, 2);",
  "print(@m[1], 1);",
  "clear(@m);",
  "zero(@m);",
  "delete(@m, 1);",
  "delete(@m[2]);",
  "delete(@m);",
  "print(len(@m));",
  "print(has_key(@m, 1)); print(has_key(@m, 9));",
  "$x = @m[1]; print($x);",
  "print((@m[1], 1));",
  "@n = @m[1];",
  "@n[@m[1]] = 1;",
  'printf("%d\\n", @m[1]);',
  'printf("%s\\n", @m[1]);',
  "for ($kv : @m) { print($kv.0); }",
  "for ($kv : @m) { print($kv.1); }",
  "for ($kv : @m) { @n[$kv.0] = $kv.1; }",
];

export const entries: string[] = [
  ...VALUES.flatMap(([, value]) => USES.map((use) => `BEGIN { @m = ${value}; ${use} }`)),
  ...VALUES.flatMap(([, value]) =>
    KEYED.map((use) => `BEGIN { @m[1] = ${value}; @m[2] = ${value}; ${use} }`)
  ),
  ...KINDS.flatMap((kind) => [
    `let @m = ${kind}(10); BEGIN { @m[1] = 5; @m[2] = 3; @m[1] = 6; }`,
    `let @m = ${kind}(10); BEGIN { @m = 5; print(@m); }`,
    `let @m = ${kind}(2); BEGIN { @m["a"] = count(); @m["a"] = count(); print(@m["a"]); }`,
    `let @m = ${kind}(10); BEGIN { @m[1] = 5; for ($kv : @m) { print($kv); } }`,
    `let @m = ${kind}(10); BEGIN { @m[1] = 5; print(has_key(@m, 1)); delete(@m, 1); print(len(@m)); }`,
    `let @m = ${kind}(1); BEGIN { @m[1] = 5; @m[2] = 6; print(len(@m)); }`,
    `let @m = ${kind}; BEGIN { @m[1] = 5; }`,
    `let @m = ${kind}(0); BEGIN { @m[1] = 5; }`,
    `let @m = ${kind}(-1); BEGIN { @m[1] = 5; }`,
    `let @m = ${kind}(10); let @m = ${kind}(10); BEGIN { @m[1] = 5; }`,
    `let @m = ${kind}(10); BEGIN { }`,
    `let @m = ${kind}(10); BEGIN { @m[1] = hist(5); }`,
    `let @m = ${kind}($1); BEGIN { @m[1] = 1; }`,
  ]),
  ...VALUES.flatMap(([, value]) => [
    `BEGIN { @m[${value}] = 1; @m[${value}] = 2; print(@m[${value}]); }`,
    `BEGIN { @m[${value}, 1] = 1; delete(@m, (${value}, 1)); print(len(@m)); }`,
    `BEGIN { $x = ${value}; print($x); }`,
    `BEGIN { $x = ${value}; @m[1, $x] = 1; }`,
    `BEGIN { let $x = ${value}; $x = ${value}; @m[1] = $x; @m[2] = $x; }`,
    `BEGIN { print(${value}); }`,
    `BEGIN { print((1, ${value})); print((x=${value},)); print((x=${value})); }`,
    `BEGIN { @a = ${value}; @b[1] = ${value}; @c = 1; } END { clear(@a); clear(@b); @c = 7; }`,
    `BEGIN { @a = ${value}; @b[1] = ${value}; } END { zero(@a); zero(@b); }`,
    `BEGIN { if (0) { @a = ${value}; @b[1] = ${value}; } }`,
    `BEGIN { if (0) { @a = ${value}; @b[1] = ${value}; } print(@a); print(@b); }`,
    `BEGIN { if (0) { @b[1] = ${value}; } print(@b[1]); }`,
    `BEGIN { $x = { ${value} }; print($x); @y = { let $z = 1; ${value} }; }`,
    `BEGIN { @y = true ? ${value} : ${value}; print(@y); }`,
    `BEGIN { @y = if (pid > 0) { ${value} } else { ${value} }; print(@y); }`,
    `macro same(e) { e } BEGIN { @y = same(${value}); print(@y); }`,
    `BEGIN { ${value}; }`,
    `BEGIN { _ = ${value}; }`,
    `BEGIN { print(${value} == ${value}); }`,
  ]),
  ...VALUES.flatMap(([, value]) =>
    VALUES.filter(([, other]) => other !== value).slice(0, 6).map(([, other]) =>
      `BEGIN { @m = ${value}; @m = ${other}; }`
    )
  ),
];

const AGGREGATIONS = ["count()", "sum(3)", "min(3)", "max(3)", "avg(3)", "stats(3)"];

for (const one of AGGREGATIONS) {
  entries.push(
    `BEGIN { @m = ${one}; @m = ${one}; print((int64)@m); print(@m > 1); print(@m / 2); }`,
    `BEGIN { @m["a"] = ${one}; @m["b"] = ${one}; @m["b"] = ${one}; for ($kv : @m) { if ($kv.1 > 3) { print("big"); } } }`,
    `BEGIN { @m[1] = ${one}; @n = @m[1]; @o[@m[1]] = 1; print((@m[1], @m[1])); }`,
    `BEGIN { @m[1] = ${one}; printf("%d %5d %x\\n", @m[1], @m[1], @m[1]); }`,
    `BEGIN { @m = ${one}; @m = 5; }`,
    `BEGIN { @m = ${one}; $x = (uint8)@m; print($x); if (@m == 3) { print("three"); } }`,
  );
}
