// Tests the public surface with the TypeScript compiler: exported names and their signatures are
// compared with a checked-in list, and wrong programs must not compile.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import ts from "npm:typescript@5.9.3";
import { syscallProbes } from "../core/device/generated/update.ts";
import { output, ROOT } from "./helpers.ts";

const LIST = `${ROOT}tests/testdata/public_api.txt`;

const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ESNext,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  allowImportingTsExtensions: true,
  noEmit: true,
  strict: true,
  lib: ["lib.esnext.d.ts", "lib.dom.d.ts", "lib.dom.asynciterable.d.ts"],
  types: [],
};

function libraryModules(): string[] {
  const { exports } = JSON.parse(Deno.readTextFileSync(`${ROOT}deno.json`));
  return Object.values(exports as Record<string, string>).filter((path) =>
    !/^\.\/tools\/\w+\.ts$/.test(path)
  );
}

/** Writes one line per exported name: the kind of thing, and its type if that fits into a line. */
function surface(): string {
  const modules = libraryModules();
  const program = ts.createProgram(modules.map((path) => ROOT + path.slice(2)), OPTIONS);
  const checker = program.getTypeChecker();
  const lines: string[] = [];
  for (const path of modules) {
    const file = program.getSourceFile(ROOT + path.slice(2))!;
    lines.push(`${path}`);
    const names = checker.getExportsOfModule(checker.getSymbolAtLocation(file)!);
    for (const one of names.sort((a, b) => a.name < b.name ? -1 : 1)) {
      const symbol = one.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(one) : one;
      lines.push(`  ${one.name} ${describe(checker, symbol, file)}`);
    }
  }
  return lines.join("\n") + "\n";
}

function describe(checker: ts.TypeChecker, symbol: ts.Symbol, file: ts.SourceFile): string {
  const members = (type: ts.Type) =>
    type.getProperties().map(({ name }) => name).filter((name) => !name.includes("#"))
      .map((name) => name.replace(/^__@(\w+)@\d+$/, "[Symbol.$1]")).sort().join(" ");
  if (symbol.flags & ts.SymbolFlags.Class) {
    return `class { ${members(checker.getDeclaredTypeOfSymbol(symbol))} }`;
  }
  if (symbol.flags & ts.SymbolFlags.Interface) {
    return `interface { ${members(checker.getDeclaredTypeOfSymbol(symbol))} }`;
  }
  if (symbol.flags & ts.SymbolFlags.TypeAlias) return "type";
  const type = checker.getTypeOfSymbolAtLocation(symbol, file);
  return checker.typeToString(type, undefined, ts.TypeFormatFlags.NoTruncation).slice(0, 300);
}

Deno.test("the public surface is the checked-in list", () => {
  const actual = surface();
  if (Deno.env.get("UPDATE_GOLDENS") === "1") Deno.writeTextFileSync(LIST, actual);
  assertEquals(actual, Deno.readTextFileSync(LIST));
});

/** Compiles a program that imports the library; returns the compiler's errors. */
function errorsOf(body: string): string[] {
  const name = `${ROOT}tests/testdata/fixture.ts`;
  const host = ts.createCompilerHost(OPTIONS);
  const { getSourceFile, fileExists } = host;
  const text = `import { openDevice } from "../../core/mod.ts";
import { syscall } from "../../providers/syscall/mod.ts";
const session = openDevice({ providers: [syscall()] }).open();
${body}`;
  host.fileExists = (file) => file === name || fileExists.call(host, file);
  host.getSourceFile = (file, ...rest) =>
    file === name
      ? ts.createSourceFile(file, text, rest[0])
      : getSourceFile.call(host, file, ...rest);
  const program = ts.createProgram([name], OPTIONS, host);
  return program.getSemanticDiagnostics(program.getSourceFile(name)).map((one) =>
    ts.flattenDiagnosticMessageText(one.messageText, "\n")
  );
}

