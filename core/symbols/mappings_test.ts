// Tests of reading and changing lists of mappings.

import { assertEquals } from "@std/assert";
import { addMapping, filePath, isDeleted, isFile, mappingAt, parseMaps } from "./mappings.ts";

const TEXT = `55d0c0000000-55d0c0001000 r--p 00000000 fe:00 11 /usr/bin/a b
55d0c0001000-55d0c0003000 r-xp 00001000 fe:00 11 /usr/bin/a b
7f0000000000-7f0000001000 rwxp 00000000 00:00 0 
7f0000002000-7f0000003000 r-xp 00000000 00:01 77 /memfd:jit (deleted)
7f0000004000-7f0000005000 r-xp 00002000 fe:00 12 /tmp/gone.so (deleted)
7ffc00000000-7ffc00002000 r-xp 00000000 00:00 0 [vdso]
`;

Deno.test("parseMaps() finds what has code in it", () => {
  const maps = parseMaps(TEXT);
  assertEquals(maps.length, 5);
  assertEquals(maps[0], {
    start: 0x55d0c0001000,
    end: 0x55d0c0003000,
    offset: 0x1000,
    inode: 11,
    path: "/usr/bin/a b",
  });
  assertEquals(maps.map(isFile), [true, false, true, true, true]);
  assertEquals(maps.map(isDeleted), [false, false, true, true, false]);
  assertEquals(filePath(maps[3]), "/tmp/gone.so");
  assertEquals(mappingAt(maps, 0x55d0c0002fff)?.path, "/usr/bin/a b");
  assertEquals(mappingAt(maps, 0x55d0c0003000), undefined);
});

Deno.test("addMapping() cuts what was there before", () => {
  const one = { start: 100, end: 200, offset: 1000, inode: 1, path: "/a" };
  const two = { start: 120, end: 150, offset: 0, inode: 2, path: "/b" };
  const mappings = addMapping([one], two);
  assertEquals(
    [100, 119, 120, 149, 150, 199, 200].map((at) => mappingAt(mappings, at)?.path),
    ["/a", "/a", "/b", "/b", "/a", "/a", undefined],
  );
  const last = mappingAt(mappings, 150)!;
  assertEquals(last.offset + (160 - last.start), 1060);
});
