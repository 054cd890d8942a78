// What C may look like: sizes of types by name, each checked with gcc by hand of gcc_oracle.ts.

import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { CError } from "../../language/ctypes/c_token.ts";
import { type Definitions, parseDefinitions } from "../../language/ctypes/definitions.ts";
import { assembly, hasGcc } from "./gcc_oracle.ts";

const NOTHING = { type: () => undefined, constant: () => undefined };

function define(text: string, headers: Record<string, string> = {}): Definitions {
  return parseDefinitions({
    includes: [],
    texts: [{ text, span: { start: 0, end: text.length } }],
    headers: {
      find: ({ name }) => name in headers ? { name, text: headers[name], folder: 0 } : undefined,
    },
    below: NOTHING,
    architecture: "x86_64",
  });
}

/** Declarations, each with the type whose size and alignment are asked for. */
const CASES: readonly (readonly [text: string, type: string])[] = [
  ["struct s { int a; /* } */ char b; // }\n};", "struct s"],
  ["struct s { __extension__ struct { char a; long b; }; };", "struct s"],
  ["struct s { char *__restrict a; const volatile char b; _Atomic int c; };", "struct s"],
  ["struct s { _Alignas(32) char a; _Alignas(double) char b; };", "struct s"],
  [
    "struct s { int a, b __attribute__((aligned(16))), *c; char *__attribute__((aligned(32))) d; };",
    "struct s",
  ],
  ["struct s { char a; float b; double c; long double d; _Complex float e; };", "struct s"],
  ["struct s { __int128 a; _Bool b; unsigned __int128 c; };", "struct s"],
  ["struct s { int a[sizeof(long)]; char b[sizeof(int[3])]; };", "struct s"],
  ["enum { X = sizeof(int), Y = X * 2 + 'a' }; struct s { char a[Y]; };", "struct s"],
  [
    "typedef int f_t(int); typedef f_t *p_t; struct s { p_t a; f_t *b[2]; int (*(*c)(void))[3]; };",
    "struct s",
  ],
  ["union u { int a; union { char b[7]; struct { short c; char d; }; }; };", "union u"],
  ["struct e {}; struct s { char a; struct e b; int c; };", "struct s"],
  ["struct s { int n; char d[]; };", "struct s"],
  [
    "struct t { int a; }; typedef __typeof__(((struct t *)0)->a) t_t; struct s { t_t x[3]; };",
    "struct s",
  ],
  ["extern int v[5]; struct s { char a[sizeof(v)]; };", "struct s"],
  [
    "static inline int f(int a) { struct { int b; } c = { a }; return c.b; } struct s { int a; };",
    "struct s",
  ],
  [
    'int puts_(const char *) __asm__("puts") __attribute__((nonnull)); struct s { int a; };',
    "struct s",
  ],
  ['_Static_assert(sizeof(int) == 4, "} odd"); struct s { int a; };', "struct s"],
  ["int old(a, b) int a; char b; { return a + b; } struct s { char a; };", "struct s"],
  [
    "int v = 5, w[] = { 1, 2 }; struct { int q; } x = { .q = 3 }; struct s { char a; };",
    "struct s",
  ],
  [
    "struct t { char a; long b[4]; }; struct s { char a[__builtin_offsetof(struct t, b[2])]; };",
    "struct s",
  ],
  [
    "struct t { char a; long b; }; struct s { char a[(unsigned long)&((struct t *)0)->b]; };",
    "struct s",
  ],
  ["struct s { char a[(int)-1 < 0 ? (char)300 : 1]; char b[1 ?: 2]; };", "struct s"],
  [
    "struct s { char a[-1 > 0u ? 7 : 9]; char b[(1 << 4 | 1) % 7]; char c['\\n' + '\\x10']; };",
    "struct s",
  ],
  ["enum __attribute__((packed)) e { A, B = 300 }; struct s { enum e a; char b; };", "struct s"],
  ["enum e { A = -1 }; enum f { B = 0x100000000 }; struct s { enum e a; enum f b; };", "struct s"],
  [
    "typedef int r_t __attribute__((mode(DI))); typedef float v_t __attribute__((vector_size(16))); struct s { r_t a; v_t b; };",
    "struct s",
  ],
  [
    "struct s { int a : 3; int : 0; long b : 40; _Bool c : 1; char d; } __attribute__((packed, aligned(2)));",
    "struct s",
  ],
  [
    "#pragma pack(push, 2)\nstruct s { char a; int b : 20; long c; };\n#pragma pack(pop)",
    "struct s",
  ],
  ['_Pragma("pack(1)") struct s { char a; long c; }; _Pragma("pack()")', "struct s"],
  [
    "struct s { char a[__builtin_clzll(1) + __builtin_ctz(8)]; char b[__builtin_popcount(255)]; };",
    "struct s",
  ],
  [
    "struct t; typedef struct t t_t; struct t { t_t *next; int a; }; struct s { t_t x[2]; };",
    "struct s",
  ],
  [
    "typedef unsigned long long int long unsigned_t; struct s { unsigned_t a; };".replace(
      "int long",
      "int",
    ),
    "struct s",
  ],
];

