import { assert, assertEquals } from "@std/assert";
import { output, ROOT, testWith } from "../../tests/helpers.ts";
import { DtError } from "../errors.ts";
import { byteSize, type DebugInfo, type DebugType, openDebugInfo, resolved } from "./mod.ts";
import type { Storage } from "./mod.ts";

const folder = Deno.makeTempDirSync();
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));

function run(command: string, ...args: string[]): string {
  const { code, stdout, stderr } = output(command, args, { cwd: folder });
  assertEquals(code, 0, `${command} ${args.join(" ")}: ${stderr}`);
  return stdout;
}

/** Compiles a program of testdata/. */
function build(name: string, flags: readonly string[], source = "typed.c"): string {
  const compiler = source.endsWith(".rs") ? "rustc" : source.endsWith(".cpp") ? "g++" : "gcc";
  run(compiler, ...flags, "-o", name, `${ROOT}tests/testdata/${source}`);
  return `${folder}/${name}`;
}

function typeText(type: DebugType): string {
  switch (type.kind) {
    case "pointer":
      return `${typeText(type.to)}${type.sign}`;
    case "qualified":
      return `${typeText(type.of)} ${type.qualifier}`;
    case "record":
      return `${type.keyword} ${type.name}`;
    case "enumeration":
      return `enum ${type.name}`;
    case "array":
      return `${typeText(type.of)}${type.counts.map((one) => `[${one}]`).join("")}`;
    case "void":
      return "void";
    default:
      return type.name;
  }
}

function storageText(storage: Storage): string {
  switch (storage.kind) {
    case "register":
      return `${storage.register}`;
    case "memory":
    case "indirect":
      return `${storage.kind}(${storage.register}+${storage.offset})`;
    case "pieces":
      return storage.pieces.map(({ storage }) => storageText(storage)).join("&");
    default:
      return storage.kind;
  }
}

function signature(info: DebugInfo, name: string): string {
  return info.functions(name).map(({ name, parameters, variadic, returns }) => {
    const all = parameters.map((one) =>
      `${typeText(one.type)} ${one.name}@${storageText(one.storage)}`
    );
    return `${typeText(returns)} ${name}(${all.join(", ")}${variadic ? ", ..." : ""})`;
  }).join(" | ");
}

/** Registers are di 5, si 4, dx 1, cx 2, r8 8, r9 9, sp 7, xmm0 17. */
const SIGNATURES: Readonly<Record<string, string>> = {
  f_ptr: "int f_ptr(struct outer* p@5, int n@4)",
  f_typedef:
    "int f_typedef(outer_t* p@5, u32_t n@4, short int s@1, long unsigned int ul@2, unsigned char c@8)",
  f_enum: "int f_enum(enum color e@5, _Bool b@4, char const* text@1)",
  f_small: "int f_small(struct small s@5, int n@4)",
  f_pair: "int f_pair(struct pair p@5&4, int n@1)",
  f_mixed: "int f_mixed(struct mixed m@17&5, int n@4)",
  f_big: "int f_big(struct big b@memory(7+8), int n@5)",
  f_many: "int f_many(int a@5, int b@4, int c@1, int d@2, int e@8, int f@9, " +
    "int g@memory(7+8), long int h@memory(7+16))",
  f_double: "int f_double(double d@17, int n@5)",
  f_void: "int f_void(void const* p@5, char const* const* argv@4)",
  f_result: "struct small* f_result(int n@5)",
  f_struct_result: "struct inner f_struct_result(int n@5)",
  f_variadic: "int f_variadic(char const* format@5, ...)",
};

function assertSignatures(path: string, what: string): void {
  const info = openDebugInfo(path);
  assert(info !== undefined, what);
  for (const [name, expected] of Object.entries(SIGNATURES)) {
    assertEquals(signature(info, name), expected, what);
  }
  assertEquals(info.notes, []);
}

