import { readIfThere } from "../../core/sys/input_file.ts";
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { CError } from "../../language/ctypes/c_token.ts";
import { parseDefinitions } from "../../language/ctypes/definitions.ts";
import type { TypeScope } from "../../language/ctypes/scope.ts";
import type { StructType } from "../../language/model/types.ts";
import { HeaderFiles } from "../../language/ctypes/header_files.ts";

const TASK: StructType = {
  ...{ kind: "struct", name: "struct task_struct", size: 8, align: 8 },
  fields: () => [],
};
const KERNEL: TypeScope = {
  type: (name) => name === TASK.name ? TASK : undefined,
  constant: () => undefined,
};
const NOTHING = { type: () => undefined, constant: () => undefined };

function define(
  text: string,
  options: { folder?: string; source?: string; kernel?: boolean } = {},
) {
  return parseDefinitions({
    includes: [],
    texts: [{ text, span: { start: 0, end: text.length } }],
    headers: new HeaderFiles({
      read: (path) => readIfThere(path, 16 << 20),
      script: options.folder ?? ".",
      given: [],
      kernelSource: options.source,
      kernelRelease: "none",
      architecture: "x86_64",
    }),
    below: options.kernel ? KERNEL : NOTHING,
    architecture: "x86_64",
  });
}

Deno.test("only regular files of a bearable size are read as headers", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await new Deno.Command("mkfifo", { args: [`${folder}/fifo.h`] }).output();
    const large = await Deno.create(`${folder}/large.h`);
    await large.truncate((16 << 20) + 1);
    large.close();
    const message = (name: string) =>
      assertThrows(() => define(`#include "${name}"\n`, { folder }), CError).message;
    assertEquals(
      message("/dev/zero"),
      "definitions.h:2:10: error: Cannot read '/dev/zero': it is not a regular file",
    );
    assertEquals(
      message("fifo.h"),
      `definitions.h:2:10: error: Cannot read '${folder}/fifo.h': it is not a regular file`,
    );
    assertEquals(
      message("large.h"),
      `definitions.h:2:10: error: Cannot read '${folder}/large.h': it is larger than 16777216 bytes, the limit`,
    );
    assertEquals(message("."), "definitions.h:2:10: fatal error: '.' file not found");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a header beside the including file goes before those of the system", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${folder}/sub`);
    await Deno.writeTextFile(`${folder}/sub/a.h`, '#include "stddef.h"\nstruct a { own_t x; };\n');
    await Deno.writeTextFile(`${folder}/sub/stddef.h`, "typedef short own_t;\n");
    const { types } = define('#include "sub/a.h"\n#include <stddef.h>\n', { folder }).declarations;
    assertEquals([types.get("struct a")?.size, types.get("size_t")?.size], [2, 8]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the kernel's folders are searched in the order of a kernel build", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const write = async (path: string, text: string) => {
      await Deno.mkdir(`${folder}/${path.slice(0, path.lastIndexOf("/"))}`, { recursive: true });
      await Deno.writeTextFile(`${folder}/${path}`, text);
    };
    await write("include/generated/autoconf.h", "#define CONFIG_ODD 1\n");
    await write("include/linux/kconfig.h", "#include <generated/autoconf.h>\n");
    await write(
      "include/linux/odd.h",
      "#if defined CONFIG_ODD && defined __KERNEL__\nstruct odd { int a; };\n#endif\n",
    );
    await write("include/uapi/linux/odd.h", "struct wrong { int a; };\n");
    const { types } = define("#include <linux/odd.h>\n", { source: folder }).declarations;
    assertEquals([types.has("struct odd"), types.has("struct wrong")], [true, false]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a kernel header that is missing is a warning where the kernel's types are known", () => {
  const text = "#include <linux/no_such_header.h>\n";
  assertEquals(define(text, { kernel: true }).warnings.map(({ message }) => message), [
    "definitions.h:2:10: 'linux/no_such_header.h' file not found; the kernel's types are used instead",
  ]);
  const message = (step: () => void) => assertThrows(step, CError).message;
  assertStringIncludes(message(() => define(text)), "file not found");
  const other = "#include <no_such.h>\n";
  assertStringIncludes(message(() => define(other, { kernel: true })), "file not found");
});
