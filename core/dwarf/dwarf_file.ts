// Pure: no I/O, no FFI.
// The debug information of one file: its sections, the units in them, and the files that complete it.

import { Abbreviations } from "./abbreviations.ts";
import { DamagedError } from "./byte_reader.ts";
import type { Die } from "./die.ts";
import type { UnitFormat } from "./forms.ts";
import { Unit, type UnitSection } from "./unit.ts";

/** Contents of a section by its name without the dot; empty if there is none. */
export type ReadSection = (name: string) => Uint8Array;

/** What completes a file. */
export interface Completion {
  /** Debug information that several files share (dwz): asked for when it is first referred to. */
  readonly alternative?: () => DwarfFile | undefined;
  /** The split part of a unit. */
  readonly split?: (skeleton: Unit) => Unit | undefined;
  /** True for a file that is the split part of units. */
  readonly isSplit?: boolean;
}

/** More units than any program has. */
const MOST_UNITS = 1 << 20;

/** The debug information of one file. */
export class DwarfFile {
  /** True if its units are the split parts of others. */
  readonly isSplit: boolean;
  readonly #read: ReadSection;
  readonly #completion: Completion;
  readonly #sections = new Map<string, Uint8Array>();
  readonly #abbreviations = new Map<string, Abbreviations>();
  readonly #known = new Map<string, Unit>();
  readonly #splits = new Map<Unit, Unit>();
  #alternative?: DwarfFile | null;
  #units?: Unit[];
  #types?: Map<bigint, Unit>;

  /** Reads nothing yet. */
  constructor(read: ReadSection, completion: Completion = {}) {
    this.#read = read;
    this.#completion = completion;
    this.isSplit = completion.isSplit ?? false;
  }

  /** A section; empty if there is none. */
  section(name: string): Uint8Array {
    let found = this.#sections.get(name);
    if (found === undefined) this.#sections.set(name, found = this.#read(name));
    return found;
  }

  /** What several files share; undefined if there is no such file. */
  get alternative(): DwarfFile | undefined {
    if (this.#alternative === undefined) {
      this.#alternative = this.#completion.alternative?.() ?? null;
    }
    return this.#alternative ?? undefined;
  }

  /** All units of .debug_info in order. What is behind a damaged one is not found. */
  get units(): readonly Unit[] {
    return this.#units ??= this.#list("debug_info");
  }

  /**
   * The unit whose header is there.
   *
   * @throws {DamagedError} There is none.
   */
  unitAt(offset: number, section: UnitSection = "debug_info"): Unit {
    const key = `${section} ${offset}`;
    let unit = this.#known.get(key);
    if (unit === undefined) this.#known.set(key, unit = new Unit(this, section, offset));
    return unit;
  }

  /** The unit with all entries: the split part, if it can be found. */
  whole(unit: Unit): Unit {
    let whole = this.#splits.get(unit);
    if (whole === undefined) {
      whole = unit.dwoName === undefined ? unit : this.#completion.split?.(unit) ?? unit;
      if (whole !== unit) whole.skeleton = unit;
      this.#splits.set(unit, whole);
    }
    return whole;
  }

  /** The entry at an offset of .debug_info. */
  entryAt(offset: number): Die | undefined {
    const { units } = this;
    let [low, high] = [0, units.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (units[middle].end > offset) high = middle;
      else low = middle + 1;
    }
    const unit = units[low];
    return unit === undefined || offset < unit.offset ? undefined : unit.entryAt(offset);
  }

  /** The type of a signature, of a unit that has only that. */
  typeOf(signature: bigint): Die | undefined {
    const unit = this.#typeUnits.get(signature);
    return unit?.entryAt(unit.type!.offset);
  }

  /** The table of abbreviations at an offset, for units of that format. */
  abbreviations(offset: number, { version, addressSize, offsetSize }: UnitFormat): Abbreviations {
    const key = [offset, version, addressSize, offsetSize].join();
    let table = this.#abbreviations.get(key);
    if (table === undefined) {
      table = new Abbreviations(this.section("debug_abbrev"), offset, {
        version,
        addressSize,
        offsetSize,
      });
      this.#abbreviations.set(key, table);
    }
    return table;
  }

  get #typeUnits(): Map<bigint, Unit> {
    if (this.#types !== undefined) return this.#types;
    const types = this.#types = new Map();
    for (const unit of [...this.units, ...this.#list("debug_types")]) {
      if (unit.type !== undefined) types.set(unit.type.signature, unit);
    }
    return types;
  }

  #list(section: UnitSection): Unit[] {
    const units: Unit[] = [];
    const { length } = this.section(section);
    for (let at = 0; at < length && units.length < MOST_UNITS;) {
      try {
        const unit = this.unitAt(at, section);
        units.push(unit);
        at = unit.end;
      } catch (error) {
        if (error instanceof DamagedError) break;
        throw error;
      }
    }
    return units;
  }
}
