// Pure: no I/O, no FFI.
// Lists of address ranges: the code of a function or unit, and what holds a variable where.
// DWARF 5, sections 2.6.2, 2.17.3, 7.7.3; of version 4 the sections with pairs of addresses.

import { ByteReader, DamagedError } from "./byte_reader.ts";
import { DW_AT } from "./constants.ts";
import type { Die, ListPlace } from "./die.ts";
import { isLength, type Unit } from "./unit.ts";

/** Addresses from `start` up to, not including, `end`. */
export interface AddressRange {
  /** First address of the range. */
  readonly start: number;
  /** Address behind the last of the range. */
  readonly end: number;
}

/** Location of a variable while the program is within a range. */
export interface RangeLocation extends AddressRange {
  /** DWARF expression that tells the location. */
  readonly expression: Uint8Array;
}

/** More than any list has. */
const MOST_ENTRIES = 1 << 17;

/**
 * The code of an entry: DW_AT_low_pc and DW_AT_high_pc, or DW_AT_ranges; nothing if it has none. The ranges
 * are read as they are asked for: many entries of a damaged file may have the same long list.
 */
export function* rangesOf(die: Die): Generator<AddressRange> {
  const place = die.list(DW_AT.ranges);
  if (place !== undefined) return yield* rangeList(die.unit, place, die === die.unit.root);
  const start = die.address(DW_AT.low_pc);
  if (start === undefined) return;
  const end = isLength(die)
    ? start + (die.number(DW_AT.high_pc) ?? 0)
    : die.address(DW_AT.high_pc) ?? start;
  yield { start, end };
}

function* rangeList(unit: Unit, place: ListPlace, isUnit: boolean): Generator<AddressRange> {
  if (unit.version >= 5) {
    const at = listOffset(unit, place, "debug_rnglists", DW_AT.rnglists_base);
    yield* entries(unit, new ByteReader(unit.file.section("debug_rnglists"), at), RANGE_KINDS);
    return;
  }
  // A split unit's ranges are in the program.
  const { file } = unit.skeleton ?? unit;
  const { skeleton } = unit;
  const base = isUnit ? 0 : skeleton?.root.list(DW_AT.GNU_ranges_base)?.offset ?? 0;
  const reader = new ByteReader(file.section("debug_ranges"), place.offset! + base);
  yield* pairs(unit, reader, false);
}

/** The location expression of an attribute at an address of code; undefined where there is none. */
export function locationAt(die: Die, attribute: number, pc: number): Uint8Array | undefined {
  const always = die.block(attribute);
  if (always !== undefined) return always;
  const place = die.list(attribute);
  if (place === undefined) return undefined;
  for (const { start, end, expression } of locationList(die.unit, place)) {
    if (pc >= start && pc < end) return expression;
  }
  return undefined;
}

function locationList(unit: Unit, place: ListPlace): Iterable<RangeLocation> {
  const { file } = unit;
  if (unit.version >= 5) {
    const at = listOffset(unit, place, "debug_loclists", DW_AT.loclists_base);
    return entries(unit, new ByteReader(file.section("debug_loclists"), at), LOCATION_KINDS);
  }
  const reader = new ByteReader(file.section("debug_loc"), place.offset!);
  return file.isSplit ? entries(unit, reader, SPLIT_KINDS) : pairs(unit, reader, true);
}

/** By number: the table of offsets is in the section, and counts from its own start. */
function listOffset(unit: Unit, { offset, index }: ListPlace, name: string, attribute: number) {
  if (index === undefined) return offset!;
  const base = unit.listsBase(attribute);
  const at = base + index * unit.offsetSize;
  return base + new ByteReader(unit.file.section(name), at).unsigned(unit.offsetSize);
}

/** The address that offsets in a unit's lists are counted from. */
function baseOf(unit: Unit): number {
  return (unit.skeleton ?? unit).root.address(DW_AT.low_pc) ?? 0;
}

/** Lists of version 4: pairs of addresses, each with an expression where `located`. */
function* pairs(unit: Unit, reader: ByteReader, located: boolean): Generator<RangeLocation> {
  const { addressSize } = unit;
  const highest = unsignedMaximum(addressSize);
  let base = baseOf(unit);
  for (let i = 0; i < MOST_ENTRIES; i++) {
    const start = reader.unsigned(addressSize);
    const end = reader.unsigned(addressSize);
    if (start === 0 && end === 0) return;
    if (start === highest) {
      base = end;
      continue;
    }
    const expression = located ? reader.block(reader.u16()) : NOTHING;
    yield { start: base + start, end: base + end, expression };
  }
  throw new DamagedError("a list without an end");
}

const NOTHING = new Uint8Array();

function unsignedMaximum(bytes: number): number {
  return 2 ** (8 * bytes) - (bytes < 8 ? 1 : 0);
}

type EntryKind =
  | "end"
  | "base_addressx"
  | "startx_endx"
  | "startx_length"
  | "startx_length4"
  | "offset_pair"
  | "default"
  | "base_address"
  | "start_end"
  | "start_length"
  | "views";

/** DW_RLE_* */
const RANGE_KINDS: readonly EntryKind[] = [
  "end",
  "base_addressx",
  "startx_endx",
  "startx_length",
  "offset_pair",
  "base_address",
  "start_end",
  "start_length",
];
/** DW_LLE_* */
const LOCATION_KINDS: readonly EntryKind[] = [
  "end",
  "base_addressx",
  "startx_endx",
  "startx_length",
  "offset_pair",
  "default",
  "base_address",
  "start_end",
  "start_length",
  "views",
];
/** DW_LLE_GNU_*: split units of version 4. */
const SPLIT_KINDS: readonly EntryKind[] = [
  "end",
  "base_addressx",
  "startx_endx",
  "startx_length4",
  "offset_pair",
];

/** Lists whose entries say of which kind they are. */
function* entries(
  unit: Unit,
  reader: ByteReader,
  kinds: readonly EntryKind[],
): Generator<RangeLocation> {
  const located = kinds !== RANGE_KINDS;
  let base = baseOf(unit);
  const address = () => reader.unsigned(unit.addressSize);
  // What is not there any more belongs to no address.
  const indexed = () => unit.indexedAddress(reader.uleb()) ?? NaN;
  for (let i = 0; i < MOST_ENTRIES; i++) {
    let start: number;
    let end: number;
    switch (kinds[reader.u8()]) {
      case "end":
        return;
      case "base_addressx":
        base = indexed();
        continue;
      case "base_address":
        base = address();
        continue;
      case "views":
        reader.skipLeb();
        reader.skipLeb();
        continue;
      case "startx_endx":
        start = indexed();
        end = indexed();
        break;
      case "startx_length":
        start = indexed();
        end = start + reader.uleb();
        break;
      case "startx_length4":
        start = indexed();
        end = start + reader.u32();
        break;
      case "offset_pair":
        start = base + reader.uleb();
        end = base + reader.uleb();
        break;
      case "start_end":
        start = address();
        end = address();
        break;
      case "start_length":
        start = address();
        end = start + reader.uleb();
        break;
      case "default":
        start = 0;
        end = Infinity;
        break;
      default:
        throw new DamagedError("an entry of unknown kind in a list");
    }
    const size = !located ? 0 : kinds === SPLIT_KINDS ? reader.u16() : reader.uleb();
    yield { start, end, expression: reader.block(size) };
  }
  throw new DamagedError("a list without an end");
}