const FLAGS: Readonly<Record<string, readonly string[]>> = {
  "5-O2": ["-gdwarf-5", "-O2"],
  "5-O0": ["-gdwarf-5", "-O0"],
  "4-O2": ["-gdwarf-4", "-O2"],
  "4-O0": ["-gdwarf-4", "-O0"],
  "3-O2": ["-gdwarf-3", "-gstrict-dwarf", "-O2"],
  "2-O0": ["-gdwarf-2", "-gstrict-dwarf", "-O0"],
  "5-split": ["-gdwarf-5", "-gsplit-dwarf", "-O2"],
  "4-split": ["-gdwarf-4", "-gsplit-dwarf", "-O2"],
  "5-64": ["-gdwarf-5", "-gdwarf64", "-O2"],
  "5-types": ["-gdwarf-5", "-fdebug-types-section", "-O2"],
  "4-types": ["-gdwarf-4", "-fdebug-types-section", "-O0"],
  "5-zlib": ["-gdwarf-5", "-O2", "-gz=zlib"],
  "5-lto": ["-gdwarf-5", "-O2", "-flto"],
  "5-frame": ["-gdwarf-5", "-O1", "-fno-omit-frame-pointer"],
  "5-no-aranges": ["-gdwarf-5", "-O2", "-gno-as-locview-support"],
};

const isX86 = Deno.build.arch === "x86_64";

testWith("functions() names, types and places parameters, however a program was compiled", [
  "gcc",
], () => {
  if (!isX86) return;
  for (const [name, flags] of Object.entries(FLAGS)) assertSignatures(build(name, flags), name);
});

testWith("functions() finds debug information in other files", ["gcc"], () => {
  if (!isX86) return;
  // By name and checksum, beside the program and in .debug.
  const linked = build("linked", ["-g", "-O2", "-Wl,--build-id=none"]);
  run("objcopy", "--only-keep-debug", linked, "linked.debug");
  run("objcopy", "--strip-debug", "--add-gnu-debuglink=linked.debug", linked);
  assertSignatures(linked, "debuglink");
  Deno.mkdirSync(`${folder}/.debug`);
  Deno.renameSync(`${folder}/linked.debug`, `${folder}/.debug/linked.debug`);
  assertSignatures(linked, ".debug");
  // Another file of that name is not taken.
  Deno.writeTextFileSync(`${folder}/.debug/linked.debug`, "else");
  assertEquals(openDebugInfo(linked), undefined);
  // Compressed by the linker's tools.
  for (const kind of ["zlib", "zlib-gabi", "zstd"]) {
    const path = build(`packed-${kind}`, ["-g", "-O2"]);
    const { code } = output("objcopy", [`--compress-debug-sections=${kind}`, path]);
    if (code === 0 && kind !== "zlib") assertSignatures(path, kind);
  }
  // Split parts beside the program, in a package, and nowhere.
  Deno.mkdirSync(`${folder}/moved`);
  for (const version of [4, 5]) {
    const name = `split${version}`;
    build(name, [`-gdwarf-${version}`, "-gsplit-dwarf", "-O2"]);
    const part = [...Deno.readDirSync(folder)].map((one) => one.name)
      .find((one) => one.startsWith(`${name}-`))!;
    Deno.copyFileSync(`${folder}/${name}`, `${folder}/moved/${name}`);
    Deno.copyFileSync(`${folder}/${part}`, `${folder}/moved/${part}`);
    // Old versions of the packer do not know version 5.
    const isPacked = output("dwp", ["-e", name], { cwd: folder }).code === 0;
    assert(isPacked || version === 5);
    Deno.removeSync(`${folder}/${part}`);
    assertSignatures(`${folder}/moved/${name}`, `split part of version ${version}, moved`);
    Deno.removeSync(`${folder}/moved/${part}`);
    if (isPacked) {
      Deno.copyFileSync(`${folder}/${name}.dwp`, `${folder}/moved/${name}.dwp`);
      assertSignatures(`${folder}/moved/${name}`, `package of version ${version}`);
      Deno.removeSync(`${folder}/moved/${name}.dwp`);
    }
    const info = openDebugInfo(`${folder}/moved/${name}`)!;
    assertEquals(info.functions("f_ptr"), []);
    assertEquals(info.notes, [`Cannot find ${part}, which has a part of the debug information`]);
  }
});

