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
  /** Name of the probe, without its provider. */
  readonly name: string;
  /** Types of the probe's arguments, in order. */
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

/** Bytes of the ELF header, of a program header, of a section header and of a symbol. */
const BYTES = { header: 64, segment: 56, section: 64, symbol: 24 };
const SEGMENTS = 6;
/** Number of .text among the sections: symbols name the section that they are in. */
const TEXT_SECTION = 5;

/** Where each part of the library is, which depends on the number of probes alone. */
interface Places {
  readonly text: number;
  readonly data: number;
  /** The function of each probe. */
  readonly functions: readonly number[];
  /** The function that tells where the words are. */
  readonly wordsFunction: number;
  readonly words: number;
  readonly dynamicBytes: number;
}

/** Parts of the first page that the .dynamic section and the program headers tell of. */
interface FirstPage {
  readonly hash: number;
  readonly dynsym: number;
  readonly dynstr: number;
  readonly dynstrBytes: number;
  readonly notes: number;
  readonly notesBytes: number;
  readonly types: number;
  readonly typesBytes: number;
  /** Bytes of the page that are in use. */
  readonly bytes: number;
}

/**
 * Makes an ELF library with static probes, byte for byte.
 *
 * @param provider First name of the probes.
 * @param probes Some hundred at most, with at most six arguments each.
 * @param arch As Deno.build.arch spells it.
 * @throws {RangeError} The probes do not fit.
 */
export function libraryImage(
  provider: string,
  probes: readonly ImageProbe[],
  arch: "x86_64" | "aarch64",
): Uint8Array<ArrayBuffer> {
  return new Library(provider, probes, arch === "x86_64" ? X86_64 : AARCH64).make();
}

/** A library that is being written, page by page. */
class Library {
  readonly #provider: string;
  readonly #probes: readonly ImageProbe[];
  readonly #machine: Machine;
  readonly #places: Places;
  readonly #w = new Writer();
  readonly #sections: Section[] = [];

  constructor(provider: string, probes: readonly ImageProbe[], machine: Machine) {
    this.#provider = provider;
    this.#probes = probes;
    this.#machine = machine;
    this.#places = placesOf(probes, machine);
  }

  make(): Uint8Array<ArrayBuffer> {
    const first = this.#firstPage();
    const textBytes = this.#textPage();
    const dataBytes = this.#dataPage(first);
    const headers = this.#sectionHeaders();
    const end = this.#w.at;
    this.#fileHeaders(headers, first, textBytes, dataBytes);
    return this.#w.bytes.slice(0, end);
  }

