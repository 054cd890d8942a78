// Pure: no I/O, no FFI.
// Call frame information: at each instruction, where the frame was before the call and where the registers
// of the caller are. .eh_frame with its table .eh_frame_hdr, and .debug_frame.
// DWARF 5, section 6.4; Linux Standard Base, "Exception Frames".

import { ByteReader, DamagedError } from "./byte_reader.ts";
import type { Sum } from "./expression.ts";
import { initialLength } from "./unit.ts";

/** How the value of a caller's register is restored. */
export type RegisterRule =
  /** The register has lost its value, or still has its value. */
  | { readonly kind: "undefined" | "same" }
  /** The value is in memory at the sum of the CFA and `offset` bytes, or is that sum itself. */
  | { readonly kind: "offset" | "value_offset"; readonly offset: number }
  | { readonly kind: "register"; readonly register: number }
  /** The value is in memory at the expression's result, or is that result. The CFA is first on its stack. */
  | { readonly kind: "expression" | "value_expression"; readonly expression: Uint8Array };

/** Rules from one instruction to the next row. */
export interface FrameRow {
  /** Address of the first instruction that the row holds for. */
  readonly start: number;
  /** The canonical frame address: a sum or an expression; undefined if the section has no rule. */
  readonly cfa: Required<Sum> | Uint8Array | undefined;
  /** Rules by DWARF's register numbers; a register without a rule still has the caller's value. */
  readonly registers: ReadonlyMap<number, RegisterRule>;
}

/** Frames of one piece of code. */
export interface FrameDescription {
  /** Address of the code's first byte. */
  readonly start: number;
  /** Address behind the code's last byte. */
  readonly end: number;
  /** Register that holds, or would hold, the return address. */
  readonly returnAddress: number;
  /** True for the frame of a signal handler: the code it returns to need not have made a call. */
  readonly isSignal: boolean;
  /** Reads all rows, ascending by address. */
  rows(): FrameRow[];
}

/** A section with frames. */
export interface FrameSection {
  /** Contents of the section. */
  readonly bytes: Uint8Array;
  /** Address of the section, in the file's own addresses. */
  readonly address: number;
  /** True for .eh_frame, false for .debug_frame. */
  readonly isEh: boolean;
  /** Section .eh_frame_hdr with its address. */
  readonly header?: { readonly bytes: Uint8Array; readonly address: number };
}

interface Common {
  readonly codeAlignment: number;
  readonly dataAlignment: number;
  readonly returnAddress: number;
  readonly encoding: number;
  readonly isAugmented: boolean;
  readonly isSignal: boolean;
  readonly instructions: ByteReader;
}

const PE_omit = 0xff;
const PE_pcrel = 0x10;
const PE_datarel = 0x30;
const PE_indirect = 0x80;
/** Pairs of signed words of 32 bits, counted from the table: what all linkers write. */
const SORTED_TABLE = 0x3b;
const MOST_DESCRIPTIONS = 1 << 22;
const MOST_ROWS = 1 << 16;
const MOST_REMEMBERED = 256;
/** Rules of all rows of a description together. */
const MOST_RULES = 1 << 20;

/** Frames of a file. */
export class CallFrames {
  readonly #section: FrameSection;
  readonly #commons = new Map<number, Common>();
  #index?: { readonly starts: Float64Array; readonly offsets: Float64Array };

  /** Reads nothing yet. */
  constructor(section: FrameSection) {
    this.#section = section;
  }

  /** The rules at an address; undefined if there are none. */
  rowAt(address: number): FrameRow | undefined {
    return this.descriptionAt(address)?.rows().findLast(({ start }) => start <= address);
  }

  /** What describes the code at an address; undefined if nothing does. */
  descriptionAt(address: number): FrameDescription | undefined {
    const offset = this.#searchTable(address) ?? this.#searchIndex(address);
    if (offset === undefined) return undefined;
    const found = this.#describe(offset);
    return found && address >= found.start && address < found.end ? found : undefined;
  }

  /** All descriptions in the order of the section. */
  *descriptions(): Generator<FrameDescription> {
    for (const offset of this.#entries()) {
      const found = this.#describe(offset);
      if (found !== undefined) yield found;
    }
  }