Deno.test("captures are typed: right uses compile, wrong ones do not", () => {
  const enable = `const opens = session.enable("syscall:openat:entry", {
    capture: { filename: "string", flags: "int", mode: { bytes: 8 } } });
  for await (const event of session) if (opens.is(event)) {`;
  assertEquals(
    errorsOf(`${enable}
      const name: string | null = event.captured.filename;
      const flags: bigint = event.captured.flags;
      const raw: Uint8Array | null = event.captured.mode; void [name, flags, raw]; }
      export {};`),
    [],
  );
  for (
    const wrong of [
      "const name: bigint = event.captured.filename; void name;",
      "const flags: string = event.captured.flags; void flags;",
      "event.captured.nothing;",
    ]
  ) {
    assert(errorsOf(`${enable} ${wrong} } export {};`).length > 0, wrong);
  }
  assert(errorsOf(`session.enable("x", { states: ["nonsense"] }); export {};`).length > 0);
  assert(errorsOf(`session.enable("x", { capture: { a: "float" } }); export {};`).length > 0);
});

Deno.test("the compiler knows system calls and their arguments", () => {
  const right = [
    'session.enable("syscall:openat:entry");',
    'session.enable("syscall:openat:return", { capture: { retval: "int" } });',
    'session.enable("proc:process:exec", { capture: { anything: "int" } });',
    'session.enable("syscall:" + "openat" + ":entry", { capture: { filename: "string" } });',
    'session.enable(7); const name: string = "a"; session.enable(name);',
    'session.enable("syscall:mmap:entry", { filter: { descendantsOf: 5 }, states: ["comm"] });',
  ];
  const wrong: [body: string, says: RegExp][] = [
    ['session.enable("syscall:opeenat:entry");', /opeenat/],
    ['session.enable("syscall:openat:exit");', /openat:exit/],
    ['session.enable("syscall:openat:entry", { capture: { filname: "int" } });', /filname.*dfd/],
    [
      'session.enable("syscall:openat:entry", { capture: { filename: "string", flgs: "int" } });',
      /flgs.*filename/,
    ],
    ['session.enable("syscall:openat:return", { capture: { filename: "int" } });', /retval/],
    ['session.enable("syscall:getpid:entry", { capture: { arg0: "int" } });', /arg0/],
    ['session.enable("x", { filter: { variable: "tree", operator: "eq", value: 1 } });', /tree/],
  ];
  // One program for all: each statement that is wrong must give its own error.
  const bodies = [...right, ...wrong.map(([body]) => body)];
  const errors = errorsOf(bodies.map((body) => `{ ${body} }`).join("\n") + "\nexport {};");
  assertEquals(errors.length, wrong.length, errors.join("\n"));
  for (const [i, [body, says]] of wrong.entries()) {
    assert(says.test(errors[i]), `${body}: ${errors[i]}`);
  }
});

Deno.test("deno check refuses a capture that is misspelt, and that alone", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const enable = (call: string, argument: string) =>
      `session.enable("syscall:${call}:entry", { capture: { ${argument}: "string" } });`;
    await Deno.writeTextFile(
      `${folder}/a.ts`,
      `import { openDevice } from "${ROOT}core/mod.ts";
       const session = openDevice({ providers: [] }).open();
       ${enable("openat", "filename")} ${enable("openat2", "filname")}`,
    );
    const { code, stderr } = output(Deno.execPath(), ["check", `${folder}/a.ts`], { cwd: "/" });
    assertEquals([code, stderr.match(/TS\d+/g)?.length], [1, 1], stderr);
    assertStringIncludes(stderr, "filname");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("types of system calls are those of the tables", async () => {
  const path = `${ROOT}core/device/generated/syscall_probes.ts`;
  assertEquals(await Deno.readTextFile(path), syscallProbes());
});

Deno.test("tracepoints take what their types say, and nothing else", () => {
  const declare = `import { tracepoints } from "${ROOT}providers/static/mod.ts";
    const http = tracepoints("http", { request: ["string", "u32"], done: ["u64", "bool"], end: [] });`;
  assertEquals(
    errorsOf(
      `${declare} http.request("/", 7); http.done(5n, true); http.done(5, false); http.end();`,
    ),
    [],
  );
  for (
    const wrong of [
      "http.request(7, '/');",
      "http.request('/');",
      "http.request('/', 7, 8);",
      "http.request('/', 7n);",
      "http.done('5', true);",
      "http.done(5, 1);",
      "http.end(1);",
      "http.nothing();",
      "tracepoints('x', { y: ['f64'] });",
    ]
  ) {
    assert(errorsOf(`${declare} ${wrong}`).length > 0, wrong);
  }
});
