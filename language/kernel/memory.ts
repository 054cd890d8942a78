// Pure: no I/O, no FFI.
// Values that do not fit a register: put into memory, or found where they are.

import { add64, imm, mov64 } from "../../core/asm/alu.ts";
import { ja, jne } from "../../core/asm/jump.ts";
import { loadMapValue, store } from "../../core/asm/load_store.ts";
import { R0, R1, R3, R6 } from "../../core/asm/register.ts";
import { emitLoad } from "../../core/kernel_plane/location.ts";
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
  words,
} from "../model/types.ts";
import { emitActions } from "./actions.ts";
import { placeBuiltin } from "./builtins.ts";
import { emitCondition } from "./condition.ts";
import { LOAD_SPILL, type Place } from "./frame.ts";
import { placeCall } from "./functions.ts";
import { type Gen, shifted } from "./emitter.ts";
import { lookupMap } from "./maps.ts";
import { emitRead } from "./read.ts";
import { elementAddress, emitInline, evaluate, narrow } from "./scalar.ts";

/** Writes a value to memory, as `type` is stored. Clobbers R0 to R5. */
export function place(gen: Gen, node: Node, to: Place, type: Type = node.type): void {
  if (type.kind === "none") return evaluate(gen, node);
  if (isScalar(type)) {
    evaluate(gen, node);
    return gen.save(to);
  }
  const size = storageSize(type);
  const own = storageSize(node.type);
  switch (node.op) {
    case "text":
      return type.kind === "string"
        ? placeLiteral(gen, node.value.slice(0, type.limit - 1), to, size, true)
        : placeLiteral(gen, node.value, to, size, false);
    case "choose": {
      const { then, otherwise, condition } = node;
      const no = gen.asm.label("else");
      const done = gen.asm.label("end");
      if (then === undefined) throw new TypeError("Cannot choose a condition that is no scalar");
      emitCondition(gen, condition, no);
      gen.branch(() => place(gen, then, to, type));
      gen.emit(ja(done));
      gen.asm.bind(no);
      gen.branch(() => place(gen, otherwise, to, type));
      return void gen.asm.bind(done);
    }
    case "block":
      emitActions(gen, node.body);
      return place(gen, node.value, to, type);
    case "inline":
      emitInline(gen, node);
      return convert(gen, gen.locals.get(node.result)!, node.result.type, to, type);
    case "tuple":
      if (type.kind === "tuple") return placeTuple(gen, node, to, type);
  }
  if (makesInPlace(node, type)) {
    if (size > own) gen.zero(to, size);
    return make(gen, node, to);
  }
  gen.frame.scope(() => {
    const from = locate(gen, node);
    convert(gen, from, storedType(node), to, type);
  });
}

/** Writes the value of a node that makes it, in its own layout. */
function make(gen: Gen, node: Node, to: Place): void {
  switch (node.op) {
    case "memory_call":
      return placeCall(gen, node, to);
    case "memory_builtin":
      return placeBuiltin(gen, node.name, to);
    case "load":
      return placeLoad(gen, node, to);
    case "contexts":
      return placeContexts(gen, node, to);
    case "convert":
      return placeConversion(gen, node, to);
    case "element":
      return gen.frame.scope(() => {
        gen.zero(to, storageSize(node.type));
        elementAddress(gen, node);
        gen.emit(mov64(R3, R1));
        gen.copy(to, dataSize(node.type));
      });
    case "part":
      return gen.frame.scope(() => {
        const from = shifted(locate(gen, node.object), node.offset);
        const size = dataSize(node.type);
        if (size % 8 !== 0) gen.zero(to, storageSize(node.type));
        gen.address(R3, from);
        gen.copy(to, size);
      });
    default:
      throw new TypeError(`Cannot make a ${node.op} in memory`);
  }
}

function placeLoad(gen: Gen, node: Node & { op: "load" }, to: Place): void {
  const size = dataSize(node.type);
  if (size === 0) return gen.zero(to, storageSize(node.type));
  if (size !== storageSize(node.type)) gen.zero(to, storageSize(node.type));
  emitRead(gen, node, to, size);
}

/** An array whose elements stand at several locations of the context. */
function placeContexts(gen: Gen, node: Node & { op: "contexts" }, to: Place): void {
  const { of } = node.type as Type & { kind: "array" };
  const size = cSize(of) as 1 | 2 | 4 | 8;
  node.at.forEach((at, i) => {
    emitLoad(gen.asm, gen.site.layout, gen.site.layout.locations[at], R6, LOAD_SPILL);
    narrow(gen, of);
    gen.save(shifted(to, i * size), size);
  });
}

