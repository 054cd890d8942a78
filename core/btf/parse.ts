// Pure: no I/O, no FFI.
// Finds types in a BTF blob without decoding the blob: one pass over the type section records where
// each type starts (Documentation/bpf/btf.rst). A name is found as bytes in the string section
// first, and then compared by its offset. Turning the 126,000 types of a kernel into objects would
// take 50 times as long.

import { BTF_KIND, type BtfKind } from "./types.ts";

const MAGIC = 0xeb9f;

// Number of 32-bit words that follow a type's 3 common words: a fixed number, and a number per
// member (vlen).
const FIXED = new Uint8Array(32);
const PER_MEMBER = new Uint8Array(32);
for (const kind of [BTF_KIND.INT, BTF_KIND.VAR, BTF_KIND.DECL_TAG]) FIXED[kind] = 1;
FIXED[BTF_KIND.ARRAY] = 3;
for (const kind of [BTF_KIND.STRUCT, BTF_KIND.UNION, BTF_KIND.DATASEC, BTF_KIND.ENUM64]) {
  PER_MEMBER[kind] = 3;
}
for (const kind of [BTF_KIND.ENUM, BTF_KIND.FUNC_PROTO]) PER_MEMBER[kind] = 2;

/**
 * Number of searches for names of one kind that go over all types; the next search makes a table.
 */
const MAX_SEARCHES = 20;

/** A BTF blob with an index of its types. A type is known by its id; id 0 is void. */
export class Btf {
  readonly #bytes: Uint8Array;
  readonly #words: Uint32Array;
  /** Byte offset of the first type in the blob, and of the end of the types. */
  readonly #types: number;
  readonly #typesEnd: number;
  /** The index: for each type id, where the type starts in `#words`; and the number of ids. */
  #made?: { readonly start: Uint32Array; readonly size: number };
  readonly #strings: number;
  readonly #stringsEnd: number;
  /** All strings as one text, made when somebody looks for a prefix or for many names. */
  #text?: string;
  /** Number of searches by kind; past MAX_SEARCHES, `#ids` holds a table of the kind's names. */
  readonly #searches = new Map<BtfKind, number>();
  readonly #ids = new Map<BtfKind, Map<string, number>>();
  /** Offsets of strings that have been looked for, -1 for strings that there are not. */
  readonly #offsets = new Map<string, number>();

  /**
   * Checks the header of a blob.
   *
   * @param bytes The whole blob, little endian; must not change afterwards.
   * @throws {SyntaxError} The bytes are not a BTF blob.
   */
  constructor(bytes: Uint8Array<ArrayBuffer>) {
    const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
    const view = new DataView(aligned.buffer, aligned.byteOffset, aligned.length);
    if (aligned.length < 24 || view.getUint16(0, true) !== MAGIC) {
      throw new SyntaxError("Cannot read BTF: bad magic number");
    }
    const header = view.getUint32(4, true);
    const types = header + view.getUint32(8, true);
    const typesEnd = types + view.getUint32(12, true);
    this.#strings = header + view.getUint32(16, true);
    this.#stringsEnd = this.#strings + view.getUint32(20, true);
    if (typesEnd > aligned.length || this.#stringsEnd > aligned.length || types % 4 !== 0) {
      throw new SyntaxError("Cannot read BTF: sections lie outside the file");
    }
    this.#bytes = aligned;
    this.#words = new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length >> 2);
    this.#types = types;
    this.#typesEnd = typesEnd;
  }

  /** Number of type ids in use, void included. */
  get size(): number {
    return this.#index.size;
  }