/** Scalars of a record: how C writes the path to each, where it is, its bytes or bits. */
function* leaves(type: DebugType, path: string, at: number): Generator<[string, number, number]> {
  const inner = resolved(type);
  if (inner.kind === "record") {
    for (const { name, type, offset, bits } of inner.members()) {
      const full = name === "" ? path : `${path}.${name}`;
      if (bits === undefined) yield* leaves(type, full, at + offset * 8);
      else yield [full, at + offset, bits];
    }
  } else if (inner.kind === "array") {
    let [index, elements] = ["", 1];
    for (const count of inner.counts) {
      index += `[${count - 1}]`;
      elements *= count;
    }
    yield* leaves(inner.of, path + index, at + (elements - 1) * byteSize(inner.of) * 8);
  } else yield [path, at, byteSize(inner) * 8];
}

testWith("types have members where the compiler puts them", ["gcc"], () => {
  for (const version of [4, 5]) {
    const info = openDebugInfo(build(`offsets${version}`, [`-gdwarf-${version}`]))!;
    for (const name of ["outer", "bits", "mixed", "big"]) {
      const type = info.typeNamed(`struct ${name}`)!;
      const all = [...leaves(type, "it", 0)];
      assert(all.length > (name === "outer" ? 20 : 0));
      // Each is filled with ones alone: the bits that are set are its place.
      const text = Deno.readTextFileSync(`${ROOT}tests/testdata/typed.c`)
        .replace(/int main[\s\S]*/, "") +
        `static struct ${name} it;
         static void show(void) { int first = -1, count = 0;
           for (unsigned i = 0; i < sizeof it * 8; i++)
             if (((unsigned char *)&it)[i / 8] >> i % 8 & 1) { if (first < 0) first = i; count++; }
           printf("%d %d\\n", first, count); memset(&it, 0, sizeof it); }
         int main(void) { printf("%zu\\n", sizeof it);
         ${
          all.map(([path, , bits]) =>
            // Bits have no address, and no bytes of their own.
            `${
              /\.bf\.|^it\.[abcd]$/.test(path) && bits < 64 && name !== "big" && name !== "mixed"
                ? `${path} = -1`
                : `memset(&${path}, 255, sizeof ${path})`
            }; show();`
          ).join("\n")
        } }`;
      Deno.writeTextFileSync(`${folder}/offsets.c`, text);
      run("gcc", "-w", "-o", "offsets", "offsets.c");
      const [size, ...rest] = run("./offsets").trim().split("\n");
      assertEquals(byteSize(type), Number(size));
      assertEquals(all.map(([path, at, bits]) => `${path} ${at} ${bits}`), [
        ...all.map(([path], i) => `${path} ${rest[i]}`),
      ]);
    }
    const color = info.typeNamed("enum color")!;
    assertEquals(color.kind === "enumeration" && color.enumerators(), [
      ["RED", 0n],
      ["GREEN", 5n],
      ["BLUE", -3n],
    ]);
    assertEquals(typeText(info.typeNamed("outer_t")!), "outer_t");
    assertEquals(info.typeNamed("struct nothing"), undefined);
    assertEquals(info.typeNamed("union value")!.kind, "record");
  }
});

testWith("linesOf() finds what readelf decodes", ["gcc"], () => {
  for (const flags of ["-gdwarf-5 -O2", "-gdwarf-4 -O0", "-gdwarf-5 -gsplit-dwarf -O2"]) {
    const path = build("lines", flags.split(" "));
    const info = openDebugInfo(path)!;
    const rows = new Map<number, number[]>();
    const decoded = run("readelf", "--debug-dump=decodedline", path);
    for (const [, line, address] of decoded.matchAll(/^typed\.c +(\d+) +0x([0-9a-f]+) .*x$/gm)) {
      rows.set(Number(line), [...rows.get(Number(line)) ?? [], parseInt(address, 16)]);
    }
    assert(rows.size > 30);
    for (const [line, addresses] of rows) {
      const found = info.linesOf("typed.c", line);
      assertEquals(found.files, [`${ROOT}tests/testdata/typed.c`]);
      assertEquals(found.addresses[0], Math.min(...addresses), `line ${line}`);
      for (const one of found.addresses) assert(addresses.includes(one), `line ${line}`);
    }
    assertEquals(info.linesOf("testdata/typed.c", 1).addresses, []);
    assertEquals(info.linesOf("d.c", 10).files, []);
  }
});

