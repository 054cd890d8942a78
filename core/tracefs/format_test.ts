// Tests of the parser of format files.

import { assertEquals, assertThrows } from "@std/assert";
import { parseFormat } from "./mod.ts";

Deno.test("parseFormat() reads number and fields, without the common ones", () => {
  const text = `name: x
ID: 365
format:
\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;

\tfield:__data_loc char[] filename;\toffset:8;\tsize:4;\tsigned:0;
\tfield:char comm[16];\toffset:12;\tsize:16;\tsigned:0;
\tfield:u8 bytes[ETH_ALEN];\toffset:28;\tsize:6;\tsigned:0;
\tfield:const char * name;\toffset:40;\tsize:8;\tsigned:0;
\tfield:pid_t pid;\toffset:48;\tsize:4;\tsigned:1;

print fmt: "x"
`;
  const { id, fields } = parseFormat(text);
  assertEquals(id, 365);
  assertEquals(fields, [
    { name: "filename", type: "__data_loc char[]", offset: 8, size: 4, signed: false },
    { name: "comm", type: "char[16]", offset: 12, size: 16, signed: false },
    { name: "bytes", type: "u8[6]", offset: 28, size: 6, signed: false },
    { name: "name", type: "const char *", offset: 40, size: 8, signed: false },
    { name: "pid", type: "pid_t", offset: 48, size: 4, signed: true },
  ]);
});

Deno.test("parseFormat() refuses what is no format", () => {
  assertThrows(() => parseFormat("nonsense"), SyntaxError);
});
