// Pure: no I/O, no FFI.
// Arguments and results of a program's functions, as its debug information names and types them.

import { didYouMean } from "../syntax/diagnostics.ts";
import type { Node } from "../model/ir.ts";
import { cSize, isScalar, pointer, string, type Type, UINT64, words } from "../model/types.ts";
import type { ProgramFunction, ProgramScope, ProgramValue } from "../ctypes/scope.ts";
import type { Span } from "../syntax/diagnostics.ts";
import type { Context, Environment } from "./context.ts";
import { broken, constant } from "./nodes.ts";
import type { ProbeInfo } from "./expand.ts";
import { dereference, valueType } from "./memory.ts";

/** What is known of a probe's program. */
export function programOf(
  { code }: ProbeInfo,
  { program }: Environment,
): ProgramScope | undefined {
  return code === undefined ? undefined : program?.(code.path);
}

/** The function that a probe is in; undefined if it has no debug information. */
export function programFunction(
  probe: ProbeInfo,
  environment: Environment,
): ProgramFunction | undefined {
  const { code } = probe;
  if (code === undefined || code.functionAddress === 0) return undefined;
  return programOf(probe, environment)?.functionAt(code.functionAddress, code.within);
}

/** Equal for probes whose arguments and results lie alike and are alike. */
export function programLayout(probe: ProbeInfo, environment: Environment): string {
  const found = programFunction(probe, environment);
  const show = (one: ProgramValue | undefined) =>
    one && [one.name, one.text, one.storage, probe.code?.path];
  return JSON.stringify(
    found && [found.parameters.map(show), show(found.result)],
    (_, value) => typeof value === "bigint" ? `${value}n` : value,
  ) ?? "";
}

/** Value of `args.name`, by the debug information of the traced program. */
export function programArgument(
  context: Context,
  { parameters }: ProgramFunction,
  name: string,
  span: Span,
): Node {
  const found = parameters.find((one) => one.name === name);
  if (found !== undefined) return valueNode(context, found, span);
  const names = parameters.map((one) => one.name);
  const near = didYouMean(name, names);
  context.error(
    "unknown-field",
    `Can't find function parameter ${name}`,
    span,
    near !== undefined
      ? `did you mean '${near}'?`
      : `parameters of ${context.probe.name}: ${names.join(", ") || "none"}`,
  );
  return broken(span);
}

/** `args` as a record; what cannot be read says so. */
export function programArguments(
  context: Context,
  { parameters }: ProgramFunction,
  span: Span,
): Node {
  const elements = parameters.map((one): Node => {
    const reason = unreadable(one);
    if (reason === undefined) return valueNode(context, one, span);
    const value = `<${reason}>`;
    return { op: "text", value, type: string(value.length + 1), span };
  });
  return {
    op: "tuple",
    elements,
    type: {
      kind: "tuple",
      elements: elements.map(({ type }, i) => ({ name: parameters[i].name, type })),
    },
    span,
  };
}

/** `retval`; undefined if it cannot be read as what it is. */
export function programResult(
  context: Context,
  { result }: ProgramFunction,
  span: Span,
): Node | undefined {
  return result === undefined || unreadable(result) !== undefined
    ? undefined
    : valueNode(context, result, span);
}

/** Why a value cannot be read, as the end of a sentence. */
function unreadable({ type, text, storage }: ProgramValue): string | undefined {
  if (storage.kind === "absent") return storage.reason;
  if (type.kind === "none") return `has a type that scripts cannot read: ${text}`;
  if (cSize(type) === 0) return "has no bytes";
  if (storage.kind === "registers" && cSize(type) > storage.at.length * 8) {
    return "is not wholly in registers";
  }
  if (storage.kind === "constant" && !isScalar(type)) return "was optimized away";
  return undefined;
}

function valueNode(context: Context, value: ProgramValue, span: Span): Node {
  const { name, type, storage } = value;
  const reason = unreadable(value);
  if (reason !== undefined) {
    context.error("not-here", `${name} ${reason}`, span);
    // Of its type, so that what is done with it is no further error.
    const nowhere = constant(0n, pointer(type, "user"), span);
    return { op: "load", address: nowhere, offset: 0, type: valueType(type), span };
  }
  switch (storage.kind) {
    case "registers":
      return inRegisters(storage.at, type, span);
    case "memory": {
      const { at, offset, indirect } = storage;
      const register = (to: Type): Node => ({
        op: "context",
        at,
        type: pointer(to, "user"),
        span,
      });
      if (!indirect) {
        return { op: "load", address: register(type), offset, type: valueType(type), span };
      }
      const to = pointer(type, "user");
      const address: Node = { op: "load", address: register(to), offset, type: to, span };
      return dereference(context, address, span);
    }
    case "constant":
      return constant(storage.value, isScalar(type) ? type : UINT64, span);
    case "absent":
      return broken(span);
  }
}

function inRegisters(at: readonly string[], type: Type, span: Span): Node {
  if (isScalar(type)) return { op: "context", at: at[0], type, span };
  const count = words(cSize(type)) / 8;
  const whole: Node = count === 1 ? { op: "context", at: at[0], type: UINT64, span } : {
    op: "contexts",
    at: at.slice(0, count),
    type: { kind: "array", of: UINT64, count },
    span,
  };
  return { op: "convert", operand: whole, type, span };
}