function placeConversion(gen: Gen, node: Node & { op: "convert" }, to: Place): void {
  const { operand, type } = node;
  const size = storageSize(type);
  if (isScalar(operand.type)) {
    // A number as an array of bytes.
    gen.zero(to, size);
    evaluate(gen, operand);
    const bytes = Math.min(8, cSize(type));
    return gen.save(to, ([1, 2, 4, 8] as const).find((one) => one >= bytes)!);
  }
  gen.frame.scope(() => {
    const from = locate(gen, operand);
    if (type.kind === "tuple") return convert(gen, from, operand.type, to, type);
    gen.zero(to, size);
    if (type.kind === "string") {
      const limit = Math.min(type.limit, storageSize(operand.type));
      const nul = operand.type.kind === "string" ? 0 : 1;
      const text = operand.type.kind === "string" ? limit : dataSize(operand.type) + nul;
      // Cut where it does not fit, always with a NUL.
      return gen.copyText(from, to, Math.max(1, Math.min(type.limit, text)));
    }
    gen.address(R3, from);
    gen.copy(to, Math.max(1, Math.min(dataSize(type), storageSize(operand.type))));
  });
}

function placeTuple(gen: Gen, node: Node & { op: "tuple" }, to: Place, type: TupleType): void {
  const offsets = elementOffsets(type);
  const own = node.type as TupleType;
  node.elements.forEach((element, i) => {
    const { name } = own.elements[i];
    const at = partner(name, i, type);
    place(gen, element, shifted(to, offsets[at]), type.elements[at].type);
  });
}

/** Copies a value from one layout to a wider one of the same kind. */
function convert(gen: Gen, from: Place, fromType: Type, to: Place, toType: Type): void {
  if (fromType.kind === "tuple" && toType.kind === "tuple") {
    if (typeName(fromType) !== typeName(toType)) {
      const here = elementOffsets(fromType);
      const there = elementOffsets(toType);
      fromType.elements.forEach(({ name, type }, i) => {
        const at = partner(name, i, toType);
        convert(
          gen,
          shifted(from, here[i]),
          type,
          shifted(to, there[at]),
          toType.elements[at].type,
        );
      });
      return;
    }
  }
  const size = storageSize(toType);
  const own = storageSize(fromType);
  if (toType.kind === "string" && fromType.kind === "string" && fromType.limit > toType.limit) {
    gen.zero(to, size);
    return gen.copyText(from, to, toType.limit);
  }
  if (size > own) gen.zero(to, size);
  gen.move(from, to, Math.min(size, own));
}

/**
 * Where a value is, in the layout of its own type; made there if it was nowhere. The caller's frame
 * scope owns what is taken.
 */
export function locate(gen: Gen, node: Node): Place {
  switch (node.op) {
    case "local":
      return gen.locals.get(node.local)!;
    case "map":
      if (!isScalar(node.type)) return locateEntry(gen, node);
      break;
    case "part":
      if (!node.c) return shifted(locate(gen, node.object), node.offset);
      break;
    case "block":
      emitActions(gen, node.body);
      return locate(gen, node.value);
  }
  const size = Math.max(8, storageSize(node.type));
  const at = gen.frame.block(size);
  place(gen, node, at);
  return at;
}

/** The value of an entry in its map, or zeros. */
function locateEntry(gen: Gen, node: Node & { op: "map" }): Place {
  const pointer = gen.frame.stackSlot();
  const found = gen.asm.label("found");
  lookupMap(gen, node);
  gen.emit(jne(R0, imm(0), found), loadMapValue(R0, gen.references.zeros, 0));
  gen.asm.bind(found);
  gen.save(pointer);
  return { base: pointer.base, offset: 0, pointer };
}

/** Bytes after which a store's 16-bit offset begins again. */
const FAR = 1 << 14;

function placeLiteral(gen: Gen, value: string, to: Place, size: number, text: boolean): void {
  const all = literalWords(value, size, text ? 1 : 0);
  if (all.length * 8 < size) gen.zero(to, size);
  gen.address(R1, to);
  all.forEach((word, i) => {
    const at = i * 8 % FAR;
    if (i > 0 && at === 0) gen.emit(add64(R1, imm(FAR)));
    gen.constant(R0, word);
    gen.emit(store(8, R1, at, R0));
  });
}

/** The text as little-endian words, with at least one NUL, cut to `limit` bytes. */
export function literalWords(value: string, limit: number, nul = 1): bigint[] {
  const bytes = new Uint8Array(words(Math.max(limit, 8)));
  const written = Math.min(value.length, limit - nul);
  for (let i = 0; i < written; i++) bytes[i] = value.charCodeAt(i);
  const view = new DataView(bytes.buffer);
  const count = Math.max(1, nul === 1 ? Math.floor(written / 8) + 1 : Math.ceil(written / 8));
  return Array.from({ length: count }, (_, i) => view.getBigUint64(i * 8, true));
}
