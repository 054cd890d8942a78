// Pure: no I/O, no FFI.
// Functions: their parameters with types and with where they are when the function is called.

import { DamagedError } from "./byte_reader.ts";
import { DW_AT, DW_TAG } from "./constants.ts";
import { convention } from "./convention.ts";
import type { Die } from "./die.ts";
import { evaluate, type Frame, type Storage, type Sum } from "./expression.ts";
import { locationAt, rangesOf } from "./lists.ts";
import type { DebugType, Types } from "./types.ts";

/** A parameter of a function. */
export interface Parameter {
  /** Name of the parameter in the source; empty if the parameter has no name. */
  readonly name: string;
  /** The type of its value. */
  readonly type: DebugType;
  /** Where its value is. */
  readonly storage: Storage;
}

/** A function of a program. */
export interface FunctionInfo {
  /** Name of the function in the source. */
  readonly name: string;
  /** Address of the function's first instruction, in the file's own addresses. */
  readonly address: number;
  /** Parameters in the order of the source; C++'s `this` is the first. */
  readonly parameters: readonly Parameter[];
  /** True if more arguments may follow, as for printf(). */
  readonly variadic: boolean;
  /** Type of the function's result. */
  readonly returns: DebugType;
}

/** Where a probe looks at a function. */
export interface FunctionPlace {
  /** Address of the instruction. */
  readonly pc: number;
  /** The canonical frame address at this instruction; undefined if the file does not tell. */
  readonly cfa: Sum | undefined;
}

/** More than any function has. */
const MOST_PARAMETERS = 256;

/** Describes a function with its parameters as they are at `place`, by default the first instruction. */
export function describeFunction(die: Die, types: Types, place?: FunctionPlace): FunctionInfo {
  const [first] = rangesOf(die);
  const address = first?.start ?? 0;
  const { pc, cfa } = place ?? { pc: address, cfa: convention.cfaAtEntry };
  const frame: Frame = {
    unit: die.unit,
    cfa,
    frameBase: locationAt(die, DW_AT.frame_base, pc),
    atEntry: pc === address,
  };
  const entries = parametersOf(die);
  const described = entries.map((one) => ({
    name: nameOf(one),
    type: types.typeOf(one),
    storage: storageOf(one, pc, frame),
  }));
  const returns = types.typeOf(die);
  // Slots of the frame are written by the function's first instructions.
  const unwritten = frame.atEntry && described.some(({ storage }) => !isWritten(storage));
  const agreed = unwritten
    ? convention.arguments(described.map(({ type }, i) => passedAs(type, described[i])), returns)
    : [];
  return {
    name: nameOf(die),
    address,
    variadic: [...die.origins()].some((one) =>
      childrenOf(one).some(({ tag }) => tag === DW_TAG.unspecified_parameters)
    ),
    parameters: described.map((one, i) =>
      frame.atEntry && !isWritten(one.storage) ? { ...one, storage: agreed[i] } : one
    ),
    returns,
  };
}

function nameOf(die: Die): string {
  return die.owner(DW_AT.name)?.name ?? "";
}

/** A value whose slot holds its address is passed by that. */
function passedAs(type: DebugType, { storage }: { readonly storage: Storage }): DebugType {
  if (storage.kind !== "indirect") return type;
  return {
    kind: "record",
    keyword: "class",
    name: "",
    size: 8,
    byReference: true,
    members: () => [],
  };
}

/**
 * False for a slot of the function's own frame, at its entry: below the frame of the caller, or counted
 * from a frame pointer that is still the caller's.
 */
function isWritten(storage: Storage): boolean {
  const { cfaAtEntry, framePointer } = convention;
  if (storage.kind === "pieces") return storage.pieces.every((one) => isWritten(one.storage));
  if (storage.kind !== "memory" && storage.kind !== "indirect") return true;
  if (storage.register === framePointer) return false;
  return storage.register !== cfaAtEntry.register || storage.offset >= cfaAtEntry.offset;
}

function storageOf(die: Die, pc: number, frame: Frame): Storage {
  const expression = locationAt(die, DW_AT.location, pc);
  if (expression !== undefined) return evaluate(expression, frame);
  const owner = die.owner(DW_AT.const_value);
  const value = owner?.integer(DW_AT.const_value, true);
  return value === undefined
    ? { kind: "absent", reason: "was optimized away" }
    : { kind: "constant", value };
}

function childrenOf(die: Die): Die[] {
  const found: Die[] = [];
  for (const child of die.children()) {
    if (child.tag !== DW_TAG.formal_parameter && child.tag !== DW_TAG.unspecified_parameters) {
      continue;
    }
    if (found.push(child) > MOST_PARAMETERS) throw new DamagedError("too many parameters");
  }
  return found;
}

/**
 * Parameters in the order of the source. Those of an instance may be in another one, or be missing; then
 * what the instance is of tells the order.
 */
function parametersOf(die: Die): Die[] {
  const isParameter = ({ tag }: Die) => tag === DW_TAG.formal_parameter;
  const own = childrenOf(die).filter(isParameter);
  const origin = die.reference(DW_AT.abstract_origin);
  if (origin === undefined) return own;
  const key = (one: Die) => `${one.unit.offset} ${one.offset}`;
  const byOrigin = new Map<string, Die>();
  const others: Die[] = [];
  for (const one of own) {
    const target = one.reference(DW_AT.abstract_origin);
    if (target === undefined) others.push(one);
    else byOrigin.set(key(target), one);
  }
  const ordered = childrenOf(origin).filter(isParameter).map((one) => {
    const found = byOrigin.get(key(one));
    byOrigin.delete(key(one));
    return found ?? one;
  });
  return [...ordered, ...byOrigin.values(), ...others];
}
