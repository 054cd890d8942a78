import { assertEquals } from "@std/assert";
import { Diagnostics, Source } from "../syntax/diagnostics.ts";
import { parse } from "../syntax/parser.ts";
import { formatProgram } from "../syntax/printer.ts";
import { configure } from "./config.ts";
import { fullName } from "./probe_names.ts";
import { foldBinary } from "./fold.ts";
import { parseInet } from "./functions/system.ts";
import { expandMacros } from "./macros.ts";
import { parseNumber, substituteInText } from "./params.ts";

Deno.test("parseNumber() takes what a command line may give", () => {
  assertEquals(["5", "-5", "0x1F", "010", "0", "18446744073709551615"].map(parseNumber), [
    ...[5n, -5n, 31n, 8n, 0n, 18446744073709551615n],
  ]);
  assertEquals(["", "5a", "08", "1e3", "18446744073709551616"].map(parseNumber), [
    ...[undefined, undefined, undefined, undefined, undefined],
  ]);
});

Deno.test("substituteInText() fills parameters into attach points", () => {
  assertEquals(substituteInText("$1:hz:$2", ["profile", "99"]), "profile:hz:99");
  assertEquals(substituteInText("BEG$1$3", ["IN"]), "BEGIN");
});

Deno.test("expandMacros() keeps the macro's variables apart from the caller's", () => {
  const text = "macro m($v, e) { $x = e; $v = $x + 1; } BEGIN { $x = 1; $y = 2; m($y, $x); }";
  const diagnostics = new Diagnostics();
  const program = expandMacros(parse(new Source("x", text)), diagnostics);
  assertEquals(diagnostics.list, []);
  assertEquals(
    formatProgram(program, text).replace(/\s+/g, " "),
    "BEGIN { $x = 1; $y = 2; { $x#1 = $x; $y = $x#1 + 1; }; } ",
  );
});

Deno.test("configure() lets the environment win over the script", () => {
  const diagnostics = new Diagnostics();
  const span = { start: 0, end: 1 };
  const entries = [{ key: "BPFTRACE_MAX_STRLEN", value: "64", span }, {
    key: "stack_mode",
    value: "raw",
    span,
  }];
  const config = configure(entries, { max_strlen: "128" }, {}, diagnostics);
  assertEquals([config.maxStrlen, config.stackMode, config.maxMapKeys], [128, "raw", 4096]);
  assertEquals(diagnostics.list, []);
});

Deno.test("fullName() knows short names", () => {
  assertEquals(fullName("t:sched:x"), "tracepoint:sched:x");
  assertEquals(fullName("RT:x*"), "rawtracepoint:*:x*");
  assertEquals(fullName("tracepoint:*foo*"), "tracepoint:*:*foo*");
  assertEquals(fullName("p:hz:1"), "profile:hz:1");
  assertEquals(fullName("constructor:x"), "constructor:x");
});

Deno.test("foldBinary() computes as programs do", () => {
  assertEquals(foldBinary("/", -7n, 2n), -3n);
  assertEquals(foldBinary("%", -7n, 2n), -1n);
  assertEquals(foldBinary(">>", -7n, 1n), -4n);
  assertEquals(foldBinary("<<", 1n, 64n), 1n);
  assertEquals(foldBinary("/", 1n, 0n), "divide");
  assertEquals(foldBinary("<", 1n, 2n), true);
});

Deno.test("parseInet() reads both kinds of addresses", () => {
  assertEquals(parseInet("1.2.3.4"), [1, 2, 3, 4]);
  assertEquals(parseInet("::1"), [...new Array(15).fill(0), 1]);
  assertEquals(parseInet("fe80::1:2")?.slice(0, 2), [0xfe, 0x80]);
  assertEquals(parseInet("::ffff:10.0.0.1")?.slice(10), [255, 255, 10, 0, 0, 1]);
  for (const text of ["1.2.3", "1.2.3.256", ":::", "1::2::3", "12345::", "g::"]) {
    assertEquals(parseInet(text), undefined, text);
  }
});