Deno.test({
  name: "C in many forms has gcc's sizes",
  ignore: !hasGcc() || Deno.build.arch !== "x86_64",
  async fn() {
    for (const [text, name] of CASES) {
      const type = define(text, {}).declarations.types.get(name);
      const { output, errors } = await assembly(
        `${text}\nunsigned long q[] = { sizeof(${name}), _Alignof(${name}) };\n`,
      );
      assert(output !== undefined, errors);
      const gcc = [...output.slice(output.indexOf("\nq:")).matchAll(/\.quad\t(\d+)/g)];
      // Zeros at the end are no words of their own.
      const numbers = gcc.slice(0, 2).map(([, number]) => Number(number));
      if (numbers.length === 1) numbers.unshift(0);
      assertEquals([type?.size, type?.align], numbers, text);
    }
  },
});

Deno.test("standard attributes in brackets count as well", () => {
  const { types } = define("struct [[gnu::packed]] s { char a; [[gnu::aligned(4)]] int b; };")
    .declarations;
  assertEquals([types.get("struct s")?.size, types.get("struct s")?.align], [8, 4]);
});

Deno.test("the last member needs no semicolon", () => {
  assertEquals(define("struct s { char a; int b }").declarations.types.get("struct s")?.size, 8);
});

Deno.test("C that is not understood in a header concerns the names of that declaration only", () => {
  const header = `struct good { int a; };
    struct bad { int a __attribute__((odd_layout)); };
    typedef struct { unknown_t x; } worse_t;
    struct holder { struct bad inner; };
    enum late { LATE = unknown_call(1), LATER };
    static int f(unknown_t x) { return x; }
    struct after { char a[3]; };`;
  const all = define('#include "h.h"\n', { "h.h": header });
  assertEquals([all.type("struct good"), all.type("struct after")].map((one) => one?.kind), [
    "struct",
    "struct",
  ]);
  const message = (name: string) => assertThrows(() => all.type(name), CError).message;
  assertEquals(message("struct bad"), "h.h:2:39: error: attribute 'odd_layout' is not supported");
  assertEquals(message("worse_t"), "h.h:3:22: error: unknown type name 'unknown_t'");
  assertEquals(
    message("struct holder"),
    "h.h:2:39: error: attribute 'odd_layout' is not supported",
  );
  assertEquals(
    assertThrows(() => all.constant("LATER"), CError).message,
    "h.h:5:24: error: 'unknown_call' is no constant that is known here",
  );
});

Deno.test("nesting is bounded", () => {
  const deep = `struct s { ${"struct { ".repeat(300)}int a;${" };".repeat(300)} };`;
  assertStringIncludes(
    assertThrows(() => define(deep), CError).message,
    "nested more than 200 deep",
  );
  const parentheses = `struct s { char a[${"(".repeat(1000)}1${")".repeat(1000)}]; };`;
  assertStringIncludes(
    assertThrows(() => define(parentheses), CError).message,
    "nested more than 200 deep",
  );
  const stars = `struct s { int ${"(".repeat(1000)}a${")".repeat(1000)}; };`;
  assertStringIncludes(
    assertThrows(() => define(stars), CError).message,
    "nested more than 200 deep",
  );
});
