import { assert, assertEquals, assertThrows } from "@std/assert";
import { CError, CFile } from "./c_token.ts";
import { Preprocessor } from "./preprocess.ts";

/** The tokens of a text as text, with one blank between tokens. */
function run(text: string, headers: Record<string, string> = {}): string {
  const preprocessor = new Preprocessor({
    find: ({ name, first }) => {
      const path = first > 0 ? `second/${name}` : name;
      if (!Object.hasOwn(headers, path)) return undefined;
      return { name: path, text: headers[path], folder: first };
    },
  });
  preprocessor.enter(new CFile("t.c", text, { scriptStart: 0 }));
  const tokens: string[] = [];
  for (let token = preprocessor.next(); token !== undefined; token = preprocessor.next()) {
    tokens.push(token.kind === "pragma" ? `<${token.text}>` : token.text);
  }
  return tokens.join(" ");
}

function fails(text: string, headers: Record<string, string> = {}): string {
  return assertThrows(() => run(text, headers), CError).message;
}

Deno.test("macros are expanded as the standard's own examples say", () => {
  const definitions = `
    #define x 3
    #define f(a) f(x * (a))
    #undef x
    #define x 2
    #define g f
    #define z z[0]
    #define h g(~
    #define m(a) a(w)
    #define w 0,1
    #define t(a) a
    #define p() int
    #define q(x) x
    #define r(x,y) x ## y
    #define str(x) # x
    `;
  assertEquals(
    run(`${definitions} f(y+1) + f(f(z)) % t(t(g)(0) + t)(1);`),
    "f ( 2 * ( y + 1 ) ) + f ( 2 * ( f ( 2 * ( z [ 0 ] ) ) ) ) % f ( 2 * ( 0 ) ) + t ( 1 ) ;",
  );
  assertEquals(
    run(`${definitions} g(x+(3,4)-w) | h 5) & m\n(f)^m(m);`),
    "f ( 2 * ( 2 + ( 3 , 4 ) - 0 , 1 ) ) | f ( 2 * ( ~ 5 ) ) & f ( 2 * ( 0 , 1 ) ) ^ m ( 0 , 1 ) ;",
  );
  assertEquals(
    run(`${definitions} p() i[q()] = { q(1), r(2,3), r(4,), r(,5), r(,) }; str(hello  w)`),
    'int i [ ] = { 1 , 23 , 4 , 5 , } ; "hello w"',
  );
});

Deno.test("# and ## keep what is written", () => {
  const definitions = `
    #define str(s) # s
    #define xstr(s) str(s)
    #define debug(s, t) printf("x" # s "= %d, x" # t, x ## s, x ## t)
    #define INCFILE(n) vers ## n
    #define hash_hash # ## #
    #define mkstr(a) # a
    #define in_between(a) mkstr(a)
    #define join(c, d) in_between(c hash_hash d)
    `;
  assertEquals(run(`${definitions} xstr(INCFILE(2).h)`), '"vers2.h"');
  assertEquals(
    run(`${definitions} debug(1, 2);`),
    'printf ( "x" "1" "= %d, x" "2" , x1 , x2 ) ;',
  );
  assertEquals(run(`${definitions} str("a\\n" '"')`), String.raw`"\"a\\n\" '\"'"`);
  assertEquals(run(`${definitions} join(x, y)`), '"x ## y"');
});

Deno.test("further arguments may be there or not", () => {
  const definitions = `
    #define v(a, ...) [a; __VA_ARGS__]
    #define gnu(a, rest...) (a, ## rest)
    #define opt(a, ...) (a __VA_OPT__(, __VA_ARGS__))
    `;
  assertEquals(run(`${definitions} v(1, 2, 3) v(1)`), "[ 1 ; 2 , 3 ] [ 1 ; ]");
  assertEquals(run(`${definitions} gnu(1) gnu(1, 2, 3)`), "( 1 ) ( 1 , 2 , 3 )");
  assertEquals(run(`${definitions} opt(1) opt(1, 2)`), "( 1 ) ( 1 , 2 )");
});

Deno.test("conditions compute with 64 bits and know what exists", () => {
  const truths = [
    ...["1 << 40", "-1 > 0u", "0xffffffff > 0", "'a' == 97", "~0 == -1", "7 / 2 == 3"],
    ...["defined(A)", "defined A && !defined B", "A(3) == 4", "0 ? 1 / 0 : 1", "0 && 1 / 0 || 1"],
    ...[
      "unknown == 0",
      "__has_include(<yes.h>)",
      '!__has_include("no.h")',
      "defined __has_include",
    ],
    ...["__has_attribute(packed)", "__has_attribute(__aligned__)", "!__has_attribute(nonsense)"],
    ...[
      "__has_builtin(__builtin_offsetof)",
      "YES",
      "__has_include(HEADER)",
      "0x7fffffffffffffff > 0",
    ],
  ];
  const before = "#define A(x) ((x) + 1)\n#define YES defined(A)\n#define HEADER <yes.h>\n";
  for (const truth of truths) {
    const text = `${before}#if ${truth}\nyes\n#else\nno\n#endif`;
    assertEquals(run(text, { "yes.h": "" }), "yes", truth);
  }
});

