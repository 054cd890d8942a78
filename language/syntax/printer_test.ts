import { assert, assertEquals } from "@std/assert";
import { ScriptError, Source } from "./diagnostics.ts";
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
      key === "span" || key === "head"
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