  /** Adds a section that ends where the writer stands. */
  #section(name: string, type: number, flags: number, from: number, more = {}): void {
    this.#sections.push({ name, type, flags, from, size: this.#w.at - from, ...more });
  }

  /** All but the headers: symbols for the dynamic linker, notes for tracers. */
  #firstPage(): FirstPage {
    const w = this.#w;
    w.at = BYTES.header + SEGMENTS * BYTES.segment;
    const names = [
      `dt_${this.#provider}.so`,
      WORDS,
      ...this.#probes.map((_, i) => functionName(i)),
    ];
    const { hash, dynsym, dynstr, dynstrBytes } = this.#symbols(names);
    const base = w.at;
    w.at++;
    this.#section(".stapsdt.base", SHT.progbits, SHF.alloc, base);
    const notes = w.align(4);
    this.#notes(base);
    const notesBytes = w.at - notes;
    const types = w.at;
    w.text(this.#probes.map(({ name, types }) => [name, ...types].join(" ")).join("\n"));
    const typesBytes = w.at - types;
    if (w.at > this.#places.text) throw tooMany(this.#probes);
    const bytes = w.at;
    return { hash, dynsym, dynstr, dynstrBytes, notes, notesBytes, types, typesBytes, bytes };
  }

  /**
   * .hash, .dynsym and .dynstr.
   *
   * @param names The library's own name, then those of the symbols.
   */
  #symbols(names: readonly string[]) {
    const w = this.#w;
    const { functions, wordsFunction } = this.#places;
    const addresses = [wordsFunction, ...functions];
    const nameAt = offsetsOf(names);
    const hash = w.align(8);
    // One bucket: a chain through all symbols. The first one is the null symbol.
    w.numbers([1, 4], [addresses.length + 1, 4], [1, 4]);
    for (let i = 0; i <= addresses.length; i++) {
      w.numbers([i === 0 || i === addresses.length ? 0 : i + 1, 4]);
    }
    this.#section(".hash", SHT.hash, SHF.alloc, hash, { link: 2, entry: 4 });
    const dynsym = w.align(8);
    w.at += BYTES.symbol;
    addresses.forEach((value, i) => {
      // st_name, st_info: global function, st_other, st_shndx, st_value, st_size
      w.numbers([nameAt[i + 1], 4], [0x12, 1], [0, 1], [TEXT_SECTION, 2], [value, 8], [16, 8]);
    });
    const more = { link: 3, info: 1, entry: BYTES.symbol };
    this.#section(".dynsym", SHT.dynsym, SHF.alloc, dynsym, more);
    const dynstr = w.at;
    w.at++;
    for (const name of names) w.text(name);
    this.#section(".dynstr", SHT.strtab, SHF.alloc, dynstr);
    return { hash, dynsym, dynstr, dynstrBytes: w.at - dynstr };
  }

  /** A note of each probe: where it is, and where its arguments are. */
  #notes(base: number): void {
    const w = this.#w;
    const { functions, words } = this.#places;
    this.#probes.forEach(({ name, types }, i) => {
      const args = types.map((type, n) =>
        `${SIZES[type]}@${this.#machine.register(n, Math.abs(Number(SIZES[type])))}`
      ).join(" ");
      const size = 24 + this.#provider.length + name.length + args.length + 3;
      w.numbers([8, 4], [size, 4], [3, 4]);
      w.text("stapsdt");
      w.numbers([functions[i], 8], [base, 8], [words + i * WORD_BYTES, 8]);
      for (const one of [this.#provider, name, args]) w.text(one);
      w.align(4);
    });
  }

  /** The functions; returns the bytes of the page that are in use. */
  #textPage(): number {
    const w = this.#w;
    const { text, functions, wordsFunction, words } = this.#places;
    for (const from of functions) {
      w.at = from;
      w.put(this.#machine.probe);
    }
    w.at = wordsFunction;
    w.put(this.#machine.address(words - wordsFunction));
    this.#section(".text", SHT.progbits, SHF.alloc | SHF.exec, text);
    return w.at - text;
  }

  /** .dynamic and the words of the probes; returns the bytes of the page that are in use. */
  #dataPage({ hash, dynstr, dynsym, dynstrBytes, ...first }: FirstPage): number {
    const w = this.#w;
    const { data, words } = this.#places;
    w.at = data;
    for (
      const [tag, value] of [
        [DT.hash, hash],
        [DT.strtab, dynstr],
        [DT.symtab, dynsym],
        [DT.strsz, dynstrBytes],
        [DT.syment, BYTES.symbol],
        [DT.soname, SONAME_AT],
        [0, 0],
      ]
    ) w.numbers([tag, 8], [value, 8]);
    const writable = SHF.alloc | SHF.write;
    this.#section(".dynamic", SHT.dynamic, writable, data, { link: 3, entry: 16 });
    w.at = words + this.#probes.length * WORD_BYTES;
    this.#section(".probes", SHT.progbits, writable, words);
    // Tracers look for the sections with code and with semaphores once, in front of the notes: notes stand
    // behind.
    this.#section(".note.stapsdt", SHT.note, SHF.alloc, first.notes, { size: first.notesBytes });
    this.#section(".dt.types", SHT.progbits, 0, first.types, { size: first.typesBytes });
    return w.at - data;
  }

  /** Names of the sections, then their headers; returns where the headers begin. */
  #sectionHeaders(): number {
    const w = this.#w;
    const names = [...this.#sections.map(({ name }) => name), ".shstrtab"];
    const nameAt = offsetsOf(names);
    const shstrtab = w.at;
    w.at++;
    for (const name of names) w.text(name);
    this.#section(".shstrtab", SHT.strtab, 0, shstrtab);
    const headers = w.align(8);
    w.at += BYTES.section;
    this.#sections.forEach(({ type, flags, from, size, link = 0, info = 0, entry = 0 }, i) => {
      const align = type === SHT.note ? 4 : 8;
      w.numbers([nameAt[i], 4], [type, 4], [flags, 8], [flags & SHF.alloc ? from : 0, 8]);
      w.numbers([from, 8], [size, 8], [link, 4], [info, 4], [align, 8], [entry, 8]);
    });
    return headers;
  }

  /** The ELF header and the program headers, at the start of the file. */
  #fileHeaders(headers: number, first: FirstPage, textBytes: number, dataBytes: number): void {
    const w = this.#w;
    const { text, data, dynamicBytes } = this.#places;
    const count = this.#sections.length;
    w.at = 0;
    w.put([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    // e_type, e_machine, e_version, e_entry, e_phoff, e_shoff, e_flags, e_ehsize
    w.numbers([3, 2], [this.#machine.elf, 2], [1, 4], [0, 8]);
    w.numbers([BYTES.header, 8], [headers, 8], [0, 4], [BYTES.header, 2]);
    w.numbers([BYTES.segment, 2], [SEGMENTS, 2], [BYTES.section, 2], [count + 1, 2], [count, 2]);
    const [R, W, X] = [4, 2, 1];
    for (
      const [type, flags, from, size, align] of [
        [PT.load, R, 0, first.bytes, PAGE],
        [PT.load, R | X, text, textBytes, PAGE],
        [PT.load, R | W, data, dataBytes, PAGE],
        [PT.dynamic, R | W, data, dynamicBytes, 8],
        [PT.note, R, first.notes, first.notesBytes, 4],
        [PT.stack, R | W, 0, 0, 16],
      ]
    ) {
      w.numbers([type, 4], [flags, 4], [from, 8], [from, 8], [from, 8], [size, 8], [size, 8]);
      w.numbers([align, 8]);
    }
  }
}

/** The library's own name is the first one of .dynstr. */
const SONAME_AT = 1;

/** Offsets of names in a string table, which begins with a NUL. */
function offsetsOf(names: readonly string[]): number[] {
  let next = 1;
  return names.map((name) => {
    const at = next;
    next += name.length + 1;
    return at;
  });
}

/** @throws {RangeError} The probes do not fit. */
function placesOf(probes: readonly ImageProbe[], machine: Machine): Places {
  const [text, data] = [PAGE, 2 * PAGE];
  const step = Math.ceil(machine.probe.length / 16) * 16;
  const wordsFunction = text + probes.length * step;
  const dynamicBytes = (Object.keys(DT).length + 1) * 16;
  const words = data + dynamicBytes;
  if (wordsFunction + 16 > data || words + probes.length * WORD_BYTES > 3 * PAGE) {
    throw tooMany(probes);
  }
  const functions = probes.map((_, i) => text + i * step);
  return { text, data, functions, wordsFunction, words, dynamicBytes };
}

function tooMany({ length }: readonly ImageProbe[]): RangeError {
  return new RangeError(`Cannot make a library of ${length} probes: too many`);
}
