// Pure: no I/O, no FFI.
// Values that do not fit a register: put into scratch memory, or found where they are.

import type { Node } from "../model/ir.ts";
import { dataSize, makesInPlace, partner, storedType } from "../model/storage.ts";
import {
  cSize,
  elementOffsets,
  isScalar,
  storageSize,
  type TupleType,
  type Type,
  typeName,
} from "../model/types.ts";
import type { Memory } from "../model/memory.ts";
import { runBlock, runInline } from "./actions.ts";
import { narrow } from "./arithmetic.ts";
import { placeBuiltin } from "./builtins.ts";
import { type Build, type Effect, refuse } from "./builder.ts";
import { placeCall } from "./functions.ts";
import { locateEntry } from "./maps.ts";
import { readInto } from "./read.ts";
import { condition, elementIndex, evaluate, variableOf } from "./scalar.ts";

/** Copies bytes between two memories, or within one. */
export function copyBytes(
  from: Memory,
  fromAt: number,
  to: Memory,
  toAt: number,
  bytes: number,
): void {
  to.bytes.set(from.bytes.subarray(fromAt, fromAt + bytes), toAt);
}

/** Bytes before the NUL, at most `limit - 1`. */
export function textLength({ bytes }: Memory, at: number, limit: number): number {
  let length = 0;
  while (length < limit - 1 && bytes[at + length] !== 0) length++;
  return length;
}

/** A value in scratch memory: it is there after `fill`. */
export interface Located {
  /** Offset of the value in scratch memory. */
  readonly at: number;
  /** Computes the value and writes it to its place. */
  readonly fill: Effect;
}

/** Writes a value to a place, as `type` is stored. */
export function place(b: Build, node: Node, to: number, type: Type = node.type): Effect {
  const { scratch } = b;
  if (type.kind === "none") return discard(evaluate(b, node));
  if (isScalar(type)) {
    const value = evaluate(b, node);
    return () => scratch.memory.setWord(to, value());
  }
  const size = storageSize(type);
  switch (node.op) {
    case "text": {
      const text = type.kind === "string" ? node.value.slice(0, type.limit - 1) : node.value;
      const bytes = new Uint8Array(size);
      const most = Math.min(text.length, size - (type.kind === "string" ? 1 : 0));
      for (let i = 0; i < most; i++) bytes[i] = text.charCodeAt(i);
      return () => scratch.memory.bytes.set(bytes, to);
    }
    case "choose": {
      if (node.then === undefined) {
        throw new TypeError("Cannot choose a condition that is no scalar");
      }
      const holds = condition(b, node.condition);
      const then = place(b, node.then, to, type);
      const otherwise = place(b, node.otherwise, to, type);
      return () => holds() ? then() : otherwise();
    }
    case "block": {
      const run = runBlock(b, node.body);
      const value = place(b, node.value, to, type);
      return () => {
        run();
        value();
      };
    }
    case "inline": {
      const run = runInline(b, node);
      const from = variableOf(b, node.result) as { at: number };
      const move = convert(b, from.at, node.result.type, to, type);
      return () => {
        run();
        move();
      };
    }
    case "tuple":
      if (type.kind === "tuple") return placeTuple(b, node, to, type);
  }
  if (makesInPlace(node, type)) {
    const value = make(b, node, to);
    if (size <= storageSize(node.type)) return value;
    return () => {
      scratch.memory.bytes.fill(0, to, to + size);
      value();
    };
  }
  const from = locate(b, node);
  const move = convert(b, from.at, storedType(node), to, type);
  return () => {
    from.fill();
    move();
  };
}

function discard(value: () => bigint): Effect {
  return () => void value();
}

/** Writes the value of a node that makes it, in its own layout. */
function make(b: Build, node: Node, to: number): Effect {
  const { scratch } = b;
  switch (node.op) {
    case "memory_call":
      return placeCall(b, node, to);
    case "memory_builtin":
      return placeBuiltin(b, node, to);
    case "load": {
      const size = dataSize(node.type);
      const read = readInto(b, node, to, size);
      const end = to + storageSize(node.type);
      return () => {
        scratch.memory.bytes.fill(0, to, end);
        if (size > 0) read();
      };
    }
    case "contexts": {
      const { of } = node.type as Type & { kind: "array" };
      const size = cSize(of);
      const widen = narrow(of);
      const { state } = b;
      return () => {
        node.at.forEach((at, i) => {
          scratch.memory.setInteger(to + i * size, size, widen(state.event.values[at] ?? 0n));
        });
      };
    }
    case "convert":
      return placeConversion(b, node, to);
    case "element": {
      const element = elementIndex(b, node);
      const size = dataSize(node.type);
      const end = to + storageSize(node.type);
      return () => {
        const from = element();
        scratch.memory.bytes.fill(0, to, end);
        copyBytes(scratch.memory, from, scratch.memory, to, size);
      };
    }
    case "part": {
      const object = locate(b, node.object);
      const size = dataSize(node.type);
      const end = to + storageSize(node.type);
      return () => {
        object.fill();
        if (size % 8 !== 0) scratch.memory.bytes.fill(0, to, end);
        copyBytes(scratch.memory, object.at + node.offset, scratch.memory, to, size);
      };
    }
    default:
      throw new TypeError(`Cannot make a ${node.op} in memory`);
  }
}

