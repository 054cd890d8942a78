// Pure: no I/O, no FFI.
// Values as text, straight out of memory: numbers and short strings are printed without being made
// into objects.

import {
  cSize,
  elementOffsets,
  type Field,
  isCharArray,
  isSigned,
  type SpecialType,
  type StructType,
  type Type,
} from "../model/types.ts";
import type { Memory } from "../model/memory.ts";
import { type Names, stackText } from "./names.ts";
import type { Out } from "./output_buffer.ts";

const LOW = 0x1_0000_0000;

/** Prints a value as our memory holds it. */
export function printValue(out: Out, type: Type, memory: Memory, at: number, names: Names): void {
  switch (type.kind) {
    case "string": {
      const written = out.cString(memory.bytes, at, type.size);
      if (type.truncates && written === type.limit - 1) out.text(names.trailer);
      return;
    }
    case "buffer":
      return printBuffer(out, memory, at + 8, memory.u32(at), "r");
    case "array":
    case "struct":
      return printC(out, type, memory, at, names);
    case "tuple":
      return printTuple(out, type, memory, at, names);
    case "stack":
      return out.text(stackText(type, memory.u64(at), memory.u32(at + 8), names));
    case "special":
      return printSpecial(out, type, memory, at, names);
    case "none":
      return out.text("null");
    default:
      return printWord(out, type, memory.u32(at), memory.u32(at + 4), names);
  }
}

/** A word in its type's own way. */
export function printWord(out: Out, type: Type, low: number, high: number, names: Names): void {
  switch (type.kind) {
    case "bool":
      return out.text(low === 0 && high === 0 ? "false" : "true");
    case "pointer":
      return out.text(`0x${wide(low, high).toString(16)}`);
    case "coded":
      return out.text(codedText(type.as, low, wide(low, high), names));
    case "integer": {
      const name = type.enumeration?.names.get(
        type.signed ? BigInt.asIntN(64, wide(low, high)) : wide(low, high),
      );
      if (name !== undefined) return out.text(name);
    }
  }
  printInteger(out, low, high, isSigned(type));
}

function codedText(
  as: (Type & { kind: "coded" })["as"],
  low: number,
  value: bigint,
  names: Names,
): string {
  switch (as) {
    case "probe":
      return names.probe(low);
    case "ksym":
      return names.kernelSymbol(value, false) ?? addressText(value);
    case "username":
      return names.user(low);
    case "strerror":
      return names.error(low | 0);
    case "signal":
      return names.signal(low | 0);
    case "syscall":
      return names.syscall(low | 0);
  }
}

/** An address that no symbol is at. */
function addressText(address: bigint): string {
  return address === 0n ? "0" : `0x${address.toString(16)}`;
}

/** 64 bits out of two halves. */
export function wide(low: number, high: number): bigint {
  return BigInt(high) << 32n | BigInt(low);
}

/** A 64-bit integer in decimal; BigInt only beyond 53 bits. */
export function printInteger(out: Out, low: number, high: number, signed: boolean): void {
  const top = signed ? high | 0 : high;
  if (top >= -0x20_0000 && top < 0x20_0000) out.decimal(top * LOW + low);
  else out.text(`${signed ? BigInt.asIntN(64, wide(low, high)) : wide(low, high)}`);
}

function printTuple(
  out: Out,
  type: Type & { kind: "tuple" },
  memory: Memory,
  at: number,
  names: Names,
): void {
  const { elements } = type;
  const offsets = elementOffsets(type);
  const record = elements.some(({ name }) => name !== undefined);
  out.text(record ? "{ " : "(");
  elements.forEach((element, i) => {
    if (i > 0) out.text(", ");
    if (record) out.text(`.${element.name} = `);
    printValue(out, element.type, memory, at + offsets[i], names);
  });
  out.text(record ? " }" : ")");
}

/** Prints a value as C lays it out. */
export function printC(out: Out, type: Type, memory: Memory, at: number, names: Names): void {
  switch (type.kind) {
    case "array":
      out.text("[");
      for (let i = 0; i < type.count; i++) {
        if (i > 0) out.text(",");
        printC(out, type.of, memory, at + i * cSize(type.of), names);
      }
      return out.text("]");
    case "struct":
      return printStruct(out, type, memory, at, names);
    case "none": // a number with a point, for one
      return out.text("null");
    default: {
      const size = Math.max(1, Math.min(8, cSize(type)));
      const value = BigInt.asUintN(64, memory.integer(at, size, isSigned(type)));
      printWord(out, type, Number(value & 0xffff_ffffn), Number(value >> 32n), names);
    }
  }
}

