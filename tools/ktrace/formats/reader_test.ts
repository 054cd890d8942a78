// Traces that are made to use up time: each byte starts what may be a long record.

import { assert, assertEquals } from "@std/assert";
import { type FileSystemName, RecordReader } from "./reader.ts";

/** Where a header has its fields, and the type of a system call. */
const HEADERS: Readonly<
  Record<FileSystemName, (view: DataView, at: number, length: number) => number>
> = {
  freebsd(view, at, length) {
    view.setUint32(at, length, true);
    view.setUint16(at + 4, 1 | 0x8000, true);
    view.setUint16(at + 6, 1, true);
    view.setUint32(at + 8, 7, true);
    view.setUint32(at + 32, 1, true);
    view.setUint16(at + 66, 0x7fff, true);
    return 72;
  },
  netbsd(view, at, length) {
    view.setUint32(at, length, true);
    view.setUint16(at + 4, 1, true);
    view.setUint16(at + 6, 2, true);
    view.setUint32(at + 8, 7, true);
    view.setUint32(at + 32, 1, true);
    view.setUint32(at + 60, length - 8, true);
    return 64;
  },
  openbsd(view, at, length) {
    view.setUint32(at, 1, true);
    view.setUint32(at + 4, 7, true);
    view.setUint32(at + 16, 1, true);
    view.setUint32(at + 56, length, true);
    view.setUint32(at + 68, length - 8, true);
    return 72;
  },
};

for (const [system, header] of Object.entries(HEADERS)) {
  Deno.test(`a trace of ${system} with a long record everywhere is read soon`, () => {
    const bytes = new Uint8Array(2_000_000);
    const view = new DataView(bytes.buffer);
    for (let at = 0; at < 1_000_000;) at += header(view, at, 400_000);
    bytes.fill(0xff, 1_000_000);
    const start = performance.now();
    const reader = new RecordReader(system as FileSystemName);
    const items = [...reader.push(bytes), ...reader.end()];
    const ms = performance.now() - start;
    assert(ms < 5000, `${ms} ms`);
    const read = items.reduce((sum, one) => sum + ("damage" in one ? one.bytes : 0), 0);
    assertEquals(read > 0, true);
  });
}
