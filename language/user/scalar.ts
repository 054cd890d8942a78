// Pure: no I/O, no FFI.
// Expressions that fit a register, and conditions.

import type { Local, Node } from "../model/ir.ts";
import {
  cSize,
  isScalar,
  keepsValue,
  stepSize,
  storageSize,
  type Type,
  typeName,
} from "../model/types.ts";
import { FAULT } from "../model/plan.ts";
import { accessSize } from "../model/storage.ts";
import { runBlock, runInline } from "./actions.ts";
import { comparison, divide, extract, narrow, operation } from "./arithmetic.ts";
import { evaluateBuiltin } from "./builtins.ts";
import {
  type Build,
  mapOf,
  refuse,
  type Scalar,
  signed,
  unsigned,
  type Variable,
} from "./builder.ts";
import { evaluateCall } from "./functions.ts";
import { deleteKey, hasKey, readAggregate, readMap, stepMap } from "./maps.ts";
import { locate, place } from "./memory.ts";
import { readInto } from "./read.ts";
import { fault } from "./records.ts";

/** The place of a variable of the clause. */
export function variableOf(b: Build, local: Local): Variable {
  return b.variables.get(local)!;
}

/** A scalar variable's cell. */
export function cellOf(b: Build, local: Local): { value: bigint } {
  return (variableOf(b, local) as { cell: { value: bigint } }).cell;
}

/** Makes an expression a function that computes a number. */
export function evaluate(b: Build, node: Node): Scalar {
  switch (node.op) {
    case "constant": {
      const value = signed(node.value);
      return () => value;
    }
    case "local": {
      const cell = cellOf(b, node.local);
      return () => cell.value;
    }
    case "map":
      return readMap(b, node);
    case "aggregate":
      return readAggregate(b, node);
    case "builtin":
      return evaluateBuiltin(b, node);
    case "context":
      return context(b, node);
    case "load":
      return loadScalar(b, node);
    case "part":
      return part(b, node);
    case "element": {
      const index = elementIndex(b, node);
      const size = accessSize(node.type);
      const widen = narrow(node.type);
      const { scratch } = b;
      return () => widen(signed(scratch.memory.integer(index(), size, false)));
    }
    case "unary": {
      const operand = evaluate(b, node.operand);
      return node.operator === "-" ? () => signed(-operand()) : () => ~operand();
    }
    case "binary": {
      const { operator } = node;
      const [left, right] = [evaluate(b, node.left), evaluate(b, node.right)];
      const apply = operator === "/" || operator === "%"
        ? divide(b, operator, node.signed, node)
        : operation(operator, node.signed);
      return () => apply(left(), right());
    }
    case "compare":
    case "same":
    case "not":
    case "and":
    case "or": {
      const holds = condition(b, node);
      return () => holds() ? 1n : 0n;
    }
    case "choose":
      return choice(b, node);
    case "block": {
      const run = runBlock(b, node.body);
      if (node.type.kind === "none") {
        return () => {
          run();
          return 0n;
        };
      }
      const value = evaluate(b, node.value);
      return () => {
        run();
        return value();
      };
    }
    case "inline": {
      const run = runInline(b, node);
      const cell = isScalar(node.type) ? cellOf(b, node.result) : { value: 0n };
      return () => {
        run();
        return cell.value;
      };
    }
    case "convert":
      return conversion(b, node);
    case "step":
      return step(b, node);
    case "call":
      return evaluateCall(b, node);
    case "has_key":
      return hasKey(b, node);
    case "delete":
      return deleteKey(b, node);
    case "len": {
      const { map } = mapOf(b, node.map);
      return () => BigInt(map.size);
    }
    case "address":
      return refuse(node, "This takes the address of a variable or a map");
    case "text":
    case "tuple":
    case "contexts":
    case "memory_builtin":
    case "memory_call":
      throw new TypeError(`Cannot evaluate a ${node.op} as a number`);
  }
}

/** Whether a condition holds. */
export function condition(b: Build, node: Node): () => boolean {
  switch (node.op) {
    case "and": {
      const [left, right] = [condition(b, node.left), condition(b, node.right)];
      return () => left() && right();
    }
    case "or": {
      const [left, right] = [condition(b, node.left), condition(b, node.right)];
      return () => left() || right();
    }
    case "not": {
      const operand = condition(b, node.operand);
      return () => !operand();
    }
    case "compare": {
      const [left, right] = [evaluate(b, node.left), evaluate(b, node.right)];
      const compare = comparison(node.operator, node.signed);
      return () => compare(left(), right());
    }
    case "same":
      return same(b, node);
    default: {
      const value = evaluate(b, node);
      return () => value() !== 0n;
    }
  }
}

function context(b: Build, node: Node & { op: "context" }): Scalar {
  const { type, at } = node;
  const widen = narrow(type);
  const { state } = b;
  return () => widen(signed(state.event.values[at] ?? 0n));
}

/** A function that makes the value of the integer in C memory, or of the bits of a bit field. */
function widening(node: Node & { op: "load" | "part" }): (value: bigint) => bigint {
  return node.bits === undefined ? narrow(node.type) : extract(node.type, node.bits);
}

