import { assert, assertEquals } from "@std/assert";
import { ScriptError, Source } from "./diagnostics.ts";
import { PRECEDENCE } from "./parse_expression.ts";
import { parse } from "./parser.ts";
import { formatProgram } from "./printer.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

function format(text: string): string {
  return formatProgram(parse(new Source("x", text)), text);
}

/** A tree without places; a literal's text may have moved. */
function shape(text: string): string {
  return JSON.stringify(
    { ...parse(new Source("x", text)), definitions: [] },
    (key, value) =>
      ["span", "head", "change"].includes(key)
        ? undefined
        : typeof value === "bigint"
        ? `${value}n`
        : value,
  );
}

Deno.test("formatProgram() keeps the meaning of every script, and what it formats stays as it is", () => {
  let count = 0;
  for (const folder of ["tests/lang/", "tools/scripts/", "tests/codegen/"]) {
    for (const { name } of Deno.readDirSync(ROOT + folder)) {
      if (!name.endsWith(".bt") || /deep|chain/.test(name)) continue;
      const text = Deno.readTextFileSync(ROOT + folder + name);
      let once: string;
      try {
        once = format(text);
      } catch (error) {
        assert(error instanceof ScriptError, name);
        continue; // a syntax error is what that script is about
      }
      assertEquals(shape(once), shape(text), name);
      assertEquals(format(once), once, name);
      count++;
    }
  }
  assert(count > 100);
});

Deno.test("formatProgram() indents, spaces and breaks lines", () => {
  assertEquals(
    format('BEGIN{$a=1;if($a){print("x")}else{@b[1,2]=count()}}END/1/{}'),
    `BEGIN {
  $a = 1;
  if ($a) {
    print("x")
  } else {
    @b[1, 2] = count();
  }
}

END
/1/ {
}
`,
  );
});

Deno.test("formatProgram() keeps comments at their lines", () => {
  assertEquals(
    format("// head\nBEGIN {\n// before\nprint(1); // beside\n/* last */\n}\n// tail"),
    "// head\nBEGIN {\n  // before\n  print(1); // beside\n  /* last */\n}\n// tail\n",
  );
});

Deno.test("formatProgram() keeps parentheses that matter", () => {
  for (const text of ["-(-$a)", "(*curtask).pid", "(1 + 2) * 3", "(1 ? 2 : 3) + 4", "!(~pid)"]) {
    const script = `BEGIN {\n  $a = 1;\n  print(${text});\n}\n`;
    assertEquals(format(script), script.replace("!(~pid)", "!~pid"));
  }
});

/** Makes random expressions with parentheses around every operand, from a fixed seed. */
class RandomExpressions {
  #seed = 7;

  below(limit: number): number {
    this.#seed = (Math.imul(this.#seed, 1103515245) + 12345) & 0x7fffffff;
    return (this.#seed >>> 8) % limit;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }

  /** An expression in parentheses, or a leaf. */
  operand(depth: number): string {
    return `(${this.expression(depth - 1)})`;
  }

  expression(depth: number): string {
    if (depth <= 0) {
      return this.pick(["1", "0xff", "1e3", '"a\\n"', "$a", "@m", "pid", "$1", "true"]);
    }
    const inner = () => this.operand(depth);
    return this.pick([
      () => `${inner()} ${this.pick(Object.keys(PRECEDENCE))} ${inner()}`,
      () => `${inner()} ${this.pick(Object.keys(PRECEDENCE))} ${inner()}`,
      () => `${this.pick(["-", "!", "~", "*", "&"])} ${inner()}`,
      () => `${inner()} ? ${inner()} : ${inner()}`,
      () => `${inner()} ?: ${inner()}`,
      () => `(${this.pick(["int64", "struct s *", "uint8[4]", "foo *", "foo"])})${inner()}`,
      () => `${inner()}.x`,
      () => `${inner()}->x`,
      () => `${inner()}[${inner()}]`,
      () => `@m[${inner()}, ${inner()}]`,
      () => `f(${inner()}, ${inner()})`,
      () => `sizeof(${this.pick(["int64", "struct s *"])})`,
      () => `(${inner()}, ${inner()})`,
      () => `(${inner()},)`,
      () => `(a=${inner()}, b=${inner()})`,
      () => `${this.pick(["$a", "@m", `@m[${inner()}]`])}${this.pick(["++", "--"])}`,
      () => `${this.pick(["++", "--"])}${this.pick(["$a", "@m", `@m[${inner()}]`])}`,
      () => `if (${inner()}) { ${inner()} } else { ${inner()} }`,
      () => `{ $a = ${inner()}; ${inner()} }`,
    ])();
  }
}

Deno.test("formatProgram() keeps the tree of random expressions", () => {
  const random = new RandomExpressions();
  const places = [
    "BEGIN { $x = EXPR; }",
    "BEGIN { print(EXPR); }",
    "BEGIN { @m[EXPR] = 1; (EXPR); }",
    "BEGIN /(EXPR)/ { (EXPR) }",
    "BEGIN { if (EXPR) { (EXPR); } (EXPR) }",
  ];
  for (let i = 0; i < 3000; i++) {
    const text = random.pick(places).replaceAll("EXPR", random.expression(1 + i % 4));
    const once = format(text);
    let again: string;
    try {
      again = shape(once);
    } catch (error) {
      assert(error instanceof ScriptError);
      throw new Error(`${text}\nbecomes\n${once}\n${error.message}`);
    }
    assertEquals(again, shape(text), `${text}\nbecomes\n${once}`);
    assertEquals(format(once), once, text);
  }
});
