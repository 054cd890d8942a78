// Pure: no I/O, no FFI.
// A shared library made here: static probes as every Linux tracer knows them, for functions that do
// nothing. elf(5); notes as core/symbols/static_probes.ts reads them.
//
//   page 0  R    headers, .hash, .dynsym, .dynstr, .stapsdt.base, .note.stapsdt, .dt.types
//   page 1  RX   .text: a function for each probe, and one that tells where the semaphores are
//   page 2  RW   .dynamic, .probes: a semaphore and a word of ours for each probe
//
// Addresses are offsets in the file.

/** Types that a tracepoint's argument can have. */
export type ArgumentType = "string" | "i32" | "u32" | "i64" | "u64" | "bool";

/** A probe to be in the library. */
export interface ImageProbe {
  readonly name: string;
  readonly types: readonly ArgumentType[];
}

/** Pages are as far apart as the largest that a machine may have. */
const PAGE = 0x10000;
const WORD_BYTES = 4;

/** Name of the function that tells where the words of the probes are. */
export const WORDS = "dt_words";

/** Name of a probe's function. */
export function functionName(index: number): string {
  return `dt_probe_${index}`;
}

/** How an argument is written down: its size, negative if it is signed. */
const SIZES: Readonly<Record<ArgumentType, string>> = {
  string: "8",
  i32: "-4",
  u32: "4",
  i64: "-8",
  u64: "8",
  bool: "4",
};

interface Machine {
  readonly elf: number;
  /** A probe: an instruction that a tracer can replace at little cost, and a return. */
  readonly probe: readonly number[];
  /** Returns the address that is so many bytes behind its start. */
  address(distance: number): readonly number[];
  /** Argument registers, by the width of an argument. */
  register(index: number, bytes: number): string;
}

const X86_64: Machine = {
  elf: 62,
  probe: [0x0f, 0x1f, 0x44, 0x00, 0x00, 0xc3], // nopl 0(%rax,%rax), ret
  address: (distance) => [0x48, 0x8d, 0x05, ...bytes32(distance - 7), 0xc3], // lea, ret
  register: (index, bytes) =>
    `%${(bytes === 8 ? "rdi rsi rdx rcx r8 r9" : "edi esi edx ecx r8d r9d").split(" ")[index]}`,
};

const AARCH64: Machine = {
  elf: 183,
  probe: [0x1f, 0x20, 0x03, 0xd5, 0xc0, 0x03, 0x5f, 0xd6], // nop, ret
  // adr x0; ret
  address: (distance) => [
    ...bytes32((0x10000000 | (distance & 3) << 29 | (distance >> 2 & 0x7ffff) << 5) >>> 0),
    ...[0xc0, 0x03, 0x5f, 0xd6],
  ],
  register: (index) => `x${index}`,
};

function bytes32(value: number): number[] {
  return [value & 0xff, value >>> 8 & 0xff, value >>> 16 & 0xff, value >>> 24 & 0xff];
}

/** Bytes that grow, with what is known of where things are. */
class Writer {
  bytes = new Uint8Array(3 * PAGE);
  #view = new DataView(this.bytes.buffer);
  at = 0;

  align(to: number): number {
    return this.at = Math.ceil(this.at / to) * to;
  }

  put(bytes: Iterable<number>): void {
    const from = Uint8Array.from(bytes);
    this.bytes.set(from, this.at);
    this.at += from.length;
  }

  text(text: string): void {
    this.put(new TextEncoder().encode(`${text}\0`));
  }

  numbers(...fields: readonly (readonly [value: number, bytes: 1 | 2 | 4 | 8])[]): void {
    for (const [value, size] of fields) {
      if (size === 8) this.#view.setBigUint64(this.at, BigInt(value), true);
      else if (size === 4) this.#view.setUint32(this.at, value, true);
      else if (size === 2) this.#view.setUint16(this.at, value, true);
      else this.#view.setUint8(this.at, value);
      this.at += size;
    }
  }
}