function loadScalar(b: Build, node: Node & { op: "load" }): Scalar {
  const size = accessSize(node.type);
  const { scratch } = b;
  const at = scratch.take(8);
  const read = readInto(b, node, at, size);
  const widen = widening(node);
  return () => {
    read();
    return widen(signed(scratch.memory.integer(at, size, false)));
  };
}

function part(b: Build, node: Node & { op: "part" }): Scalar {
  const object = locate(b, node.object);
  const at = object.at + node.offset;
  const { scratch } = b;
  if (!node.c) {
    return () => {
      object.fill();
      return scratch.memory.i64(at);
    };
  }
  const size = accessSize(node.type);
  const widen = widening(node);
  return () => {
    object.fill();
    return widen(signed(scratch.memory.integer(at, size, false)));
  };
}

/** Where an element is. An index past the array is reported, and the element is then made of zeros. */
export function elementIndex(b: Build, node: Node & { op: "element" }): () => number {
  const { of, count } = node.object.type as Type & { kind: "array" };
  const index = evaluate(b, node.index);
  const object = locate(b, node.object);
  const size = cSize(of);
  const most = BigInt(Math.max(1, count));
  const outside = fault(b, node, FAULT.index);
  const zeros = b.scratch.take(Math.max(8, size));
  return () => {
    const number = unsigned(index());
    object.fill();
    if (number < most) return object.at + Number(number) * size;
    outside();
    return zeros;
  };
}

function choice(b: Build, node: Node & { op: "choose" }): Scalar {
  const otherwise = evaluate(b, node.otherwise);
  if (node.then === undefined) {
    const value = evaluate(b, node.condition);
    return () => {
      const own = value();
      return own !== 0n ? own : otherwise();
    };
  }
  const holds = condition(b, node.condition);
  const then = evaluate(b, node.then);
  return () => holds() ? then() : otherwise();
}

function conversion(b: Build, node: Node & { op: "convert" }): Scalar {
  const from = node.operand.type;
  const widen = narrow(node.type);
  if (!isScalar(from)) {
    // An array of bytes as a number.
    const { at, fill } = locate(b, node.operand);
    const size = accessSize(from);
    const { scratch } = b;
    return () => {
      fill();
      return widen(signed(scratch.memory.integer(at, size, false)));
    };
  }
  const operand = evaluate(b, node.operand);
  if (node.type.kind === "bool" && from.kind !== "bool") return () => operand() === 0n ? 0n : 1n;
  return keepsValue(from, node.type) ? operand : () => widen(operand());
}

function step(b: Build, { target, by, prefix }: Node & { op: "step" }): Scalar {
  if (target.op === "map") return stepMap(b, target, by, prefix);
  const cell = cellOf(b, target.local);
  const size = BigInt(by * stepSize(target.type));
  const widen = narrow(target.type);
  return () => {
    const value = widen(signed(cell.value + size));
    cell.value = value;
    return prefix ? value : widen(signed(value - size));
  };
}

/** Equality of what does not fit a register: both in memory of one layout. */
function same(b: Build, node: Node & { op: "same" }): () => boolean {
  const { scratch } = b;
  const { left, right } = node;
  const [literal, other] = left.op === "text" ? [left, right] : [right, left];
  if (literal.op === "text" && other.type.kind === "string") {
    return sameAsLiteral(b, literal.value, other, node.negate);
  }
  const [x, y] = [node.left, node.right].map((side) => inMemory(b, side, node.as));
  const short = Math.min(x.size, y.size);
  const longer = x.size > y.size ? x : y;
  return () => {
    x.fill();
    y.fill();
    const { bytes } = scratch.memory;
    let equal = true;
    for (let i = 0; i < short && equal; i++) equal = bytes[x.at + i] === bytes[y.at + i];
    // What the longer one has beyond the shorter one's end is empty.
    const rest = Math.min(8, longer.size - short);
    for (let i = 0; i < rest && equal; i++) equal = bytes[longer.at + short + i] === 0;
    return equal !== node.negate;
  };
}

/** Compares text with a literal up to the NUL: text from C memory may have anything behind the NUL. */
function sameAsLiteral(b: Build, literal: string, other: Node, negate: boolean): () => boolean {
  const { scratch } = b;
  const { at, fill } = locate(b, other);
  const fits = literal.length < storageSize(other.type);
  return () => {
    fill();
    const { bytes } = scratch.memory;
    let equal = fits && bytes[at + literal.length] === 0;
    for (let i = 0; i < literal.length && equal; i++) {
      equal = bytes[at + i] === literal.charCodeAt(i);
    }
    return equal !== negate;
  };
}

/** A string may keep its own size; everything else is brought to the common type. */
function inMemory(b: Build, node: Node, as: Type) {
  if (node.type.kind === "string" || typeName(node.type) === typeName(as)) {
    return { ...locate(b, node), size: storageSize(node.type) };
  }
  const size = storageSize(as);
  const at = b.scratch.take(size);
  return { at, fill: place(b, node, at, as), size };
}