Deno.test("branches that do not count are passed over, whatever they contain", () => {
  assertEquals(
    run(`#if 0
      don't "stop /* #endif */
      #include "missing.h"
      #error no
      #if nonsense (
      #else
      #endif
      #elif 1 // yes
      one
      #elif 1 / 0
      two
      #else
      three
      #endif
      #ifdef A
      #elifndef A
      four
      #endif
      /*
      #else
      */ five`),
    "one four five",
  );
});

Deno.test("headers are found, guarded and continued in the next folder", () => {
  const headers = {
    "guard.h": "#ifndef G\n#define G\ng\n#endif\n",
    "once.h": "#pragma once\no\n",
    "twice.h": "t\n",
    "outer.h": "outer\n#include_next <outer.h>\n",
    "second/outer.h": "inner\n",
  };
  const include = (name: string) => `#include "${name}"\n`;
  assertEquals(run(include("guard.h").repeat(2) + include("once.h").repeat(2), headers), "g o");
  assertEquals(run(include("twice.h").repeat(2), headers), "t t");
  assertEquals(run("#include <outer.h>\n", headers), "outer inner");
  assertEquals(
    run("#define H <twice.h>\n#define S(x) #x\n#include H\n#include S(once.h)", headers),
    "t o",
  );
});

Deno.test("lines are joined and counted, also where #line says so", () => {
  assertEquals(
    run("#define A 1 \\\n + 2\nA __LINE__ B\\\nC // x \\\n y\n__LINE__"),
    "1 + 2 3 BC 6",
  );
  assertEquals(run('#line 70 "other.c"\n__LINE__ __FILE__\n__LINE__'), '70 "other.c" 71');
  assertEquals(fails('#line 70 "other.c"\n\n  #error x\n'), "other.c:71:4: error: x");
});

Deno.test("pragmas of layouts reach the parser, macros can be put aside", () => {
  assertEquals(
    run('#define N 2\n#pragma pack(push, N)\na _Pragma("pack(pop)") b'),
    "<pack ( push , 2 )> a <pack(pop)> b",
  );
  const pushed =
    '#define A 1\n#pragma push_macro("A")\n#undef A\n#define A 2\nA\n#pragma pop_macro("A")\nA';
  assertEquals(run(pushed), "2 1");
});

Deno.test("work is bounded", () => {
  const chain = (body: (before: string) => string) =>
    Array.from({ length: 60 }, (_, i) => `#define A${i + 1} ${body(`A${i}`)}\n`).join("");
  const message = "the script is too large: more than 4000000 tokens out of macros of C";
  assertEquals(fails(`${chain((one) => `${one} ${one}`)}A60`), `t.c:61:1: error: ${message}`);
  assertEquals(
    fails(`#define A0\n${chain((one) => `${one} ${one}`)}A60`),
    `t.c:62:1: error: ${message}`,
  );
  const nested = `#define F(x) x\n${"F(".repeat(500)}1${")".repeat(500)}`;
  assertEquals(fails(nested), "t.c:2:1: error: uses of macros are nested more than 200 deep");
  const doubled = "#define P(x) Q(x##x)\n#define Q(x) R(x##x)\n#define R(x) x##x\n";
  assert(run(`${doubled}P(ab)`).length === 16);
  const self = { "self.h": '#include "self.h"\n' };
  assertEquals(
    fails('#include "self.h"\n', self),
    "self.h:1:10: error: files include each other more than 200 deep",
  );
});

Deno.test("what is wrong is named with its place", () => {
  const cases: [text: string, message: string][] = [
    ["#define 5", "1:9: macro names must be identifiers"],
    ["#define F(x", "1:9: expected ')' in the parameters of macro 'F'"],
    ["#define F(x) #y\nF(1)", "2:1: macro 'F': '#' is not followed by a parameter"],
    ["#define F(x) x\nF(1", "2:1: unterminated argument list of macro 'F'"],
    ["#define F(x) x\nF(1, 2)", "2:1: macro 'F' takes 1 arguments, found 2"],
    ["#define F(x, y) x ## y\nF(+, /)", "2:1: macro 'F': '+' and '/' make no token together"],
    ["#include\n", '1:2: #include expects "FILE" or <FILE>'],
    ["#nonsense\n", "1:2: #nonsense is not supported"],
    ["#else\n", "1:2: #else without #if"],
    ["#if 1\n#else\n#else\n#endif", "3:2: #else after #else"],
    ["a /* b", "1:3: unterminated comment"],
    ["#if 1 / 0\n#endif", "1:7: division by zero"],
  ];
  for (const [text, expected] of cases) {
    assertEquals(
      fails(text),
      `t.c:${expected.replace(/^(\d+:\d+: )(?!fatal)/, "$1error: ")}`,
      text,
    );
  }
});
