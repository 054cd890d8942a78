import { assertEquals, assertMatch } from "@std/assert";
import { generatedFrame, mapAdvice, mapEnvironment } from "./javascript.ts";

Deno.test("generatedFrame() names a function, whatever tier it is of", () => {
  for (const tier of ["~", "^", "+", "+'", "*", "*'", "o+", ""]) {
    assertEquals(generatedFrame(`JS:${tier}hot file:///srv/app.ts:3:5`), {
      name: "hot app.ts",
      kind: "javascript",
      file: "file:///srv/app.ts",
    });
  }
  assertEquals(generatedFrame("JS:~outer file:///srv/app.ts:1:1").name, "outer app.ts");
  assertEquals(generatedFrame("LazyCompile:*add /srv/app.js:1:10").name, "add app.js");
  assertEquals(
    generatedFrame("JS:~get value node:internal/url:7:2").name,
    "get value node:internal/url".replace("node:internal/", ""),
  );
  assertEquals(generatedFrame("JS:^ ext:core/01_core.js:12:9").name, "(anonymous) 01_core.js:12:9");
  assertEquals(generatedFrame("Script:~ file:///srv/app.ts:1:1").name, "(module) app.ts");
  assertEquals(generatedFrame("JS:~ file:///srv/app.ts:1:1").name, "(module) app.ts");
  assertEquals(generatedFrame("Builtin:ArrayMap").name, "Builtin:ArrayMap");
  assertEquals(generatedFrame("Lcom/example/Main;::run").name, "Lcom/example/Main;::run");
});

Deno.test("mapEnvironment() keeps what is there", () => {
  const { DENO_V8_FLAGS, NODE_OPTIONS } = mapEnvironment({
    DENO_V8_FLAGS: "--stack-size=900",
    NODE_OPTIONS: "--perf-basic-prof --enable-source-maps",
  });
  assertEquals(
    DENO_V8_FLAGS,
    "--stack-size=900,--perf-basic-prof,--interpreted-frames-native-stack,--logfile=+," +
      "--no-logfile-per-isolate",
  );
  assertEquals(
    NODE_OPTIONS,
    "--perf-basic-prof --enable-source-maps --interpreted-frames-native-stack",
  );
});

Deno.test("mapAdvice() tells programs that run JavaScript", () => {
  assertMatch(
    mapAdvice(new Map([[7, "/usr/bin/deno"]]))!,
    /perf-7\.map.*deno run --v8-flags=--perf-basic-prof,/,
  );
  assertMatch(
    mapAdvice(new Map([[7, "/opt/node-22.1/bin/node"]]))!,
    /node --perf-basic-prof --interpreted/,
  );
  assertEquals(mapAdvice(new Map([[7, "/usr/bin/python3"]])), undefined);
  const several = mapAdvice(new Map([[7, "/bin/deno"], [8, "/bin/sh"], [9, "/bin/node"]]))!;
  assertMatch(several, /^processes 7 \(deno\), 9 \(node\) have not .* deno run .*, or node --perf/);
});
