// Layouts of random structures, compared with gcc's.
//
//   STRUCTS=2000 SEED=7 deno test -A tests/ctypes/random_layout_test.ts

import { assertEquals } from "@std/assert";
import { parseDefinitions } from "../../language/ctypes/definitions.ts";
import type { CType } from "../../language/ctypes/c_type.ts";
import { cSize, type StructType } from "../../language/model/types.ts";
import { bitFields, hasGcc, layoutQuestions, runC } from "./gcc_oracle.ts";
import { COMMON, Random, randomStruct } from "./random_structs.ts";

const COUNT = Number(Deno.env.get("STRUCTS") ?? 300);
const SEED = Number(Deno.env.get("SEED") ?? 1);
const NOTHING = { type: () => undefined, constant: () => undefined };

/** A program that prints, for each bit field, its lowest bit and its number of bits. */
const BIT_HELPER = `
static void bits(const unsigned char *p, unsigned long size) {
  long first = -1, count = 0;
  for (unsigned long i = 0; i < size * 8; i++) {
    if (p[i / 8] >> (i % 8) & 1) { if (first < 0) first = i; count++; }
  }
  printf("%ld %ld\\n", first, count);
}
`;

/** Bit fields as scripts read bit fields: the word that is loaded must hold all bits and be there. */
function unreadable(type: CType): string[] {
  const { size, fields } = type.type as StructType;
  return fields().flatMap((field, i) => {
    const { bitOffset, width } = type.members!()[i];
    if (width === undefined || field.type.kind === "none") return [];
    const { offset, bits } = field;
    const word = cSize(field.type);
    const right = bits !== undefined && offset * 8 + bits.shift === bitOffset &&
      bits.width === width && bits.shift + width <= word * 8 &&
      offset + word <= Math.ceil(size / 8) * 8;
    return right ? [] : [`${type.name}.${field.name}`];
  });
}

Deno.test({
  name: `${COUNT} random structures have gcc's sizes, alignments and offsets`,
  ignore: !hasGcc() || Deno.build.arch !== "x86_64",
  async fn() {
    const random = new Random(SEED);
    const structs = Array.from({ length: COUNT }, (_, i) => randomStruct(random, `s${i}`));
    const text = COMMON + structs.map((one) => one.text).join("\n") + "\n";
    const { types } = parseDefinitions({
      includes: [],
      texts: [{ text, span: { start: 0, end: text.length } }],
      headers: { find: () => undefined },
      below: NOTHING,
      architecture: "x86_64",
    }).declarations;
    assertEquals(structs.flatMap(({ type }) => unreadable(types.get(type)!)), []);
    const ours: string[] = [];
    const program: string[] = [];
    structs.forEach(({ type }, i) => {
      const own = types.get(type)!;
      for (const { expression, ours: value } of layoutQuestions(type, own)) {
        ours.push(`${i} ${expression} ${value}`);
        program.push(`printf("${i} ${expression} %ld\\n", (long)${expression});`);
      }
      for (const { name, bit, width } of bitFields(own)) {
        ours.push(`${i} ${name} ${bit} ${width}`);
        program.push(
          `{ ${type} *x = calloc(1, sizeof *x + 16); x->${name} = -1; printf("${i} ${name} "); ` +
            `bits((void *)x, sizeof *x); free(x); }`,
        );
      }
    });
    const main = `#include <stdio.h>\n#include <stdlib.h>\n${text}${BIT_HELPER}int main() {\n${
      program.join("\n")
    }\n}\n`;
    const { output, errors } = await runC(main);
    const theirs = output?.trimEnd().split("\n") ?? [errors];
    const different = ours.flatMap((line, i) => {
      if (line === theirs[i]) return [];
      return [`ours ${line}\ngcc  ${theirs[i]}\n${structs[Number(line.split(" ")[0])].text}`];
    });
    assertEquals(different.slice(0, 5), []);
    assertEquals(ours.length, theirs.length);
  },
});
