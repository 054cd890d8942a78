import { assert, assertEquals } from "@std/assert";
import { output, ROOT, testWith } from "../../tests/helpers.ts";
import { framesOf } from "./debug_info.ts";
import type { FrameRow, RegisterRule } from "./frames.ts";
import { openSections } from "./sections.ts";

const folder = Deno.makeTempDirSync();
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));

const NAMES = "rax rdx rcx rbx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 ra".split(" ");

function signed(offset: number): string {
  return offset < 0 ? `${offset}` : `+${offset}`;
}

/** A rule as readelf writes it. */
function ruleText(rule: RegisterRule | undefined): string {
  switch (rule?.kind) {
    case undefined:
    case "undefined":
      return "u";
    case "same":
      return "s";
    case "offset":
      return `c${signed(rule.offset)}`;
    case "value_offset":
      return `v${signed(rule.offset)}`;
    case "register":
      return NAMES[rule.register];
    case "expression":
      return "exp";
    case "value_expression":
      return "vexp";
  }
}

function cfaText({ cfa }: FrameRow): string {
  if (cfa === undefined) return "";
  return cfa instanceof Uint8Array ? "exp" : `${NAMES[cfa.register]}${signed(cfa.offset)}`;
}

/** Rows of readelf: "LOC CFA rbx rbp ra", then "0000000000001020 rsp+16 u c-16 c-8". */
function* decoded(path: string): Generator<{ at: number; cfa: string; rules: [string, string][] }> {
  const { stdout } = output("readelf", ["--debug-dump=frames-interp", "-wN", path]);
  let columns: string[] = [];
  let isDescription = false;
  for (const line of stdout.split("\n")) {
    if (/ (FDE|CIE) /.test(line)) isDescription = line.includes(" FDE ");
    // A register is told by number and name: "r9 (r9)".
    const words = line.trim().replace(/r\d+ \((\w+)\)/g, "$1").split(/\s+/);
    if (words[0] === "LOC") columns = words.slice(2);
    else if (isDescription && /^[0-9a-f]{16}$/.test(words[0]) && columns.length > 0) {
      const [at, cfa, ...rules] = words;
      yield {
        at: parseInt(at, 16),
        cfa,
        rules: columns.map((name, i) => [name, rules[i]]),
      };
    } else if (line === "") columns = [];
  }
}

testWith("rowAt() tells what readelf decodes, of programs and of the C library", ["gcc"], () => {
  if (Deno.build.arch !== "x86_64") return;
  const compiled = ["-O2", "-O0", "-O2 -gdwarf-4 -fno-asynchronous-unwind-tables -g"].map(
    (flags, i) => {
      const path = `${folder}/p${i}`;
      const args = [...flags.split(" "), "-o", path, `${ROOT}tests/testdata/typed.c`];
      assertEquals(output("gcc", args).code, 0);
      return path;
    },
  );
  const library = /=> (\/\S*libc\.so\.6)/.exec(output("ldd", [compiled[0]]).stdout)![1];
  for (const path of [...compiled, Deno.realPathSync(library)]) {
    const elf = openSections(path)!;
    const frames = framesOf(elf);
    let count = 0;
    for (const { at, cfa, rules } of decoded(path)) {
      const row = frames.map((one) => one.rowAt(at)).find((one) => one !== undefined);
      assertEquals(row?.start, at);
      if (row === undefined) continue;
      assertEquals(cfaText(row), cfa, `${path} ${at.toString(16)}`);
      for (const [name, rule] of rules) {
        assertEquals(ruleText(row.registers.get(NAMES.indexOf(name))), rule, `${at.toString(16)}`);
      }
      count++;
    }
    assert(count > (path.includes("libc") ? 20000 : 20), `${path}: ${count} rows`);
  }
});

testWith("frames are found with and without the table of the linker", ["gcc"], () => {
  const path = `${folder}/table`;
  const source = `${ROOT}tests/testdata/typed.c`;
  assertEquals(output("gcc", ["-O2", "-o", path, source]).code, 0);
  const elf = openSections(path)!;
  const [withTable] = framesOf(elf);
  const bare = `${folder}/bare`;
  assertEquals(output("objcopy", ["--rename-section", ".eh_frame_hdr=.x", path, bare]).code, 0);
  const [without] = framesOf(openSections(bare)!);
  let count = 0;
  for (const one of withTable.descriptions()) {
    count++;
    for (const address of [one.start, one.end - 1]) {
      assertEquals(withTable.rowAt(address), without.rowAt(address));
      assertEquals(withTable.descriptionAt(address)?.start, one.start);
    }
  }
  assert(count > 15);
  assertEquals(withTable.rowAt(0), undefined);
});
