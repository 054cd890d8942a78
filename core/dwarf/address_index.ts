// Pure: no I/O, no FFI.
// From an address to the function that starts there: by .debug_aranges where it is, by the heads of units
// otherwise; within a unit by one walk over it.

import { ByteReader, DamagedError } from "./byte_reader.ts";
import { DW_AT, DW_TAG } from "./constants.ts";
import type { Die } from "./die.ts";
import type { DwarfFile } from "./dwarf_file.ts";
import { rangesOf } from "./lists.ts";
import { initialLength, type Unit } from "./unit.ts";

/** Ranges of all units together; more would be a file that is made to keep us busy. */
const MOST_RANGES = 1 << 22;

/** Functions of a file by their addresses. */
export class AddressIndex {
  readonly #file: DwarfFile;
  /** Sorted by start: start, end, offset of the unit. */
  #ranges?: readonly Float64Array[];
  /** Units that .debug_aranges tells of. */
  readonly #told = new Set<number>();
  readonly #functions = new Map<Unit, Map<number, number>>();

  /** Reads nothing yet. */
  constructor(file: DwarfFile) {
    this.#file = file;
  }

  /** Units that may have code at an address. */
  unitsAt(address: number): Unit[] {
    const [starts, ends, units] = this.#ranges ??= this.#read();
    // The last range that starts there or before; some overlap.
    let [low, high] = [0, starts.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (starts[middle] <= address) low = middle + 1;
      else high = middle;
    }
    const found = new Set<number>();
    for (let i = low - 1, looked = 0; i >= 0 && looked < 8; i--, looked++) {
      if (address < ends[i]) found.add(units[i]);
    }
    return [...found].map((offset) => this.#file.unitAt(offset));
  }

  /** The function whose code starts at an address. */
  functionAt(address: number): Die | undefined {
    for (const unit of this.unitsAt(address)) {
      const whole = this.#file.whole(unit);
      const offset = this.#functionsOf(whole).get(address);
      if (offset !== undefined) return whole.entryAt(offset);
    }
    return undefined;
  }

  /** Offsets of a unit's functions by where their code starts. */
  #functionsOf(unit: Unit): Map<number, number> {
    let found = this.#functions.get(unit);
    if (found !== undefined) return found;
    this.#functions.set(unit, found = new Map());
    const all = found;
    unit.walk(({ tag, attributes }, { offset }) => {
      if (tag === DW_TAG.subprogram) {
        if (!attributes.includes(DW_AT.low_pc) && !attributes.includes(DW_AT.ranges)) return false;
        // Code in several parts starts in the first.
        const [first] = rangesOf(unit.entryAt(offset)!);
        if (first !== undefined && !all.has(first.start)) all.set(first.start, offset);
        return true;
      }
      return !WITHOUT_CODE.has(tag);
    });
    return found;
  }

  #read(): readonly Float64Array[] {
    const rows: [start: number, end: number, unit: number][] = [];
    try {
      this.#readAranges(rows);
    } catch (error) {
      if (!(error instanceof DamagedError)) throw error;
    }
    for (const unit of this.#file.units) {
      if (this.#told.has(unit.offset) || rows.length > MOST_RANGES) continue;
      try {
        const { root } = unit;
        if (root.tag !== DW_TAG.compile_unit && root.tag !== DW_TAG.skeleton_unit) continue;
        for (const { start, end } of rangesOf(root)) {
          if (rows.length > MOST_RANGES) break;
          if (start < end) rows.push([start, end, unit.offset]);
        }
      } catch (error) {
        if (!(error instanceof DamagedError)) throw error;
      }
    }
    rows.sort(([a], [b]) => a - b);
    return [0, 1, 2].map((i) => Float64Array.from(rows, (row) => row[i]));
  }

  /** DWARF 5, section 6.1.2: sets of a unit's addresses and lengths. */
  #readAranges(rows: [number, number, number][]): void {
    const reader = new ByteReader(this.#file.section("debug_aranges"));
    while (!reader.done) {
      const from = reader.at;
      const { length, offsetSize } = initialLength(reader);
      const set = new ByteReader(reader.bytes, reader.at, reader.at + length);
      reader.skip(length);
      set.skip(2);
      const unit = set.unsigned(offsetSize);
      const size = set.u8();
      if (size !== 4 && size !== 8) throw new DamagedError(`addresses of ${size} bytes`);
      set.skip(1);
      // The pairs are at a multiple of their size.
      const odd = (set.at - from) % (2 * size);
      if (odd !== 0) set.skip(2 * size - odd);
      const before = rows.length;
      while (set.at + 2 * size <= set.end && rows.length < MOST_RANGES) {
        const start = set.unsigned(size);
        const bytes = set.unsigned(size);
        if (start === 0 && bytes === 0) break;
        if (bytes > 0 && start > 0) rows.push([start, start + bytes, unit]);
      }
      // A set that is empty may be of a unit whose ranges are told elsewhere.
      if (rows.length > before) this.#told.add(unit);
    }
  }
}

/** Types have functions that are declared, not defined. */
const WITHOUT_CODE: ReadonlySet<number> = new Set([
  DW_TAG.class_type,
  DW_TAG.structure_type,
  DW_TAG.union_type,
  DW_TAG.enumeration_type,
  DW_TAG.array_type,
  DW_TAG.subroutine_type,
]);
