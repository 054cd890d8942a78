// Pure: no I/O, no FFI.
// Expressions that say where a value is, as far as a probe can follow: a register, memory at a register
// plus a number, a constant, pieces of these. DWARF 5, sections 2.5 and 2.6.

import { ByteReader, DamagedError } from "./byte_reader.ts";
import { DW_OP } from "./constants.ts";
import type { Unit } from "./unit.ts";

/** Where a value is. */
export type Storage =
  /** A register by DWARF's number. */
  | { readonly kind: "register"; readonly register: number }
  /** Memory at a register plus a number of bytes. */
  | { readonly kind: "memory"; readonly register: number; readonly offset: number }
  /** Memory whose address is in memory at a register plus a number of bytes. */
  | { readonly kind: "indirect"; readonly register: number; readonly offset: number }
  /** Memory at an address that the file speaks of. */
  | { readonly kind: "static"; readonly address: number }
  /** Nowhere: the value is always the same. */
  | { readonly kind: "constant"; readonly value: bigint }
  /** One after the other, the lowest bytes first. */
  | { readonly kind: "pieces"; readonly pieces: readonly Piece[] }
  /** Not to be had, with the reason as the end of a sentence. */
  | { readonly kind: "absent"; readonly reason: string };

/** Some bytes of a value. */
export interface Piece {
  /** Where these bytes are. */
  readonly storage: Storage;
  /** Number of bytes in this piece. */
  readonly size: number;
}

/** A sum that is known when the program runs. */
export interface Sum {
  /** A register by DWARF's number; absent for a number alone. */
  readonly register?: number;
  /** Bytes to add; may be negative. */
  readonly offset: number;
}

/** The place in a program that expressions refer to. */
export interface Frame {
  /** Unit that has the expression. */
  readonly unit: Unit;
  /** Where the frame was before the call. */
  readonly cfa: Sum | undefined;
  /** DW_AT_frame_base of the function. */
  readonly frameBase?: Uint8Array;
  /** True if the program is at the first instruction of the function. */
  readonly atEntry: boolean;
}

/** Longest way through an expression. */
const MOST_OPERATIONS = 256;

/** Masks of a truth value and of numbers. */
const WIDTHS: ReadonlySet<number> = new Set([1, 0xff, 0xffff, 0xffff_ffff]);

const GONE: Storage = { kind: "absent", reason: "was optimized away" };
const COMPUTED: Storage = { kind: "absent", reason: "is computed from others" };

/**
 * Finds the place of the value that an expression describes.
 *
 * @throws {DamagedError} The expression is cut off.
 */
export function evaluate(expression: Uint8Array, frame: Frame): Storage {
  const reader = new ByteReader(expression);
  const pieces: Piece[] = [];
  while (!reader.done) {
    const storage = simple(reader, frame);
    if (reader.done) return pieces.length === 0 ? storage : COMPUTED;
    const operation = reader.u8();
    if (operation === DW_OP.piece) pieces.push({ storage, size: reader.uleb() });
    else if (operation === DW_OP.bit_piece) {
      const bits = reader.uleb();
      if (bits % 8 !== 0 || reader.uleb() !== 0) return COMPUTED;
      pieces.push({ storage, size: bits / 8 });
    } else return COMPUTED;
    if (pieces.length > MOST_OPERATIONS) throw new DamagedError("a value of too many pieces");
  }
  if (pieces.length === 0) return GONE;
  return pieces.length === 1 ? pieces[0].storage : { kind: "pieces", pieces };
}