testWith("a line that was inlined has an address in each function", ["gcc"], () => {
  const source = Deno.readTextFileSync(`${ROOT}tests/testdata/typed.c`).split("\n");
  const line = source.findIndex((one) => one.includes("LINE inlined")) + 1;
  for (const flags of [["-g", "-O2"], ["-g", "-O0"]]) {
    const info = openDebugInfo(build("inlined", flags))!;
    // f_line calls it twice.
    assertEquals(info.linesOf("typed.c", line).addresses.length, 2);
  }
});

testWith("functions() knows C++ and Rust", ["gcc"], () => {
  if (!isX86) return;
  const missing = ["g++", "rustc"].filter((one) => {
    try {
      return !new Deno.Command(one, { args: ["--version"], stdout: "null" }).outputSync().success;
    } catch {
      return true;
    }
  });
  if (!missing.includes("g++")) {
    for (const flags of [["-g", "-O2"], ["-g", "-O0"], ["-gdwarf-4", "-O0"]]) {
      const info = openDebugInfo(build("cpp", flags, "typed.cpp"))!;
      assertEquals(
        signature(info, "derived"),
        "int derived(struct Derived* d@5, struct Derived& r@4, enum Level level@1)",
      );
      assertEquals(
        signature(info, "boxed"),
        "int boxed(struct Box<int> box@5, struct Box<long int>* other@4)",
      );
      // It is passed by the address of a copy.
      assertEquals(signature(info, "heavy"), "int heavy(struct Heavy value@memory(5+0), int n@4)");
      assertEquals(signature(info, "_Z10overloadedi"), "int overloaded(int a@5)");
      assertEquals(signature(info, "_Z10overloadedlc"), "int overloaded(long int a@5, char b@4)");
      assertEquals(
        signature(info, "_ZN2ns1fEPNS_5InnerEi"),
        "int f(struct Inner* inner@5, int n@4)",
      );
      const derived = info.typeNamed("struct Derived")!;
      assertEquals(
        derived.kind === "record" &&
          derived.members().map(({ name, offset, type }) => [name, offset, typeText(type)]),
        [["", 0, "struct Base"], ["", 8, "struct Two"], ["d1", 16, "int"]],
      );
    }
  }
  if (!missing.includes("rustc")) {
    const info = openDebugInfo(build("rust", ["-g", "-C", "opt-level=1"], "typed.rs"))!;
    assertEquals(signature(info, "r_point"), "u32 r_point(struct Point* p@5, u32 n@4)");
    assertEquals(
      signature(info, "r_text").replace(/, bool.*/, ""),
      "usize r_text(struct &str text@5&4",
    );
    const shape = info.typeNamed("struct Shape")!;
    assertEquals(
      shape.kind === "record" && shape.members().map(({ name }) => name).slice(-2),
      ["Circle", "Square"],
    );
  }
});

