import { assert, assertEquals, assertThrows } from "@std/assert";
import { cSize, findField, type StructType, typeName } from "../model/types.ts";
import { parseDefinitions } from "./definitions.ts";
import { CError, evaluate, Preprocessor } from "./preprocess.ts";
import { parseCType } from "./parse_type.ts";
import type { TypeScope } from "./scope.ts";

const NOTHING: TypeScope = { type: () => undefined, constant: () => undefined };

function define(text: string, headers: Record<string, string> = {}): TypeScope {
  const span = { start: 0, end: text.length };
  const find = (name: string) => name in headers ? { name, text: headers[name] } : undefined;
  return parseDefinitions("", [{ text, span }], find, NOTHING);
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
    'enum e { A, B = 1 << 4, C };\n#define D (C | 0x100)\n#define S "text"\n#define F(x) x\n#define EMPTY',
  );
  const value = (name: string) => {
    const found = scope.constant(name);
    return typeof found === "object" ? found.value : found;
  };
  assertEquals(["A", "B", "C", "D", "S", "F", "EMPTY", "nothing"].map(value), [
    ...[0n, 16n, 17n, 0x111n, "text"],
    ...[undefined, undefined, undefined],
  ]);
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
  const message = (text: string) => assertThrows(() => define(text), CError).message;
  assertEquals(
    message('#include "no.h"'),
    "definitions.h:1:10: fatal error: 'no.h' file not found",
  );
  assertEquals(
    message("struct a { int x; };\nint f(void);"),
    "definitions.h:2: only struct, union, enum, typedef and #define of constants are supported here, found 'int'",
  );
  assertEquals(message("#error no\n"), "definitions.h:1: #error no");
  assertEquals(message("#if (\n#endif"), "definitions.h:1: cannot evaluate #if (");
  assertEquals(
    message("struct s { nonsense x; };"),
    "definitions.h:1: unknown type name 'nonsense'",
  );
});

Deno.test("evaluate() follows C's precedence", () => {
  const value = (text: string) => {
    const preprocessor = new Preprocessor(() => undefined);
    preprocessor.define("X", text);
    return evaluate(preprocessor.macros.get("X")!.tokens, () => undefined);
  };
  assertEquals(value("1 + 2 * 3 << 1 | 1"), 15n);
  assertEquals(value("(1 ? 2 : 3) == 2 && !0"), 1n);
  assertEquals(value("-~0x0fUL % 5"), 1n);
  assertEquals(value("'a' >= 97"), 1n);
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
