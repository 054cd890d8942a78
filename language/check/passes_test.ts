import { assertEquals, assertThrows } from "@std/assert";
import { Diagnostics, Source } from "../syntax/diagnostics.ts";
import { parse } from "../syntax/parser.ts";
import { formatProgram } from "../syntax/printer.ts";
import { configure } from "./config.ts";
import { attachPointEnd } from "../syntax/attach_point.ts";
import { fullName, ProbeNameError } from "./probe_names.ts";
import { foldBinary } from "./fold.ts";
import { parseInet } from "./functions/system.ts";
import { expandMacros } from "./macros.ts";
import { parseNumber, substituteInText } from "./params.ts";

Deno.test("parseNumber() takes what a command line may give", () => {
  assertEquals(["5", "-5", "0x1F", "010", "0", "18446744073709551615"].map(parseNumber), [
    ...[5n, -5n, 31n, 8n, 0n, 18446744073709551615n],
  ]);
  assertEquals(["1e3", "1_000", "10us"].map(parseNumber), [1000n, 1000n, 10_000n]);
  assertEquals(["", "5a", "08", "18446744073709551616"].map(parseNumber), [
    ...[undefined, undefined, undefined, undefined],
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

Deno.test("fullName() writes numbers as decimals and removes quotes", () => {
  const table: Readonly<Record<string, string>> = {
    "interval:ms:1e2": "interval:ms:100",
    "profile:hz:0x31": "profile:hz:49",
    "hardware:cycles:1_000_000": "hardware:cycles:1000000",
    "interval:100ms": "interval:us:100000",
    "interval:1e5us": "interval:us:100000",
    "uprobe:./prog:f+0x0": "uprobe:./prog:f",
    "uprobe:./prog:f+0x10": "uprobe:./prog:f+16",
    "uprobe:./prog:0x10": "uprobe:./prog:16",
    'uprobe:./p"ro"g:"f"': "uprobe:./prog:f",
    'uprobe:/bin/go:"main.(*T).Read"': "uprobe:/bin/go:main.(*T).Read",
    'uprobe:/p:cpp:"ns::Foo::bar"': "uprobe:/p:cpp:ns::Foo::bar",
    'uprobe:/p:"a\\"b"': 'uprobe:/p:a"b',
    "watchpoint:0x1000:0x8:w": "watchpoint:0x1000:8:w",
    '"interval":ms:"100"': "interval:ms:100",
  };
  for (const [written, name] of Object.entries(table)) assertEquals(fullName(written), name);
});

Deno.test("fullName() says what a type of probe does not take", () => {
  const table: Readonly<Record<string, string>> = {
    "interval:ms:abc": "Invalid rate of interval probe: invalid integer: abc",
    "profile:hz:1x": "Invalid rate of profile probe: invalid trailing bytes: 1x",
    "interval:xx:1": "xx is not an accepted unit of time",
    "uprobe:./prog:f+x": "Invalid offset: invalid integer: x",
    "uprobe:a:b:c": "unsupported language type: b",
  };
  for (const [written, message] of Object.entries(table)) {
    const error = assertThrows(() => fullName(written)) as Error;
    assertEquals([error instanceof ProbeNameError, error.message], [true, message]);
  }
});

Deno.test("an attach point ends at white space, a comma, a brace or a predicate outside quotes", () => {
  const table: Readonly<Record<string, string>> = {
    "uprobe:./prog:f {": "uprobe:./prog:f",
    "uprobe:../bin/prog:f/1/ {": "uprobe:../bin/prog:f",
    "usdt:./a*/b:*:* {": "usdt:./a*/b:*:*",
    'uprobe:"/opt/my app, new":f,': 'uprobe:"/opt/my app, new":f',
    "BEGIN/1/ {": "BEGIN",
    "tracepoint:a:b/pid == 1/ {": "tracepoint:a:b",
    "log:/var/log/x y": "log:/var/log/x",
  };
  for (const [text, point] of Object.entries(table)) {
    assertEquals(text.slice(0, attachPointEnd(text, 0)), point);
  }
});

Deno.test("foldBinary() computes as programs do", () => {
  assertEquals(foldBinary("/", -7n, 2n), -3n);
  assertEquals(foldBinary("%", -7n, 2n), -1n);
  assertEquals(foldBinary(">>", -7n, 1n), -4n);
  assertEquals(foldBinary("<<", 1n, 63n), 1n << 63n);
  assertEquals(foldBinary("<<", 1n, 64n), 1n << 64n);
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
