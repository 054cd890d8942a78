// Reads files that are damaged at random, from a fixed seed: programs with their symbols and debug
// information, maps of generated code, traces of all systems, headers. No file may crash or stop a reader.
// A longer run by hand:
//
//   FUZZ_SECONDS=600 FUZZ_SEED=5 deno test -A tests/fuzz/files_test.ts

import { assert, assertEquals } from "@std/assert";
import { openDevice } from "../../core/mod.ts";
import { cPart } from "../../language/lazy_parts.ts";
import { allProviders } from "../../providers/mod.ts";
import { buildProgram, output, ROOT, testWith } from "../helpers.ts";
import { partsOf, readHeader, readPerfMap, readProgram, readTrace } from "./damaged_files.ts";
import { mutateBytes } from "./mutate_bytes.ts";
import { mutateScript } from "./mutate_script.ts";
import { Random } from "./random.ts";

const SECONDS = Number(Deno.env.get("FUZZ_SECONDS") ?? 0);
const SEED = Number(Deno.env.get("FUZZ_SEED") ?? 1);
/** Longest time in milliseconds that a file may take on a busy machine, and most memory in MiB. */
const MOST_MS = 10_000;
const MOST_MIB = 1500;

const folder = Deno.makeTempDirSync();
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));

/** Does so many rounds, or as many as FUZZ_SECONDS allow, each with a seed of its own. */
function rounds(limit: number, one: (random: Random) => void): void {
  const end = Date.now() + SECONDS * 250;
  for (let i = 0; SECONDS > 0 ? Date.now() < end : i < limit; i++) {
    const seed = SEED * 1_000_003 + i;
    const start = performance.now();
    try {
      one(new Random(seed));
    } catch (error) {
      throw new Error(`a reader crashed in the round of seed ${seed}`, { cause: error });
    }
    const ms = performance.now() - start;
    assert(ms < MOST_MS, `${ms} ms in the round of seed ${seed}`);
    const mib = Deno.memoryUsage().rss / 2 ** 20;
    assert(mib < MOST_MIB, `${mib} MiB after the round of seed ${seed}`);
  }
}

/** Compilers' ways to write symbols and debug information. */
const BUILDS: readonly (readonly [compiler: string, source: string, ...flags: string[]])[] = [
  ["gcc", "typed.c", "-g", "-O1"],
  ["gcc", "typed.c", "-gdwarf-4", "-O2"],
  ["gcc", "typed.c", "-g", "-gz", "-O2"],
  ["gcc", "typed.c", "-g", "-gsplit-dwarf", "-O2"],
  ["gcc", "typed.c", "-g", "-gdwarf64", "-O2"],
  ["gcc", "static_probes.c", "-g", "-O2"],
  ["gcc", "hot.c", "-gdwarf-2", "-gstrict-dwarf"],
  ["gcc", "hot.c", "-s"],
];

function build([compiler, source, ...flags]: typeof BUILDS[number], name: string): Uint8Array {
  const args = [...flags, "-o", name, `${ROOT}tests/testdata/${source}`, "-lm"];
  const { code, stderr } = output(compiler, args, { cwd: folder });
  assertEquals(code, 0, stderr);
  return Deno.readFileSync(`${folder}/${name}`);
}

testWith("no damaged program crashes a reader", ["gcc"], () => {
  const programs = BUILDS.map((one, i) => build(one, `program${i}`))
    .map((bytes) => ({ bytes, parts: partsOf(bytes) }));
  let round = 0;
  rounds(400, (random) => {
    const { bytes, parts } = random.pick(programs);
    // What a path means is remembered.
    const path = `${folder}/damaged${round++}`;
    Deno.writeFileSync(path, mutateBytes(bytes, random, parts));
    // Files of others are read, our own are mapped.
    Deno.chmodSync(path, random.once(2) ? 0o666 : 0o644);
    readProgram(path, random);
    Deno.removeSync(path);
  });
});

testWith("no damaged map of generated code crashes the reader", [], () => {
  const lines = Array.from({ length: 60 }, (_, i) => {
    const [start, size] = [0x1000 + i * 0x30, 0x40 + i % 7 * 9];
    return `${start.toString(16)} ${size.toString(16)} function_${i}`;
  });
  const bytes = new TextEncoder().encode(lines.join("\n"));
  rounds(2000, (random) => readPerfMap(mutateBytes(bytes, random), random));
});

testWith("no damaged trace crashes kdump", ["gcc"], () => {
  const program = buildProgram("ktrace_structs");
  const traces = ["freebsd0", "freebsd1", "netbsd0", "netbsd1", "netbsd2", "openbsd"]
    .map((which) => new Deno.Command(program, { args: [which] }).outputSync().stdout);
  rounds(500, (random) => readTrace(mutateBytes(random.pick(traces), random), random));
});

const HEADERS = [
  "#define A 1\n#define B A + A\n#define M(x) x + M(x) #x ## x __VA_ARGS__\n" +
  "struct outer { int x : 3; enum { C = A, D = B } e; struct { char c[A]; } " +
  "__attribute__((packed, aligned(8))); };\n#if defined(A) && A > 0 || B\n#elif 1\n#endif\n",
  "#pragma pack(push, 1)\nstruct outer { long a; union { int b; char c; }; } " +
  "__attribute__((aligned(64)));\n#pragma pack(pop)\n" +
  '_Static_assert(sizeof(struct outer) == 64, "");\n',
  "#ifndef H\n#define H\n#include <stddef.h>\ntypedef union { size_t (*f[4])(int, ...); } *u;\n" +
  "static inline int M(int a) { return a ? M(a - 1) : sizeof(u); }\n" +
  "extern struct outer { u A, B; } all[sizeof(int) << 2];\n#endif\n",
];

testWith("no damaged header crashes the compiler", [], async () => {
  await cPart.load();
  const device = openDevice({ providers: allProviders() });
  const path = `${folder}/damaged.h`;
  rounds(1000, (random) => {
    Deno.writeTextFileSync(path, mutateScript(HEADERS, random));
    readHeader(path, device);
  });
});
