// Reads damaged files by every way that a tool reads files of others. The functions end, or throw what a
// tool tells in one line; anything else is a mistake of ours.

import { DamagedError } from "../../core/dwarf/byte_reader.ts";
import { findDwarf } from "../../core/dwarf/debug_files.ts";
import { framesOf, openDebugInfo } from "../../core/dwarf/debug_info.ts";
import { errorCode } from "../../core/errors.ts";
import { type Device, openDevice } from "../../core/mod.ts";
import { ElfFile, openBinary, staticProbes } from "../../core/symbols/mod.ts";
import { parsePerfMap } from "../../core/symbols/perf_map.ts";
import { compile, ScriptError } from "../../language/mod.ts";
import { programs } from "../../language/programs.ts";
import { allProviders } from "../../providers/mod.ts";
import { Lines } from "../../tools/kdump/lines.ts";
import { parseKdumpOptions } from "../../tools/kdump/options.ts";
import { Summary } from "../../tools/kdump/summary.ts";
import { Tree } from "../../tools/kdump/tree.ts";
import { recordJson } from "../../tools/ktrace/formats/json.ts";
import { Out } from "../../language/output/output_buffer.ts";
import { Walk } from "../../tools/ktrace/formats/reader.ts";
import { systemBy } from "../../tools/ktrace/systems/linux.ts";
import type { Part } from "./mutate_bytes.ts";
import type { Random } from "./random.ts";

/** Calls a reader, which may refuse the file with an error that has a code, or with diagnostics. */
function mayRefuse(read: () => void): void {
  try {
    read();
  } catch (error) {
    const isTold = errorCode(error) !== undefined || error instanceof ScriptError ||
      error instanceof DamagedError;
    if (!isTold) throw error;
  }
}

/** Where the headers and the sections of an ELF file are that readers look into. */
export function partsOf(bytes: Uint8Array): Part[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const sectionsAt = Number(view.getBigUint64(40, true));
  const count = view.getUint16(60, true);
  const parts = [{ start: 0, end: 64 }, { start: sectionsAt, end: sectionsAt + count * 64 }];
  const elf = new ElfFile((offset, length) => bytes.subarray(offset, offset + length));
  const names = ["symtab", "strtab", "dynsym", "note.stapsdt", "eh_frame", "eh_frame_hdr"];
  const debug = ["info", "abbrev", "line", "line_str", "str", "aranges", "rnglists", "loclists"];
  const more = ["ranges", "loc", "addr", "str_offsets", "types"];
  for (const name of [...names, ...[...debug, ...more].map((one) => `debug_${one}`)]) {
    const contents = elf.section(`.${name}`);
    if (contents === undefined || contents.length === 0) continue;
    const start = contents.byteOffset - bytes.byteOffset;
    parts.push({ start, end: start + contents.length });
  }
  return parts;
}

const SCRIPTS: readonly ((path: string) => string)[] = [
  (path) => `uprobe:${path}:show { print(args); }`,
  (path) => `uretprobe:${path}:* { print(retval); }`,
  (path) => `uprobe:${path}:f* { $x = (struct outer *)arg0; print($x->in); print(*$x); }`,
  (path) => `uprobe:${path}:main { print(sizeof(struct outer)); print((enum color)arg0); }`,
  (path) => `uprobe:${path}@typed.c:40 { } uprobe:${path}@hot.c:9 { print(args); }`,
  (path) => `usdt:${path}:* { print(arg0); print(arg1); }`,
  (path) => `uprobe:${path}:main+4 { print(args); }`,
];

/** Reads a program, its symbols, static probes and debug information, and compiles probes in it. */
export function readProgram(path: string, random: Random): void {
  const names = new Set<string>(["main", "show"]);
  const addresses: number[] = [];
  mayRefuse(() => {
    const binary = openBinary(path);
    if (binary === undefined) return;
    for (const { name, address } of binary.functions()) {
      if (names.size < 20) names.add(name);
      if (addresses.length < 20) addresses.push(address);
    }
    for (const address of addresses) binary.table.resolve(address + 1);
    binary.find("environ");
    void [binary.elf.debugLink, binary.elf.buildId, binary.elf.textAddress];
    for (const { args } of staticProbes(binary.elf)) void args;
  });
  mayRefuse(() => {
    const elf = findDwarf(path, () => {})?.elf ?? openBinary(path)?.elf;
    for (const frames of elf === undefined ? [] : framesOf(elf)) {
      for (const address of addresses) mayRefuse(() => frames.rowAt(address + 4));
      mayRefuse(() => {
        for (const one of frames.descriptions()) one.rows();
      });
    }
  });
  mayRefuse(() => {
    const info = openDebugInfo(path);
    if (info === undefined) return;
    for (const name of names) mayRefuse(() => info.functions(name));
    for (const address of addresses) mayRefuse(() => info.functionAt(address, 4));
    for (const name of ["struct outer", "enum color", "u32_t", "union value", "struct none"]) {
      mayRefuse(() => info.typeNamed(name));
    }
    for (let line = 1; line < 100; line += 7) mayRefuse(() => info.linesOf("typed.c", line));
  });
  if (!random.once(3)) return;
  const device = openDevice({ providers: allProviders() });
  const text = random.pick(SCRIPTS)(path);
  mayRefuse(() => {
    compile({ name: "stdin", text }, device, { programs: programs() });
  });
  mayRefuse(() => void device.match(`uprobe:${path}:*`));
  mayRefuse(() => void device.match(`usdt:${path}:*`));
}

/** Reads the map of generated code that a process of somebody else has written. */
export function readPerfMap(bytes: Uint8Array, random: Random): void {
  const table = parsePerfMap(bytes);
  for (let i = 0; i < 20; i++) table.resolve(random.below(2 ** 31) * 2 ** random.below(20));
}

/** Compiles a script that includes a header, and asks for what the header may define. */
export function readHeader(path: string, device: Device): void {
  const text =
    `#include "${path}"\nBEGIN { print(sizeof(struct outer)); print(A + B); print(M(1)); }`;
  mayRefuse(() => void compile({ name: "stdin", text }, device));
}

const KDUMP = ["-HAcTER", "-n", "-d", "-r", "-s", "-S", "-m7"];

/** Reads a trace, in pieces, and shows its records in every way. */
export function readTrace(bytes: Uint8Array, random: Random): void {
  const system = random.pick([undefined, undefined, "freebsd", "netbsd", "openbsd"] as const);
  const walk = new Walk(system);
  const out = new Out(() => {});
  const lines = KDUMP.map((option) => new Lines(out, parseKdumpOptions([option])));
  const nameOf = (code: number, name: Parameters<typeof systemBy>[0]) =>
    systemBy(name).syscall(code) ?? `${code}`;
  const [summary, tree] = [new Summary(nameOf), new Tree(nameOf)];
  const take = () => {
    for (let found = walk.next(); found !== undefined; found = walk.next()) {
      if (found !== true) continue;
      const record = walk.cursor.record();
      for (const one of lines) one.add(walk.cursor, walk.system);
      JSON.parse(recordJson(record, walk.system));
      if (walk.cursor.isCall()) walk.cursor.readCall();
      summary.add(walk.cursor, walk.system);
      tree.add(record, walk.system);
      out.flush();
    }
  };
  const step = random.pick([1 << 18, 4096, 100]);
  for (let at = 0; at < bytes.length; at += step) {
    const piece = bytes.subarray(at, at + step);
    walk.room(piece.length).set(piece);
    walk.took(piece.length);
    take();
  }
  walk.end();
  take();
  summary.format();
  tree.format();
}