interface Section {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly from: number;
  readonly size: number;
  readonly link?: number;
  readonly info?: number;
  readonly entry?: number;
}

const SHT = { progbits: 1, strtab: 3, hash: 5, dynamic: 6, note: 7, dynsym: 11 };
const SHF = { write: 1, alloc: 2, exec: 4 };
const PT = { load: 1, dynamic: 2, note: 4, stack: 0x6474e551 };
const DT = { hash: 4, strtab: 5, symtab: 6, strsz: 10, syment: 11, soname: 14 };

/**
 * Makes the library.
 *
 * @param provider First name of the probes.
 * @param probes Some hundred at most, with at most six arguments each.
 * @param arch As Deno.build.arch spells it.
 * @throws {RangeError} It does not fit.
 */
export function libraryImage(
  provider: string,
  probes: readonly ImageProbe[],
  arch: "x86_64" | "aarch64",
): Uint8Array<ArrayBuffer> {
  const machine = arch === "x86_64" ? X86_64 : AARCH64;
  const w = new Writer();
  const sections: Section[] = [];
  const section = (name: string, type: number, flags: number, from: number, more = {}) =>
    void sections.push({ name, type, flags, from, size: w.at - from, ...more });

  const text = PAGE;
  const data = 2 * PAGE;
  const step = Math.ceil(machine.probe.length / 16) * 16;
  const functions = probes.map((_, i) => text + i * step);
  const wordsFunction = text + probes.length * step;
  const dynamicBytes = (Object.keys(DT).length + 1) * 16;
  const words = data + dynamicBytes;
  if (wordsFunction + 16 > data || words + probes.length * WORD_BYTES > 3 * PAGE) {
    throw new RangeError(`Cannot make a library of ${probes.length} probes: too many`);
  }

  // Names, for the dynamic linker.
  const soname = `dt_${provider}.so`;
  const names = [soname, WORDS, ...probes.map((_, i) => functionName(i))];
  const nameAt: number[] = [];
  let length = 1;
  for (const name of names) {
    nameAt.push(length);
    length += name.length + 1;
  }
  const symbols = [wordsFunction, ...functions].map((value, i) => ({ name: nameAt[i + 1], value }));

  w.at = 64 + 6 * 56;
  const hash = w.align(8);
  // One bucket: a chain through all symbols. The first one is the null symbol.
  w.numbers([1, 4], [symbols.length + 1, 4], [1, 4]);
  for (let i = 0; i <= symbols.length; i++) {
    w.numbers([i === 0 || i === symbols.length ? 0 : i + 1, 4]);
  }
  section(".hash", SHT.hash, SHF.alloc, hash, { link: 2, entry: 4 });
  const dynsym = w.align(8);
  w.at += 24;
  const TEXT_SECTION = 5;
  for (const { name, value } of symbols) {
    // st_name, st_info: global function, st_other, st_shndx, st_value, st_size
    w.numbers([name, 4], [0x12, 1], [0, 1], [TEXT_SECTION, 2], [value, 8], [16, 8]);
  }
  section(".dynsym", SHT.dynsym, SHF.alloc, dynsym, { link: 3, info: 1, entry: 24 });
  const dynstr = w.at;
  w.at++;
  for (const name of names) w.text(name);
  const dynstrBytes = w.at - dynstr;
  section(".dynstr", SHT.strtab, SHF.alloc, dynstr);
  const base = w.at;
  w.at++;
  section(".stapsdt.base", SHT.progbits, SHF.alloc, base);

  const notes = w.align(4);
  probes.forEach(({ name, types }, i) => {
    const args = types.map((type, n) =>
      `${SIZES[type]}@${machine.register(n, Math.abs(Number(SIZES[type])))}`
    ).join(" ");
    const size = 24 + provider.length + name.length + args.length + 3;
    w.numbers([8, 4], [size, 4], [3, 4]);
    w.text("stapsdt");
    w.numbers([functions[i], 8], [base, 8], [words + i * WORD_BYTES, 8]);
    for (const one of [provider, name, args]) w.text(one);
    w.align(4);
  });
  const notesBytes = w.at - notes;
  const typesAt = w.at;
  w.text(probes.map(({ name, types }) => [name, ...types].join(" ")).join("\n"));
  const typesBytes = w.at - typesAt;
  if (w.at > text) {
    throw new RangeError(`Cannot make a library of ${probes.length} probes: too many`);
  }
  const firstBytes = w.at;

  functions.forEach((from) => {
    w.at = from;
    w.put(machine.probe);
  });
  w.at = wordsFunction;
  w.put(machine.address(words - wordsFunction));
  // Tracers look for the sections with code and with semaphores once, in front of the notes: these stand
  // behind.
  section(".text", SHT.progbits, SHF.alloc | SHF.exec, text);
  const textBytes = w.at - text;
  w.at = data;
  for (
    const [tag, value] of [
      [DT.hash, hash],
      [DT.strtab, dynstr],
      [DT.symtab, dynsym],
      [DT.strsz, dynstrBytes],
      [DT.syment, 24],
      [DT.soname, nameAt[0]],
      [0, 0],
    ]
  ) w.numbers([tag, 8], [value, 8]);
  section(".dynamic", SHT.dynamic, SHF.alloc | SHF.write, data, { link: 3, entry: 16 });
  w.at = words + probes.length * WORD_BYTES;
  section(".probes", SHT.progbits, SHF.alloc | SHF.write, words);
  const dataBytes = w.at - data;
  sections.push({
    name: ".note.stapsdt",
    type: SHT.note,
    flags: SHF.alloc,
    from: notes,
    size: notesBytes,
  });
  sections.push({
    name: ".dt.types",
    type: SHT.progbits,
    flags: 0,
    from: typesAt,
    size: typesBytes,
  });

  const shstrtab = w.at;
  const all = [...sections.map(({ name }) => name), ".shstrtab"];
  const shnameAt = all.map((name) => {
    if (w.at === shstrtab) w.at++;
    const at = w.at - shstrtab;
    w.text(name);
    return at;
  });
  sections.push({
    name: ".shstrtab",
    type: SHT.strtab,
    flags: 0,
    from: shstrtab,
    size: w.at - shstrtab,
  });
  const headers = w.align(8);
  w.at += 64;
  sections.forEach(({ type, flags, from, size, link = 0, info = 0, entry = 0 }, i) => {
    w.numbers([shnameAt[i], 4], [type, 4], [flags, 8], [flags & SHF.alloc ? from : 0, 8]);
    w.numbers([from, 8], [size, 8], [link, 4], [info, 4], [type === SHT.note ? 4 : 8, 8], [
      entry,
      8,
    ]);
  });
  const end = w.at;

  w.at = 0;
  w.put([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  w.numbers([3, 2], [machine.elf, 2], [1, 4], [0, 8], [64, 8], [headers, 8], [0, 4], [64, 2]);
  w.numbers([56, 2], [6, 2], [64, 2], [sections.length + 1, 2], [sections.length, 2]);
  const [R, W, X] = [4, 2, 1];
  for (
    const [type, flags, from, size, align] of [
      [PT.load, R, 0, firstBytes, PAGE],
      [PT.load, R | X, text, textBytes, PAGE],
      [PT.load, R | W, data, dataBytes, PAGE],
      [PT.dynamic, R | W, data, dynamicBytes, 8],
      [PT.note, R, notes, notesBytes, 4],
      [PT.stack, R | W, 0, 0, 16],
    ]
  ) {
    w.numbers([type, 4], [flags, 4], [from, 8], [from, 8], [from, 8], [size, 8], [size, 8], [
      align,
      8,
    ]);
  }
  return w.bytes.slice(0, end);
}