  get #start(): Uint32Array {
    return this.#index.start;
  }

  /**
   * Indexes the types when a type is first looked at: callers that only want names need no index.
   */
  get #index(): { readonly start: Uint32Array; readonly size: number } {
    if (this.#made !== undefined) return this.#made;
    const words = this.#words;
    const start = new Uint32Array(Math.floor((this.#typesEnd - this.#types) / 12) + 1);
    let id = 1;
    for (let at = this.#types >> 2; at < this.#typesEnd >> 2;) {
      start[id++] = at;
      const info = words[at + 1];
      const kind = info >>> 24 & 31;
      at += 3 + FIXED[kind] + PER_MEMBER[kind] * (info & 0xffff);
    }
    return this.#made = { start, size: id };
  }

  /**
   * Finds the type of a kind by its name.
   *
   * @param kind Kind of the type.
   * @param name Whole name, without "struct" or "union" before it.
   * @returns Id of the first such type; 0 (void) if there is none.
   */
  find(kind: BtfKind, name: string): number {
    const known = this.#ids.get(kind);
    if (known !== undefined) return known.get(name) ?? 0;
    const searches = (this.#searches.get(kind) ?? 0) + 1;
    this.#searches.set(kind, searches);
    if (searches > MAX_SEARCHES) return this.#table(kind).get(name) ?? 0;
    const offset = this.#stringOffset(name);
    if (offset < 0) return 0;
    const words = this.#words;
    const { start, size } = this.#index;
    for (let id = 1; id < size; id++) {
      const at = start[id];
      if (words[at] === offset && (words[at + 1] >>> 24 & 31) === kind) return id;
    }
    return 0;
  }

  /** Makes the table of a kind's names. The table takes as long to make as some twenty searches. */
  #table(kind: BtfKind): Map<string, number> {
    const ids = new Map<string, number>();
    for (const [id, name] of this.names(kind)) if (!ids.has(name)) ids.set(name, id);
    this.#ids.set(kind, ids);
    return ids;
  }

  /** Reads the kind of a type; 0 for void. */
  kind(id: number): BtfKind | 0 {
    return id === 0 ? 0 : (this.#info(id) >>> 24 & 31) as BtfKind;
  }

  /** Reads the name of a type, "" if the type has none. */
  name(id: number): string {
    return id === 0 ? "" : this.#string(this.#words[this.#start[id]]);
  }

  /**
   * Reads the size in bytes of an INT, STRUCT, UNION, ENUM, ENUM64 or FLOAT; of other kinds, the id
   * of the type that the type refers to.
   */
  sizeOrType(id: number): number {
    return this.#words[this.#start[id] + 2];
  }

  /**
   * Reads `kind_flag`: a structure has bit fields, an enum is signed, a forward declaration is of a
   * union.
   */
  flag(id: number): boolean {
    return this.#info(id) >>> 31 === 1;
  }

  /** True if a type of kind INT is signed. */
  isSigned(id: number): boolean {
    return (this.#words[this.#start[id] + 3] >>> 24 & 1) === 1;
  }

  /**
   * Lists the members of a STRUCT or UNION. Offsets and sizes are in bits; `bitSize` is 0 for
   * members that are no bit fields.
   */
  members(id: number): { name: string; type: number; bitOffset: number; bitSize: number }[] {
    const flag = this.flag(id);
    return this.#each(id, 3, (at) => {
      const offset = this.#words[at + 2];
      return {
        name: this.#string(this.#words[at]),
        type: this.#words[at + 1],
        bitOffset: flag ? offset & 0xff_ffff : offset,
        bitSize: flag ? offset >>> 24 : 0,
      };
    });
  }

  /** Reads the element type and the number of elements of an ARRAY. */
  array(id: number): { type: number; count: number } {
    const at = this.#start[id] + 3;
    return { type: this.#words[at], count: this.#words[at + 2] };
  }

  /** Lists the parameters of a FUNC_PROTO in order. */
  parameters(id: number): { name: string; type: number }[] {
    return this.#each(id, 2, (at) => ({
      name: this.#string(this.#words[at]),
      type: this.#words[at + 1],
    }));
  }

  /**
   * Lists the members of an enum in order.
   *
   * @param id A type of kind ENUM or ENUM64.
   * @returns Names and values.
   */
  enumerators(id: number): [name: string, value: bigint][] {
    const wide = this.kind(id) === BTF_KIND.ENUM64;
    const signed = this.flag(id);
    return this.#each(id, wide ? 3 : 2, (at) => {
      const low = this.#words[at + 1];
      const raw = wide ? BigInt(this.#words[at + 2]) << 32n | BigInt(low) : BigInt(low);
      const value = signed ? BigInt.asIntN(wide ? 64 : 32, raw) : raw;
      return [this.#string(this.#words[at]), value];
    });
  }

  /** Finds the enum that has a member of that name; 0 if there is none. */
  findEnumerator(name: string): number {
    const offset = this.#stringOffset(name);
    if (offset < 0) return 0;
    const words = this.#words;
    const { start, size } = this.#index;
    for (let id = 1; id < size; id++) {
      const kind = words[start[id] + 1] >>> 24 & 31;
      if (kind !== BTF_KIND.ENUM && kind !== BTF_KIND.ENUM64) continue;
      const step = kind === BTF_KIND.ENUM64 ? 3 : 2;
      const count = words[this.#start[id] + 1] & 0xffff;
      for (let i = 0; i < count; i++) {
        if (words[this.#start[id] + 3 + step * i] === offset) return id;
      }
    }
    return 0;
  }

  /** All strings as one text with a character for each byte. */
  get #allStrings(): string {
    return this.#text ??= new TextDecoder("latin1").decode(
      this.#bytes.subarray(this.#strings, this.#stringsEnd),
    );
  }

  /**
   * Finds every name that starts with a prefix, in no order. Much quicker than going over the
   * types.
   */
  namesWith(prefix: string): Set<string> {
    const text = this.#allStrings;
    const found = new Set<string>();
    for (let at = text.indexOf(`\0${prefix}`); at >= 0; at = text.indexOf(`\0${prefix}`, at + 1)) {
      found.add(text.slice(at + 1, text.indexOf("\0", at + 1)));
    }
    return found;
  }

  /** Goes over all types of a kind, in the order of their ids. */
  *names(kind: BtfKind): Generator<[id: number, name: string]> {
    for (let id = 1; id < this.size; id++) {
      if (this.kind(id) === kind) yield [id, this.name(id)];
    }
  }

  /** Reads the word with kind, flag and number of members of a type. */
  #info(id: number): number {
    return this.#words[this.#start[id] + 1];
  }

  /** Makes an object of each member of a type; `step` is the number of words of a member. */
  #each<T>(id: number, step: number, make: (at: number) => T): T[] {
    const count = this.#info(id) & 0xffff;
    return Array.from({ length: count }, (_, i) => make(this.#start[id] + 3 + step * i));
  }

  /** Reads the string at an offset in the string section. */
  #string(offset: number): string {
    const from = this.#strings + offset;
    return new TextDecoder().decode(this.#bytes.subarray(from, this.#bytes.indexOf(0, from)));
  }

  /**
   * Finds the offset of a name in the string section, -1 if it is not there. Each string is stored
   * once, so the first whole match is the only match.
   */
  #stringOffset(name: string): number {
    let offset = this.#offsets.get(name);
    if (offset === undefined) this.#offsets.set(name, offset = this.#searchString(name));
    return offset;
  }

  /** As {@linkcode #stringOffset} says. */
  #searchString(name: string): number {
    // Whoever looks up many names gets the strings as one text, in which searches are native.
    if (this.#offsets.size > MAX_SEARCHES) {
      const found = this.#allStrings.indexOf(`\0${name}\0`);
      return found < 0 ? -1 : found + 1;
    }
    const wanted = new TextEncoder().encode(name + "\0");
    const bytes = this.#bytes;
    for (
      let at = bytes.indexOf(wanted[0], this.#strings);
      at >= 0 && at < this.#stringsEnd;
      at = bytes.indexOf(wanted[0], at + 1)
    ) {
      if (bytes[at - 1] !== 0) continue;
      let i = 1;
      while (i < wanted.length && bytes[at + i] === wanted[i]) i++;
      if (i === wanted.length) return at - this.#strings;
    }
    return -1;
  }
}