/** The members of a structure by which its values are shown: those of anonymous ones are its own. */
export function visibleFields(type: StructType): Field[] {
  return type.fields().flatMap((field): Field[] =>
    field.name === "" && field.type.kind === "struct"
      ? visibleFields(field.type).map((one) => ({ ...one, offset: one.offset + field.offset }))
      : [field]
  );
}

function printStruct(
  out: Out,
  type: Type & { kind: "struct" },
  memory: Memory,
  at: number,
  names: Names,
): void {
  const fields = visibleFields(type);
  if (fields.length === 0) return out.text("{}");
  out.text("{ ");
  fields.forEach((field, i) => {
    if (i > 0) out.text(", ");
    out.text(`.${field.name} = `);
    if (isCharArray(field.type)) {
      // char[N] of C is text.
      out.text(memory.text(at + field.offset, field.type.count));
    } else if (field.bits === undefined) {
      printC(out, field.type, memory, at + field.offset, names);
    } else {
      const value = BigInt.asUintN(64, bitField(field, memory, at));
      printWord(out, field.type, Number(value & 0xffff_ffffn), Number(value >> 32n), names);
    }
  });
  out.text(" }");
}

/** The value of a bit field. */
export function bitField({ type, offset, bits }: Field, memory: Memory, at: number): bigint {
  const unit = memory.integer(at + offset, cSize(type), false);
  const value = unit >> BigInt(bits!.shift);
  return isSigned(type) ? BigInt.asIntN(bits!.width, value) : BigInt.asUintN(bits!.width, value);
}

function printSpecial(out: Out, type: SpecialType, memory: Memory, at: number, names: Names): void {
  switch (type.as) {
    case "inet":
      return out.text(inetText(memory.u32(at), memory.bytes.subarray(at + 8, at + 24)));
    case "mac":
      return out.text(
        Array.from(memory.bytes.subarray(at, at + 6), (one) => hex(one).toUpperCase()).join(":"),
      );
    case "usym": {
      const address = memory.u64(at);
      const symbol = names.userSymbol(address, memory.u32(at + 8), false);
      return out.text(symbol ?? addressText(address));
    }
    case "timestamp": {
      const format = names.text(memory.u32(at + 8));
      return out.text(names.time(memory.u64(at), memory.u32(at + 12), format));
    }
    case "cgroup_path":
      return out.text(names.cgroup(memory.u64(at), names.text(memory.u32(at + 8))));
  }
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}

const AF_INET = 2;

/** An address as inet_ntop(3) writes it. */
export function inetText(family: number, bytes: Uint8Array): string {
  if (family === AF_INET) return bytes.subarray(0, 4).join(".");
  if (family !== 10) return "";
  const groups = Array.from({ length: 8 }, (_, i) => bytes[i * 2] << 8 | bytes[i * 2 + 1]);
  // The longest run of zeros, of at least two, is left out.
  let best = { from: 0, length: 1 };
  for (let from = 0; from < 8; from++) {
    let length = 0;
    while (from + length < 8 && groups[from + length] === 0) length++;
    if (length > best.length) best = { from, length };
  }
  const mapped = groups.slice(0, 5).every((one) => one === 0) &&
    (groups[5] === 0xffff || (groups[5] === 0 && groups[6] !== 0));
  if (mapped) {
    return `::${groups[5] === 0xffff ? "ffff:" : ""}${bytes.subarray(12, 16).join(".")}`;
  }
  const text = (part: number[]) => part.map((one) => one.toString(16)).join(":");
  if (best.length < 2) return text(groups);
  return `${text(groups.slice(0, best.from))}::${text(groups.slice(best.from + best.length))}`;
}

/** How bytes are shown: %r printable ones as they are, %rx none, %rh in pairs of digits. */
export function printBuffer(
  out: Out,
  memory: Memory,
  at: number,
  length: number,
  how: "r" | "rx" | "rh",
): void {
  for (let i = at; i < at + length; i++) {
    const byte = memory.bytes[i];
    if (how === "rh") {
      if (i > at) out.text(" ");
      out.text(hex(byte));
    } else if (how === "r" && byte >= 0x20 && byte < 0x7f) {
      out.byte(byte);
    } else {
      out.text(`\\x${hex(byte)}`);
    }
  }
}
