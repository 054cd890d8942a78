import { assert, assertEquals, assertThrows } from "@std/assert";
import { cSize, findField, type StructType, typeName } from "../model/types.ts";
import { type Definitions, parseDefinitions } from "./definitions.ts";
import { CError } from "./c_token.ts";
import { parseCType } from "./parse_type.ts";
import type { TypeScope } from "./scope.ts";

const NOTHING: TypeScope = { type: () => undefined, constant: () => undefined };

function define(
  text: string,
  headers: Record<string, string> = {},
  below: TypeScope = NOTHING,
): Definitions {
  return parseDefinitions({
    includes: [],
    texts: [{ text, span: { start: 0, end: text.length } }],
    headers: {
      find: ({ name, first }) => {
        const found = Object.hasOwn(headers, name) && first === 0;
        return found ? { name, text: headers[name], folder: 0 } : undefined;
      },
    },
    below,
    architecture: "x86_64",
  });
}

function layout(text: string, name: string): string {
  const type = define(text).type(name) as StructType;
  const fields = type.fields().map(({ name, offset, bits, type }) =>
    `${name}@${offset}${bits === undefined ? "" : `:${bits.shift}+${bits.width}`} ${typeName(type)}`
  );
  return `${type.size}/${type.align} ${fields.join(", ")}`;
}

Deno.test("parseDefinitions() lays structures out as C does", () => {
  assertEquals(
    layout("struct s { char c; int i; short s; };", "struct s"),
    "12/4 c@0 int8, i@4 int32, s@8 int16",
  );
  assertEquals(
    layout("struct s { char c; int i; } __attribute__((packed));", "struct s"),
    "5/1 c@0 int8, i@1 int32",
  );
  assertEquals(
    layout("union u { char c[6]; unsigned long long l; };", "union u"),
    "8/8 c@0 int8[6], l@0 uint64",
  );
  assertEquals(
    layout("struct s { unsigned a:3, b:7; int : 0; unsigned c:31; unsigned d:2; };", "struct s"),
    "12/4 a@0:0+3 uint32, b@0:3+7 uint32, c@4:0+31 uint32, d@8:0+2 uint32",
  );
});

Deno.test("parseDefinitions() knows nested, anonymous and recursive structures, functions, typedefs", () => {
  const scope = define(`
    typedef unsigned int u_t, *up_t;
    struct node { struct node *next; u_t n; union { int a; char b; }; void (*call)(int, struct node *); up_t p[2]; };
    typedef struct { int x; } anonymous_t;`);
  const node = scope.type("struct node") as StructType;
  assertEquals(findField(node, "b")?.offset, 12);
  const next = findField(node, "next")!.type;
  assert(next.kind === "pointer" && next.to.kind === "struct");
  assertEquals(next.to.fields().length, 5);
  assertEquals(cSize(scope.type("anonymous_t")!), 4);
  assertEquals(cSize(findField(node, "p")!.type), 16);
});

Deno.test("parseDefinitions() counts enumerators and computes macros", () => {
  const scope = define(
    'enum e { A, B = 1 << 4, C };\n#define D (C | 0x100)\n#define S "text"\n#define F(x) x\n' +
      "#define G F(7) + 1\n#define U 5UL\n#define EMPTY",
  );
  assertEquals(["A", "B", "C", "D"].map((name) => scope.constant(name)?.value), [
    ...[0n, 16n, 17n],
    undefined,
  ]);
  assertEquals(["D", "S", "F", "G", "U", "EMPTY"].map((name) => scope.macro(name)), [
    { text: "(C | 0x100)", value: undefined },
    { text: '"text"', value: undefined },
    undefined,
    { text: "7 + 1", value: 8n },
    { text: "5UL", value: 5n },
    undefined,
  ]);
  assertEquals(scope.macroValue("D"), 0x111n);
});

Deno.test("parseDefinitions() follows conditions and includes headers once", () => {
  const scope = define(
    '#include "a.h"\n#include "a.h"\n#if defined(A_H) && VALUE > 2\nstruct yes { int x; };\n#else\nnonsense\n#endif\n',
    {
      "a.h":
        '#define A_H\n#define VALUE 3\n#include "b.h"\nstatic inline int f(void) { return 1; }\nextern int v;\nstruct a { int x; };',
      "b.h": "struct b { int x; };",
    },
  );
  for (const name of ["struct yes", "struct a", "struct b"]) assert(scope.type(name), name);
});

Deno.test("parseDefinitions() says what it cannot do, and where", () => {
  const cases: [text: string, message: string][] = [
    ['#include "no.h"', "1:10: fatal error: 'no.h' file not found"],
    ["#error no\n", "1:2: no"],
    ["#if (\n#endif", "1:5: expected an expression"],
    ["#if F(3)\n#endif", "1:6: function-like macro 'F' is not defined"],
    ["#if 1 2\n#endif", "1:7: unexpected '2' in #if"],
    ["#if 1\n", "1:2: unterminated conditional directive"],
    ["#endif\n", "1:2: #endif without #if"],
    ["struct s { nonsense x; };", "1:12: unknown type name 'nonsense'"],
    ["struct s { struct f f; };", "1:21: field has incomplete type 'struct f'"],
    ["struct s { int a; } __attribute__((odd));", "1:36: attribute 'odd' is not supported"],
    ["struct s { int a : 33; };", "1:20: bit field 'a' of type int cannot have 33 bits"],
    ["struct s { int a[-1]; };", "1:17: an array of -1 elements"],
    ["struct s { int a[N]; };", "1:18: 'N' is no constant that is known here"],
    ["struct s { int a[1 / 0]; };", "1:20: division by zero"],
    [
      "#pragma pack(3)\nstruct s { int a; };",
      "1:1: #pragma pack: the alignment 3 is none of 1 to 16",
    ],
    ["#pragma ms_struct on\nstruct s { int a; };", "1:1: #pragma ms_struct on is not supported"],
    ["struct s { int a; }; struct s { int b; };", "1:29: redefinition of 's'"],
    ["struct s { int a; int b, a; };", "1:26: duplicate member 'a'"],
    [
      "struct s { int a; struct { union { int b; int a; }; }; };",
      "1:54: member of anonymous struct redeclares 'a'",
    ],
    ["enum e { A, B, A };", "1:16: redefinition of enumerator 'A'"],
    ["enum e { A }; enum f { B, A };", "1:27: redefinition of enumerator 'A'"],
  ];
  for (const [text, expected] of cases) {
    const { message } = assertThrows(() => define(text), CError);
    const [, line, rest] = /^(\d+)(:\d+: )/.exec(expected) ?? [];
    const told = expected.slice((line + rest).length);
    const kind = told.startsWith("fatal error: ") ? "" : "error: ";
    assertEquals(message, `definitions.h:${Number(line) + 1}${rest}${kind}${told}`);
  }
});

Deno.test("parseCType() reads what providers and formats write", () => {
  const name = (text: string) => typeName(parseCType(text, NOTHING));
  assertEquals(name("const char *"), "int8 *");
  assertEquals(name("unsigned long"), "uint64");
  assertEquals(name("long unsigned int"), "uint64");
  assertEquals(name("__u32"), "uint32");
  assertEquals(name("char[16]"), "int8[16]");
  assertEquals(name("bool"), "bool");
  assertEquals(name("void *"), "void *");
  assertEquals(name("nonsense_t"), "uint64");
  const user = parseCType("const char __user *", NOTHING);
  assert(user.kind === "pointer" && user.space === "user");
});