  /** Offsets of entries. */
  *#entries(): Generator<number> {
    const reader = new ByteReader(this.#section.bytes);
    for (let i = 0; i < MOST_DESCRIPTIONS && !reader.done; i++) {
      const at = reader.at;
      const { length } = initialLength(reader);
      if (length === 0) return; // the end of .eh_frame
      yield at;
      reader.skip(length);
    }
  }

  /** .eh_frame_hdr: version, three encodings, address of .eh_frame, number of pairs, pairs. */
  #searchTable(address: number): number | undefined {
    const { header, address: base } = this.#section;
    if (header === undefined || header.bytes.length < 12) return undefined;
    const { bytes } = header;
    const reader = new ByteReader(bytes);
    if (reader.u8() !== 1) return undefined;
    const [frames, counts, table] = [reader.u8(), reader.u8(), reader.u8()];
    if (table !== SORTED_TABLE) return undefined;
    pointer(reader, frames, header.address);
    const count = pointer(reader, counts, header.address) ?? 0;
    const from = reader.at;
    if (!(from + count * 8 <= bytes.length)) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const word = (index: number, second: number) =>
      view.getInt32(from + index * 8 + second, true) + header.address;
    let [low, high] = [0, count];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (word(middle, 0) <= address) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? undefined : word(low - 1, 4) - base;
  }

  #searchIndex(address: number): number | undefined {
    const { starts, offsets } = this.#index ??= this.#readIndex();
    let [low, high] = [0, starts.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (starts[middle] <= address) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? undefined : offsets[low - 1];
  }

  #readIndex() {
    const rows: [number, number][] = [];
    for (const offset of this.#entries()) {
      const found = this.#describe(offset);
      if (found !== undefined) rows.push([found.start, offset]);
    }
    rows.sort(([a], [b]) => a - b);
    return {
      starts: Float64Array.from(rows, ([start]) => start),
      offsets: Float64Array.from(rows, ([, offset]) => offset),
    };
  }

  /** The entry at an offset; undefined if it is what entries have in common. */
  #describe(offset: number): FrameDescription | undefined {
    const { bytes, address, isEh } = this.#section;
    const outer = new ByteReader(bytes, offset);
    const { length, offsetSize } = initialLength(outer);
    const reader = new ByteReader(bytes, outer.at, outer.at + length);
    const at = reader.at;
    const id = reader.unsigned(isEh ? 4 : offsetSize);
    if (isCommon(id, isEh, offsetSize)) return undefined;
    const common = this.#common(isEh ? at - id : id);
    const start = pointer(reader, common.encoding, address);
    const size = pointer(reader, common.encoding & 0x0f, address);
    if (start === undefined || size === undefined) throw new DamagedError("frames without a place");
    if (common.isAugmented) reader.skip(reader.uleb());
    return {
      start,
      end: start + size,
      returnAddress: common.returnAddress,
      isSignal: common.isSignal,
      rows: () => run(common, new ByteReader(bytes, reader.at, reader.end), start),
    };
  }

  #common(offset: number): Common {
    let common = this.#commons.get(offset);
    if (common === undefined) this.#commons.set(offset, common = this.#readCommon(offset));
    return common;
  }

  #readCommon(offset: number): Common {
    const { bytes, address, isEh } = this.#section;
    const outer = new ByteReader(bytes, offset);
    const { length, offsetSize } = initialLength(outer);
    const reader = new ByteReader(bytes, outer.at, outer.at + length);
    if (!isCommon(reader.unsigned(isEh ? 4 : offsetSize), isEh, offsetSize)) {
      throw new DamagedError("frames that refer to frames");
    }
    const version = reader.u8();
    const augmentation = reader.text();
    if (version >= 4) reader.skip(2);
    const codeAlignment = reader.uleb();
    const dataAlignment = reader.sleb();
    const returnAddress = version === 1 ? reader.u8() : reader.uleb();
    let encoding = 0;
    let isSignal = false;
    const isAugmented = augmentation.startsWith("z");
    if (!isAugmented && augmentation !== "") {
      throw new DamagedError(`frames of kind ${augmentation}`);
    }
    if (isAugmented) {
      const end = reader.uleb() + reader.at;
      for (const letter of augmentation.slice(1)) {
        if (letter === "R") encoding = reader.u8();
        else if (letter === "L") reader.skip(1);
        else if (letter === "P") pointer(reader, reader.u8(), address);
        else if (letter === "S") isSignal = true;
        else break;
      }
      reader.skip(end - reader.at);
    }
    const instructions = new ByteReader(bytes, reader.at, reader.end);
    return {
      codeAlignment,
      dataAlignment,
      returnAddress,
      encoding,
      isAugmented,
      isSignal,
      instructions,
    };
  }
}