function placeConversion(b: Build, node: Node & { op: "convert" }, to: number): Effect {
  const { operand, type } = node;
  const { scratch } = b;
  const end = to + storageSize(type);
  if (isScalar(operand.type)) {
    // A number as an array of bytes.
    const value = evaluate(b, operand);
    const bytes = Math.min(8, cSize(type));
    const size = [1, 2, 4, 8].find((one) => one >= bytes)!;
    return () => {
      const number = value();
      scratch.memory.bytes.fill(0, to, end);
      scratch.memory.setInteger(to, size, number);
    };
  }
  const from = locate(b, operand);
  if (type.kind === "tuple") {
    const move = convert(b, from.at, operand.type, to, type);
    return () => {
      from.fill();
      move();
    };
  }
  if (type.kind === "string") {
    const limit = Math.min(type.limit, storageSize(operand.type));
    const own = operand.type.kind === "string" ? limit : dataSize(operand.type) + 1;
    // Cut where it does not fit, always with a NUL.
    const most = Math.max(1, Math.min(type.limit, own));
    return () => {
      from.fill();
      copyText(scratch.memory, from.at, to, most, end);
    };
  }
  const bytes = Math.max(1, Math.min(dataSize(type), storageSize(operand.type)));
  return () => {
    from.fill();
    scratch.memory.bytes.fill(0, to, end);
    copyBytes(scratch.memory, from.at, scratch.memory, to, bytes);
  };
}

/** Text of at most `most` bytes, its NUL included; zeros up to `end`. */
function copyText(memory: Memory, from: number, to: number, most: number, end: number): void {
  const length = textLength(memory, from, most);
  memory.bytes.copyWithin(to, from, from + length);
  memory.bytes.fill(0, to + length, end);
}

function placeTuple(
  b: Build,
  node: Node & { op: "tuple" },
  to: number,
  type: TupleType,
): Effect {
  const offsets = elementOffsets(type);
  const own = node.type as TupleType;
  const parts = node.elements.map((element, i) => {
    const at = partner(own.elements[i].name, i, type);
    return place(b, element, to + offsets[at], type.elements[at].type);
  });
  return () => {
    for (const part of parts) part();
  };
}

/** Copies a value from one layout to a wider one of the same kind. */
function convert(b: Build, from: number, fromType: Type, to: number, toType: Type): Effect {
  const { scratch } = b;
  const tuples = fromType.kind === "tuple" && toType.kind === "tuple";
  if (tuples && typeName(fromType) !== typeName(toType)) {
    const here = elementOffsets(fromType);
    const there = elementOffsets(toType);
    const parts = fromType.elements.map(({ name, type }, i) => {
      const at = partner(name, i, toType);
      return convert(b, from + here[i], type, to + there[at], toType.elements[at].type);
    });
    return () => {
      for (const part of parts) part();
    };
  }
  const size = storageSize(toType);
  if (toType.kind === "string" && fromType.kind === "string" && fromType.limit > toType.limit) {
    return () => copyText(scratch.memory, from, to, toType.limit, to + size);
  }
  const bytes = Math.min(size, storageSize(fromType));
  return () => {
    copyBytes(scratch.memory, from, scratch.memory, to, bytes);
    scratch.memory.bytes.fill(0, to + bytes, to + size);
  };
}

const NOTHING: Effect = () => {};

/** The place of a value, in the layout of its own type; a value that has no place yet gets one. */
export function locate(b: Build, node: Node): Located {
  switch (node.op) {
    case "local": {
      const variable = variableOf(b, node.local);
      if ("at" in variable) return { at: variable.at, fill: NOTHING };
      break;
    }
    case "map":
      if (!isScalar(node.type)) return locateEntry(b, node);
      break;
    case "part":
      if (!node.c) {
        const object = locate(b, node.object);
        return { at: object.at + node.offset, fill: object.fill };
      }
      break;
    case "block": {
      const run = runBlock(b, node.body);
      const value = locate(b, node.value);
      const fill = () => {
        run();
        value.fill();
      };
      return { at: value.at, fill };
    }
    case "address":
      return refuse(node, "This takes the address of a variable or a map");
  }
  const at = b.scratch.take(storageSize(node.type));
  return { at, fill: place(b, node, at) };
}
