// Pure: no I/O, no FFI.
// Sets of named constants, and the text of a value by the names in a set. The tables stand by subject in
// files.ts, memory.ts, processes.ts, network.ts, events.ts, control.ts.

/** Values of constants by their names in C. */
export type Constants = Readonly<Record<string, number>>;

/** Bits within flags that hold one value of several, or a number. */
export interface Field {
  /** The bits that the field occupies. */
  readonly mask: number;
  /** Named values of the field, in place: not shifted to bit 0. */
  readonly values: Constants;
  /** True if values without names are permissions, which are shown in octal. */
  readonly isPermissions?: boolean;
}

/** Bits that combine: "O_RDONLY|O_CLOEXEC". */
export interface Flags {
  /** Tells flags from an enumeration. */
  readonly kind: "flags";
  /** Bits by name; a name may have several bits. The text has names in this order, after the fields. */
  readonly values: Constants;
  /** Groups of bits that hold one value each. */
  readonly fields?: readonly Field[];
  /** The name of the value 0, if zero has a name: "PROT_NONE". */
  readonly zero?: string;
}

/** Values that exclude one another: "SEEK_SET". */
export interface Enumeration {
  /** Tells an enumeration from flags. */
  readonly kind: "enumeration";
  /** Values by name; if names share a value, the text has the first of them. */
  readonly values: Constants;
}

/** Named constants of an argument, of either kind. */
export type SymbolSet = Flags | Enumeration;

/** A table for each architecture, for constants whose numbers differ. */
export type PerArch<T> = Readonly<Record<"x86_64" | "aarch64", T>>;

/** Makes flags of these bits. */
export function flags(values: Constants, more: Pick<Flags, "fields" | "zero"> = {}): Flags {
  return { kind: "flags", values, ...more };
}

/** Makes an enumeration of these values. */
export function enumeration(values: Constants): Enumeration {
  return { kind: "enumeration", values };
}

/** Every constant of a set: bits, fields, the name of zero. */
export function constantsOf(set: SymbolSet): [name: string, value: number][] {
  const all = Object.entries(set.values);
  if (set.kind === "enumeration") return all;
  for (const { values } of set.fields ?? []) all.push(...Object.entries(values));
  if (set.zero !== undefined) all.push([set.zero, 0]);
  return all;
}

/**
 * Says a value by the names of a set.
 *
 * @param value The value as a register holds it, signed.
 * @param width Bits of the value's C type: bits of the register above them are garbage.
 * @returns undefined if no name fits.
 */
export function nameOf(set: SymbolSet, value: bigint, width: 32 | 64): string | undefined {
  return set.kind === "flags"
    ? flagsText(set, BigInt.asUintN(width, value))
    : indexOf(set).get(BigInt.asIntN(width, value));
}

const indices = new WeakMap<Enumeration, ReadonlyMap<bigint, string>>();

/** Names by value, kept for each set: kdump looks names up often, and the tables do not change. */
function indexOf(set: Enumeration): ReadonlyMap<bigint, string> {
  let index = indices.get(set);
  if (index === undefined) {
    const made = new Map<bigint, string>();
    for (const [name, value] of Object.entries(set.values)) {
      // Requests of ioctl may have bit 31, and nameOf looks for signed values.
      const key = BigInt.asIntN(32, BigInt(value));
      if (!made.has(key)) made.set(key, name);
    }
    indices.set(set, index = made);
  }
  return index;
}

const flagTexts = new WeakMap<Flags, Map<bigint, string | undefined>>();
/** Values of one set whose text is kept. */
const MOST_TEXTS = 1024;

/** Text of a value, kept for each set: the same few values come again and again. */
function flagsText(set: Flags, value: bigint): string | undefined {
  let texts = flagTexts.get(set);
  if (texts === undefined) flagTexts.set(set, texts = new Map());
  if (!texts.has(value)) {
    if (texts.size === MOST_TEXTS) texts.clear();
    texts.set(value, makeFlagsText(set, value));
  }
  return texts.get(value);
}

function makeFlagsText(set: Flags, value: bigint): string | undefined {
  if (value === 0n && set.zero !== undefined) return set.zero;
  const found: string[] = [];
  const numbers: string[] = [];
  let rest = value;
  for (const { mask, values, isPermissions } of set.fields ?? []) {
    const held = Number(rest & BigInt(mask));
    const name = Object.keys(values).find((one) => values[one] === held);
    if (name !== undefined) found.push(name);
    else if (isPermissions && held !== 0) numbers.push(`0${held.toString(8)}`);
    else continue;
    rest &= ~BigInt(mask);
  }
  const entries = Object.entries(set.values);
  const present = new Set<string>();
  // Names of several bits claim theirs first: O_SYNC includes the bit of O_DSYNC.
  const claims = entries.map(([name, number]) => ({ name, bits: BigInt(number) }))
    .sort((a, b) => countBits(b.bits) - countBits(a.bits));
  for (const { name, bits } of claims) {
    if ((rest & bits) !== bits) continue;
    present.add(name);
    rest &= ~bits;
  }
  for (const [name] of entries) if (present.has(name)) found.push(name);
  if (found.length === 0) return undefined;
  found.push(...numbers);
  if (rest !== 0n) found.push(`0x${rest.toString(16)}`);
  return found.join("|");
}

function countBits(value: bigint): number {
  let count = 0;
  for (let rest = value; rest !== 0n; rest &= rest - 1n) count++;
  return count;
}