function isCommon(id: number, isEh: boolean, offsetSize: 4 | 8): boolean {
  if (isEh) return id === 0;
  return id === (offsetSize === 4 ? 0xffff_ffff : 2 ** 64);
}

/** A pointer by DW_EH_PE_*; undefined if it is left out. */
function pointer(reader: ByteReader, encoding: number, base: number): number | undefined {
  if (encoding === PE_omit) return undefined;
  const at = base + reader.at;
  const signed = (size: number) => Number(BigInt.asIntN(size * 8, reader.wide(size)));
  let value: number;
  switch (encoding & 0x0f) {
    case 0x00:
    case 0x04:
      value = reader.u64();
      break;
    case 0x01:
      value = reader.uleb();
      break;
    case 0x02:
      value = reader.u16();
      break;
    case 0x03:
      value = reader.u32();
      break;
    case 0x09:
      value = reader.sleb();
      break;
    case 0x0a:
      value = signed(2);
      break;
    case 0x0b:
      value = signed(4);
      break;
    case 0x0c:
      value = signed(8);
      break;
    default:
      throw new DamagedError("a pointer of unknown form");
  }
  const relative = encoding & 0x70;
  if (relative === PE_pcrel) value += at;
  else if (relative === PE_datarel) value += base;
  else if (relative !== 0) throw new DamagedError("a pointer that counts from elsewhere");
  // Where the pointer is, not where it points to: only the running program knows that.
  return encoding & PE_indirect ? 0 : value;
}

interface State {
  cfa: FrameRow["cfa"];
  registers: Map<number, RegisterRule>;
}

/** Runs the instructions of a description. */
function run(common: Common, instructions: ByteReader, start: number): FrameRow[] {
  const state: State = { cfa: undefined, registers: new Map() };
  const { bytes, at, end } = common.instructions;
  execute(common, new ByteReader(bytes, at, end), state, undefined, () => {});
  const initial = new Map(state.registers);
  const rows: FrameRow[] = [];
  let address = start;
  let rules = 0;
  const row = () => {
    const { cfa, registers } = state;
    // An advance by nothing replaces the row.
    if (rows.at(-1)?.start === address) rows.pop();
    rows.push({ start: address, cfa, registers: new Map(registers) });
    rules += registers.size;
    if (rows.length > MOST_ROWS || rules > MOST_RULES) {
      throw new DamagedError("frames of too many rows");
    }
  };
  execute(common, instructions, state, initial, (by, to) => {
    row();
    address = to ?? address + by;
  });
  row();
  return rows;
}