/** Evaluates operations up to the end of the expression or of a piece. */
function simple(reader: ByteReader, frame: Frame): Storage {
  const stack: Sum[] = [];
  const pop = (): Sum => {
    const top = stack.pop();
    if (top === undefined) throw new DamagedError("an expression takes more than there is");
    return top;
  };
  const isEnd = () => {
    const next = reader.done ? undefined : reader.bytes[reader.at];
    return next === undefined || next === DW_OP.piece || next === DW_OP.bit_piece;
  };
  for (let i = 0; i < MOST_OPERATIONS; i++) {
    if (isEnd()) return stack.length === 0 ? GONE : memory(pop());
    const operation = reader.u8();
    if (operation >= DW_OP.lit0 && operation < DW_OP.reg0) {
      stack.push({ offset: operation - DW_OP.lit0 });
      continue;
    }
    if (operation >= DW_OP.reg0 && operation < DW_OP.breg0) {
      return { kind: "register", register: operation - DW_OP.reg0 };
    }
    if (operation >= DW_OP.breg0 && operation < DW_OP.regx) {
      stack.push({ register: operation - DW_OP.breg0, offset: reader.sleb() });
      continue;
    }
    const number = literal(operation, reader, frame);
    if (number !== undefined) {
      stack.push({ offset: number });
      continue;
    }
    switch (operation) {
      case DW_OP.regx:
        return { kind: "register", register: reader.uleb() };
      case DW_OP.bregx: {
        const register = reader.uleb();
        stack.push({ register, offset: reader.sleb() });
        continue;
      }
      case DW_OP.fbreg: {
        const offset = reader.sleb();
        const base = frameBase(frame);
        if (base === undefined) return COMPUTED;
        stack.push({ ...base, offset: base.offset + offset });
        continue;
      }
      case DW_OP.call_frame_cfa:
        if (frame.cfa === undefined) return COMPUTED;
        stack.push(frame.cfa);
        continue;
      case DW_OP.plus_uconst: {
        const top = pop();
        stack.push({ ...top, offset: top.offset + reader.uleb() });
        continue;
      }
      case DW_OP.plus: {
        const [right, left] = [pop(), pop()];
        if (left.register !== undefined && right.register !== undefined) return COMPUTED;
        const register = left.register ?? right.register;
        stack.push({ register, offset: left.offset + right.offset });
        continue;
      }
      case DW_OP.minus: {
        const [right, left] = [pop(), pop()];
        if (right.register !== undefined) return COMPUTED;
        stack.push({ ...left, offset: left.offset - right.offset });
        continue;
      }
      case DW_OP.and: {
        const [right, left] = [pop(), pop()];
        // The bits that the value's type has: no more of the register is looked at anyway.
        if (right.register !== undefined || !WIDTHS.has(right.offset)) return COMPUTED;
        stack.push(left);
        continue;
      }
      case DW_OP.dup: {
        const top = pop();
        stack.push(top, top);
        continue;
      }
      case DW_OP.nop:
        continue;
      case DW_OP.deref: {
        const { register, offset } = pop();
        return register !== undefined && isEnd()
          ? { kind: "indirect", register, offset }
          : COMPUTED;
      }
      case DW_OP.entry_value:
      case DW_OP.GNU_entry_value: {
        const inner = reader.block(reader.uleb());
        if (!frame.atEntry) return { kind: "absent", reason: "is not kept so far" };
        const storage = evaluate(inner, frame);
        if (storage.kind !== "register") return COMPUTED;
        stack.push({ register: storage.register, offset: 0 });
        continue;
      }
      case DW_OP.stack_value: {
        const { register, offset } = pop();
        if (register === undefined) return { kind: "constant", value: BigInt(Math.trunc(offset)) };
        return offset === 0 ? { kind: "register", register } : COMPUTED;
      }
      case DW_OP.implicit_value: {
        const size = reader.uleb();
        const bytes = new ByteReader(reader.block(size));
        return size > 16 ? COMPUTED : { kind: "constant", value: bytes.wide(size) };
      }
      case DW_OP.implicit_pointer:
      case DW_OP.GNU_parameter_ref:
        reader.at = reader.end;
        return GONE;
      default:
        reader.at = reader.end;
        return COMPUTED;
    }
  }
  throw new DamagedError("an expression without an end");
}

/** An address on top is where the value is. */
function memory({ register, offset }: Sum): Storage {
  return register === undefined
    ? { kind: "static", address: offset }
    : { kind: "memory", register, offset };
}

/** Operations that are a number; undefined if it is another one. */
function literal(operation: number, reader: ByteReader, { unit }: Frame): number | undefined {
  const signed = (size: number) => Number(BigInt.asIntN(size * 8, reader.wide(size)));
  switch (operation) {
    case DW_OP.addr:
      return reader.unsigned(unit.addressSize);
    case DW_OP.addrx:
    case DW_OP.constx:
    case DW_OP.GNU_addr_index:
    case DW_OP.GNU_const_index:
      return unit.indexedAddress(reader.uleb()) ?? 0;
    case DW_OP.const1u:
      return reader.u8();
    case DW_OP.const1s:
      return signed(1);
    case DW_OP.const2u:
      return reader.u16();
    case DW_OP.const2s:
      return signed(2);
    case DW_OP.const4u:
      return reader.u32();
    case DW_OP.const4s:
      return signed(4);
    case DW_OP.const8u:
      return reader.u64();
    case DW_OP.const8s:
      return signed(8);
    case DW_OP.constu:
      return reader.uleb();
    case DW_OP.consts:
      return reader.sleb();
  }
  return undefined;
}

/** What DW_OP_fbreg counts from; undefined if that cannot be followed. */
function frameBase(frame: Frame): Sum | undefined {
  if (frame.frameBase === undefined) return undefined;
  // Without itself: a base that counts from the base would be a circle.
  const storage = evaluate(frame.frameBase, { ...frame, frameBase: undefined });
  if (storage.kind === "register") return { register: storage.register, offset: 0 };
  return storage.kind === "memory" ? storage : undefined;
}
