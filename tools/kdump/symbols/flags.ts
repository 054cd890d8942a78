// Pure: no I/O, no FFI.
// What a set of named constants is, and how a value is said with them. The tables are by subject:
// files.ts, memory.ts, processes.ts, network.ts, events.ts, control.ts.

/** Constants by name. */
export type Constants = Readonly<Record<string, number>>;

/** Bits within flags that hold one value of several, or a number. */
export interface Field {
  /** The field's bits. */
  readonly mask: number;
  /** What they may hold, not shifted. */
  readonly values: Constants;
  /** Other values are permissions, which are shown in octal. */
  readonly isPermissions?: boolean;
}

/** Bits that combine: "O_RDONLY|O_CLOEXEC". */
export interface Flags {
  /** Which of both. */
  readonly kind: "flags";
  /** Bits; a name may have several. They are shown in this order, after the fields. */
  readonly values: Constants;
  /** Fields. */
  readonly fields?: readonly Field[];
  /** The name of no bit at all, where it has one: "PROT_NONE". */
  readonly zero?: string;
}

/** Values one of which it is: "SEEK_SET". */
export interface Enumeration {
  /** Which of both. */
  readonly kind: "enumeration";
  /** Values; the first name of those with the same one is shown. */
  readonly values: Constants;
}

/** Either. */
export type SymbolSet = Flags | Enumeration;

/** Where the numbers are not the same on all. */
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
 * A value's name.
 *
 * @param value As a register holds it, signed.
 * @param width Bits of its C type: what is above them is garbage.
 * @returns undefined if no name fits.
 */
export function nameOf(set: SymbolSet, value: bigint, width: 32 | 64): string | undefined {
  return set.kind === "flags"
    ? flagsText(set, BigInt.asUintN(width, value))
    : indexOf(set).get(BigInt.asIntN(width, value));
}

const indices = new WeakMap<Enumeration, ReadonlyMap<bigint, string>>();

/** Names by value. A call with many arguments looks here often; the tables do not change. */
function indexOf(set: Enumeration): ReadonlyMap<bigint, string> {
  let index = indices.get(set);
  if (index === undefined) {
    const made = new Map<bigint, string>();
    for (const [name, value] of Object.entries(set.values)) {
      // ioctl's requests may have the sign bit; what they are compared with is signed.
      const key = BigInt.asIntN(32, BigInt(value));
      if (!made.has(key)) made.set(key, name);
    }
    indices.set(set, index = made);
  }
  return index;
}

function flagsText(set: Flags, value: bigint): string | undefined {
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
  // Names of several bits come first: O_SYNC has O_DSYNC's.
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