function execute(
  { codeAlignment, dataAlignment }: Common,
  reader: ByteReader,
  state: State,
  initial: ReadonlyMap<number, RegisterRule> | undefined,
  advance: (by: number, to?: number) => void,
): void {
  const remembered: State[] = [];
  let copied = 0;
  const set = (register: number, rule: RegisterRule) => state.registers.set(register, rule);
  const restore = (register: number) => {
    const rule = initial?.get(register);
    if (rule === undefined) state.registers.delete(register);
    else state.registers.set(register, rule);
  };
  const expression = () => reader.block(reader.uleb());
  const changeCfa = (change: { register?: number; offset?: number }) => {
    if (state.cfa === undefined || state.cfa instanceof Uint8Array) {
      throw new DamagedError("a frame that changes what it has not");
    }
    state.cfa = { ...state.cfa, ...change };
  };
  while (!reader.done) {
    const operation = reader.u8();
    const low = operation & 0x3f;
    switch (operation & 0xc0) {
      case 0x40: // DW_CFA_advance_loc
        advance(low * codeAlignment);
        continue;
      case 0x80: // DW_CFA_offset
        set(low, { kind: "offset", offset: reader.uleb() * dataAlignment });
        continue;
      case 0xc0: // DW_CFA_restore
        restore(low);
        continue;
    }
    switch (low) {
      case 0x00: // DW_CFA_nop
        continue;
      case 0x01: // DW_CFA_set_loc
        advance(0, reader.u64());
        continue;
      case 0x02: // DW_CFA_advance_loc1
        advance(reader.u8() * codeAlignment);
        continue;
      case 0x03: // DW_CFA_advance_loc2
        advance(reader.u16() * codeAlignment);
        continue;
      case 0x04: // DW_CFA_advance_loc4
        advance(reader.u32() * codeAlignment);
        continue;
      case 0x05: // DW_CFA_offset_extended
        set(reader.uleb(), { kind: "offset", offset: reader.uleb() * dataAlignment });
        continue;
      case 0x06: // DW_CFA_restore_extended
        restore(reader.uleb());
        continue;
      case 0x07: // DW_CFA_undefined
        set(reader.uleb(), { kind: "undefined" });
        continue;
      case 0x08: // DW_CFA_same_value
        set(reader.uleb(), { kind: "same" });
        continue;
      case 0x09: // DW_CFA_register
        set(reader.uleb(), { kind: "register", register: reader.uleb() });
        continue;
      case 0x0a: // DW_CFA_remember_state
        copied += state.registers.size;
        if (remembered.length >= MOST_REMEMBERED || copied > MOST_RULES) {
          throw new DamagedError("a frame without an end");
        }
        remembered.push({ cfa: state.cfa, registers: new Map(state.registers) });
        continue;
      case 0x0b: { // DW_CFA_restore_state
        const last = remembered.pop();
        if (last === undefined) throw new DamagedError("a frame goes back behind its start");
        state.cfa = last.cfa;
        state.registers = last.registers;
        continue;
      }
      case 0x0c: // DW_CFA_def_cfa
        state.cfa = { register: reader.uleb(), offset: reader.uleb() };
        continue;
      case 0x0d: // DW_CFA_def_cfa_register
        changeCfa({ register: reader.uleb() });
        continue;
      case 0x0e: // DW_CFA_def_cfa_offset
        changeCfa({ offset: reader.uleb() });
        continue;
      case 0x0f: // DW_CFA_def_cfa_expression
        state.cfa = expression();
        continue;
      case 0x10: // DW_CFA_expression
        set(reader.uleb(), { kind: "expression", expression: expression() });
        continue;
      case 0x11: // DW_CFA_offset_extended_sf
        set(reader.uleb(), { kind: "offset", offset: reader.sleb() * dataAlignment });
        continue;
      case 0x12: // DW_CFA_def_cfa_sf
        state.cfa = { register: reader.uleb(), offset: reader.sleb() * dataAlignment };
        continue;
      case 0x13: // DW_CFA_def_cfa_offset_sf
        changeCfa({ offset: reader.sleb() * dataAlignment });
        continue;
      case 0x14: // DW_CFA_val_offset
        set(reader.uleb(), { kind: "value_offset", offset: reader.uleb() * dataAlignment });
        continue;
      case 0x15: // DW_CFA_val_offset_sf
        set(reader.uleb(), { kind: "value_offset", offset: reader.sleb() * dataAlignment });
        continue;
      case 0x16: // DW_CFA_val_expression
        set(reader.uleb(), { kind: "value_expression", expression: expression() });
        continue;
      case 0x2d: // DW_CFA_AARCH64_negate_ra_state: addresses have signatures, which readers mask
        continue;
      case 0x2e: // DW_CFA_GNU_args_size
        reader.skipLeb();
        continue;
      case 0x2f: // DW_CFA_GNU_negative_offset_extended
        set(reader.uleb(), { kind: "offset", offset: -reader.uleb() * dataAlignment });
        continue;
    }
    throw new DamagedError(`an unknown operation 0x${operation.toString(16)} in frames`);
  }
}
