// Pure: no I/O, no FFI.
// Types by name. Units are walked down to their namespaces, names compared where they stand; what one
// lookup has found is kept.

import { DamagedError } from "./byte_reader.ts";
import { DW_AT, DW_TAG } from "./constants.ts";
import type { Die } from "./die.ts";
import type { DwarfFile } from "./dwarf_file.ts";
import type { Keyword } from "./types.ts";
import type { Unit } from "./unit.ts";

/** Tags of what a keyword may mean: C++ makes little difference between struct and class. */
const TAGS: Readonly<Record<Keyword | "", ReadonlySet<number>>> = {
  "": new Set([
    ...[DW_TAG.typedef, DW_TAG.base_type, DW_TAG.structure_type, DW_TAG.class_type],
    ...[DW_TAG.union_type, DW_TAG.enumeration_type],
  ]),
  struct: new Set([DW_TAG.structure_type, DW_TAG.class_type]),
  class: new Set([DW_TAG.structure_type, DW_TAG.class_type]),
  union: new Set([DW_TAG.union_type]),
  enum: new Set([DW_TAG.enumeration_type]),
};

/** Entries that types stand below of. */
const AROUND: ReadonlySet<number> = new Set([
  DW_TAG.compile_unit,
  DW_TAG.namespace,
  DW_TAG.type_unit,
  DW_TAG.partial_unit,
]);

/** Definitions of types by name. */
export class TypeNames {
  readonly #file: DwarfFile;
  readonly #known = new Map<string, Die | undefined>();
  readonly #encoder = new TextEncoder();

  /** Reads nothing yet. */
  constructor(file: DwarfFile) {
    this.#file = file;
  }

  /**
   * The definition of a type.
   *
   * @param keyword "" for a name that needs none: a typedef, or any type of C++ and Rust.
   * @param first A unit to look into before all others.
   */
  find(name: string, keyword: Keyword | "", first?: Unit): Die | undefined {
    const key = `${keyword} ${name} ${first?.offset ?? ""}`;
    if (this.#known.has(key)) return this.#known.get(key);
    const wanted = this.#encoder.encode(name);
    let found: Die | undefined;
    if (first !== undefined) found = search(first, wanted, TAGS[keyword]);
    for (const unit of found === undefined ? this.#units() : []) {
      found = search(unit, wanted, TAGS[keyword]);
      if (found !== undefined) break;
    }
    this.#known.set(key, found);
    return found;
  }

  *#units(): Generator<Unit> {
    for (const unit of this.#file.units) yield this.#file.whole(unit);
    const { alternative } = this.#file;
    if (alternative !== undefined) yield* alternative.units;
  }
}

function search(unit: Unit, name: Uint8Array, tags: ReadonlySet<number>): Die | undefined {
  let found: Die | undefined;
  try {
    unit.walk(({ tag, attributes }, { offset }) => {
      if (found !== undefined) return false;
      if (tags.has(tag) && attributes.includes(DW_AT.name)) {
        const die = unit.entryAt(offset)!;
        if (!attributes.includes(DW_AT.declaration) && die.isNamed(name)) found = die;
      }
      return AROUND.has(tag);
    });
  } catch (error) {
    // What is in front of the damage counts.
    if (!(error instanceof DamagedError)) throw error;
  }
  return found;
}