/** Asks for everything that a file of typed.c can be asked for. */
function askAll(path: string): void {
  const info = openDebugInfo(path);
  if (info === undefined) return;
  const seen = new Set<DebugType>();
  const look = (type: DebugType, depth: number) => {
    if (depth > 20 || seen.has(type) || seen.size > 500) return;
    seen.add(type);
    byteSize(type);
    if ("to" in type) look(type.to, depth + 1);
    if ("of" in type) look(type.of, depth + 1);
    if ("members" in type) { for (const one of type.members()) look(one.type, depth + 1); }
    if ("enumerators" in type) type.enumerators();
  };
  const may = (ask: () => void) => {
    try {
      ask();
    } catch (error) {
      // One line that names the file; anything else is a bug.
      if (!(error instanceof DtError)) throw error;
      assertEquals(error.message.split("\n").length, 1);
      assert(error.message.startsWith(`Cannot read the debug information of ${path}: `));
    }
  };
  for (const name of Object.keys(SIGNATURES)) {
    may(() => {
      for (const { parameters, returns } of info.functions(name)) {
        look(returns, 0);
        for (const one of parameters) look(one.type, 0);
      }
    });
  }
  for (const name of ["struct outer", "enum color", "outer_t", "struct nothing"]) {
    may(() => {
      const type = info.typeNamed(name);
      if (type !== undefined) look(type, 0);
    });
  }
  may(() => info.linesOf("typed.c", 102));
}

/** The same numbers each time. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 2 ** 32 * below);
  };
}

testWith("damaged files lead to one-line errors or less, soon and without much memory", [
  "gcc",
], () => {
  const next = random(1);
  const bases = ["5-O2", "4-O0", "5-types", "5-zlib"].map((name) => {
    const bytes = Deno.readFileSync(build(`damaged${name}`, FLAGS[name]));
    const headers = run("readelf", "-SW", `damaged${name}`);
    const debug = [...headers.matchAll(/ \.debug_\w+ +\w+ +\w+ +(\w+) +(\w+)/g)]
      .map(([, offset, size]) => [parseInt(offset, 16), parseInt(size, 16)]);
    assert(debug.length > 4);
    return { bytes, debug };
  });
  // Others may write to it, so it is not mapped.
  const path = `${folder}/damaged`;
  Deno.writeFileSync(path, new Uint8Array());
  Deno.chmodSync(path, 0o666);
  let slowest = 0;
  for (let round = 0; round < 2000; round++) {
    const { bytes, debug } = bases[round % bases.length];
    let copy = bytes.slice();
    if (round % 10 === 9) copy = copy.subarray(0, next(copy.length));
    else {
      for (let i = 1 + next(4); i > 0; i--) {
        // Mostly where debug information is; sometimes in the headers of sections.
        const [offset, size] = round % 7 === 0
          ? [copy.length - 2400, 2400]
          : debug[next(debug.length)];
        const at = offset + next(size);
        copy[at] = [0, 0xff, next(256), copy[at] ^ 1 << next(8)][next(4)];
      }
    }
    Deno.writeFileSync(path, copy);
    const start = performance.now();
    askAll(path);
    slowest = Math.max(slowest, performance.now() - start);
  }
  assert(slowest < 5000, `${slowest} ms`);
  assert(Deno.memoryUsage().rss < 1 << 30, `${Deno.memoryUsage().rss} bytes`);
});

Deno.test("openDebugInfo() takes files that are none, or have none, for nothing", () => {
  Deno.writeTextFileSync(`${folder}/text`, "no program");
  for (
    const path of [`${folder}/text`, `${folder}/nowhere`, folder, "/dev/null", "/proc/version"]
  ) {
    assertEquals(openDebugInfo(path), undefined, path);
  }
});

testWith("a section that says it unpacks to a gigabyte is refused", ["gcc"], () => {
  const path = build("bomb", FLAGS["5-zlib"]);
  const headers = run("readelf", "-SW", "bomb");
  const [, offset] = / \.debug_info +\w+ +\w+ +(\w+)/.exec(headers)!;
  const bytes = Deno.readFileSync(path);
  new DataView(bytes.buffer).setBigUint64(parseInt(offset, 16) + 8, 1n << 29n, true);
  Deno.writeFileSync(path, bytes);
  assertEquals(
    messageOf(() => openDebugInfo(path)!.functions("f_ptr")),
    `Cannot read the debug information of ${path}: ` +
      "section .debug_info says that it has 536870912 bytes",
  );
});

function messageOf(fn: () => unknown): string {
  try {
    fn();
  } catch (error) {
    return (error as DtError).message;
  }
  return "no error";
}
