// Pure: no I/O, no FFI.
// Identifiers: builtin values, constants.

import { AGGREGATIONS } from "../model/aggregations.ts";
import {
  ARGUMENT_NAME,
  BUILTIN_NAMES,
  BUILTINS,
  COMM_BYTES,
  type ComposedBuiltin,
  isBuiltin,
  isMemoryBuiltin,
  type MemoryBuiltin,
  OWNER_PARTS,
  type RegisterBuiltin,
} from "../model/builtins.ts";
import { FUNCTIONS } from "../model/functions.ts";
import { didYouMean } from "../syntax/diagnostics.ts";
import type { Span } from "../syntax/diagnostics.ts";
import type { Node } from "../model/ir.ts";
import { parseCType } from "../ctypes/parse_type.ts";
import {
  integer,
  literalType,
  longString,
  NONE,
  pointer,
  string,
  type Type,
  UINT64,
  wideEnumeration,
} from "../model/types.ts";
import type { Context } from "./context.ts";
import { broken, constant } from "./nodes.ts";
import { isReadableAt, type ProbeInfo } from "./expand.ts";
import { member, valueType } from "./memory.ts";
import { binary } from "./operators.ts";
import { programArgument, programArguments, programFunction, programResult } from "./program.ts";

/** The value of an identifier. */
export function name(context: Context, name: string, span: Span): Node {
  if (name === "probe" && context.probeIsText) {
    const value = context.probe.name;
    return { op: "text", value, type: string(value.length + 1), span };
  }
  if (isBuiltin(name)) {
    const entry = BUILTINS[name];
    return "type" in entry
      ? builtinNode(name as Exclude<typeof name, ComposedBuiltin>, entry.type, span)
      : COMPOSED[name as ComposedBuiltin](context, span);
  }
  if (ARGUMENT_NAME.test(name)) return positional(context, name, span);
  const found = context.types.constant(name);
  if (found !== undefined) return constant(found.value, wideEnumeration(found.type), span);
  const near = didYouMean(name, KNOWN_NAMES);
  context.error(
    "unknown-name",
    `Unknown identifier: '${name}'`,
    span,
    near === undefined ? `a text is written in quotes: "${name}"` : `did you mean '${near}'?`,
  );
  return broken(span);
}

/** Names that an identifier may be a spelling mistake of. */
const KNOWN_NAMES = [
  ...BUILTIN_NAMES,
  ...Object.keys(FUNCTIONS),
  ...Object.keys(AGGREGATIONS),
];

/** A value that a plane reads by itself. */
export function builtinNode(
  name: RegisterBuiltin | MemoryBuiltin,
  type: Type,
  span: Span,
): Node {
  return isMemoryBuiltin(name)
    ? { op: "memory_builtin", name, type, span }
    : { op: "builtin", name, type, span };
}

/** Builtins that depend on the probe, or that are made of other values. */
const COMPOSED: Readonly<Record<ComposedBuiltin, (context: Context, span: Span) => Node>> = {
  curtask: currentTask,
  pcomm: (context, span) => taskField(context, "pcomm", span),
  ppid: (context, span) => taskField(context, "ppid", span),
  leader_comm: (context, span) => taskField(context, "leader_comm", span),
  leader_tid: (context, span) => taskField(context, "leader_tid", span),
  ncpus: (context, span) => constant(BigInt(context.environment.cpus), UINT64, span),
  probetype(context, span) {
    const value = probeType(context.probe.name);
    return { op: "text", value, type: string(value.length + 1), span };
  },
  args: wholeArguments,
  ctx(context, span) {
    if (context.probe.special) notHere(context, "ctx", span);
    return builtinNode("ctx", pointer(contextType(context), "kernel"), span);
  },
  retval: result,
  func: (context, span) => probeValue(context, "func", span),
  usermode: (context, span) => probeValue(context, "usermode", span),
  config: configRecord,
  container: (_, span) => ownerPart("container", span),
  pod: (_, span) => ownerPart("pod", span),
};

/** The container or the pod of the running thread, by the path of its cgroup. */
function ownerPart(part: keyof typeof OWNER_PARTS, span: Span): Node {
  return {
    op: "memory_call",
    name: "cgroup_path",
    id: builtinNode("cgroup", UINT64, span),
    filter: OWNER_PARTS[part],
    type: { kind: "special", as: "cgroup_path" },
    span,
  };
}

/** Type of the memory that `ctx` points to. */
function contextType(context: Context): Type {
  const { context: name } = context.probe;
  return (name === undefined ? undefined : context.types.type(name)) ?? NONE;
}

function probeType(name: string): string {
  const [provider] = name.split(":");
  return provider === "begin" || provider === "end" || provider === "self" ? "special" : provider;
}

function currentTask(context: Context, span: Span): Node {
  const task = context.types.type("struct task_struct");
  return builtinNode("curtask", task === undefined ? UINT64 : pointer(task, "kernel"), span);
}

/** Builtins that are members of a task: of the current one or of a task that is given. */
const TASK_FIELDS = {
  pcomm: ["real_parent", "comm"],
  ppid: ["real_parent", "tgid"],
  leader_comm: ["group_leader", "comm"],
  leader_tid: ["group_leader", "pid"],
} as const;

/** True for builtins that can be asked of any task, as in `ppid(task)`. */
export function isTaskField(name: string): name is keyof typeof TASK_FIELDS {
  return Object.hasOwn(TASK_FIELDS, name);
}

/** `pcomm`, `ppid(task)`: without a task, of the current one. */
export function taskField(
  context: Context,
  name: keyof typeof TASK_FIELDS,
  span: Span,
  task?: Node,
): Node {
  const path = TASK_FIELDS[name];
  if (task === undefined && !context.environment.kernelMemory) {
    const type = path[1] === "comm" ? string(COMM_BYTES + 1) : integer(4, true);
    return builtinNode(name, type, span);
  }
  return path.reduce<Node>(
    (node, field) => member(context, node, field, span),
    task ?? currentTask(context, span),
  );
}

const CODE_SEGMENT = "reg:cs";

/** usermode and func: where the provider's context says them. */
function probeValue(context: Context, name: string, span: Span): Node {
  if (name === "usermode" && context.probe.special) return constant(1n, UINT64, span);
  if (name === "usermode" && isReadableAt(context.probe, CODE_SEGMENT)) {
    // The lowest two bits are the privilege level.
    const segment: Node = { op: "context", at: CODE_SEGMENT, type: UINT64, span };
    const level = binary(context, "&", segment, constant(3n, UINT64, span), span);
    return binary(context, "/", level, constant(3n, UINT64, span), span);
  }
  if (name === "func") {
    const found = functionName(context, span);
    if (found !== undefined) return found;
  }
  notHere(context, name, span);
  return broken(span);
}

/** The function that the probe is of, or undefined. */
function functionName(context: Context, span: Span): Node | undefined {
  const { name } = context.probe;
  const here: Node = { op: "context", at: "reg:ip", type: UINT64, span };
  const start = builtinNode("func", UINT64, span);
  if (/^uprobe:|^uretprobe:/.test(name)) {
    // At its return, a function is where it was called from.
    const address = name.startsWith("uprobe:") ? here : start;
    const type: Type = { kind: "special", as: "usym" };
    return { op: "memory_call", name: "usym", address, type, span };
  }
  if (!/^(kprobe|kretprobe|fentry|fexit):/.test(name)) return undefined;
  const isPlace = name.startsWith("kprobe:") && isReadableAt(context.probe, "reg:ip");
  const operand = isPlace ? here : start;
  return { op: "convert", operand, type: { kind: "coded", as: "ksym" }, span };
}

function typeOfProbe(name: string): string {
  return name.split(":")[0];
}

/** Sentences about builtins that few types of probes have. */
const UNAVAILABLE: Readonly<
  Record<string, (name: string, type: string, context: Context) => string>
> = {
  argN: (name) =>
    `The ${name} builtin can only be used with 'kprobes', 'uprobes' and 'usdt' probes`,
  args: (_, __, { probe }) =>
    "The args builtin can only be used with tracepoint, rawtracepoint, fentry/fexit, and uprobe " +
    `probes (${probeType(probe.name)} used here)`,
  ctx: (_, type) => `The ctx builtin can not be used with '${type}' probes`,
  func: (_, type) => `The func builtin can not be used with '${type}' probes`,
  retval: () =>
    "The retval builtin can only be used with 'kretprobe' and 'uretprobe' and 'fentry' probes",
};

/** Says that a builtin has no meaning in this probe. */
export function notHere(context: Context, name: string, span: Span): void {
  if (context.probe.name === "") return; // already reported: no match
  const type = typeOfProbe(context.probe.name);
  const known = UNAVAILABLE[ARGUMENT_NAME.test(name) ? "argN" : name]?.(name, type, context);
  context.error(
    "not-here",
    known ?? `The ${name} builtin is not available in ${context.probe.name}`,
    span,
  );
}

function result(context: Context, span: Span): Node {
  const { retval } = context.probe;
  if (retval === undefined) {
    notHere(context, "retval", span);
    return broken(span);
  }
  const own = programFunction(context.probe, context.environment);
  const typed = own && programResult(context, own, span);
  if (typed !== undefined) return typed;
  return { op: "context", at: "retval", type: parseCType(retval, context.types), span };
}

/** argN: the raw register. */
function positional(context: Context, name: string, span: Span): Node {
  const found = context.probe.args.some(({ at, count }) => {
    if (at === name) return true;
    const first = Number(at.slice(3));
    const wanted = Number(name.slice(3));
    return count !== undefined && wanted >= first && wanted < first + count;
  });
  // Probes of one name may have different numbers of arguments.
  if (!found && context.probe.name.startsWith("usdt:")) return constant(0n, UINT64, span);
  if (!found) notHere(context, name, span);
  // Compilers write down what a static probe's arguments are.
  const typed = /^(usdt|static):/.test(context.probe.name)
    ? context.probe.args.find(({ at }) => at === name)
    : undefined;
  if (typed !== undefined) return argumentNode(context, typed, span);
  return { op: "context", at: name, type: UINT64, span };
}

type Argument = ProbeInfo["args"][number];

/** The value of `args.name`. */
export function argument(context: Context, field: string, span: Span): Node {
  const { args, name } = context.probe;
  const own = programFunction(context.probe, context.environment);
  if (own !== undefined) return programArgument(context, own, field, span);
  const arg = args.find((one) => one.name === field);
  if (arg !== undefined) return argumentNode(context, arg, span);
  if (name !== "") {
    const names = args.map((one) => one.name);
    const near = didYouMean(field, names);
    context.error(
      "unknown-field",
      `${name} does not have an argument named '${field}'`,
      span,
      near !== undefined
        ? `did you mean '${near}'?`
        : `its arguments: ${names.join(", ") || "none"}`,
    );
  }
  return broken(span);
}

function argumentNode(context: Context, arg: Argument, span: Span): Node {
  if (arg.count !== undefined) {
    const first = Number(/\d+$/.exec(arg.at)![0]);
    const at = Array.from({ length: arg.count }, (_, i) => arg.at.replace(/\d+$/, `${first + i}`));
    const of = parseCType(arg.type, context.types);
    return { op: "contexts", at, type: { kind: "array", of, count: arg.count }, span };
  }
  const dynamic = /^__(data|rel)_loc (.*?)(\[\])?$/.exec(arg.type);
  if (dynamic !== null) return dynamicNode(context, arg, dynamic[2], span);
  const type = parseCType(arg.type, context.types);
  if (type.kind === "array" || type.kind === "struct") {
    // The context holds the thing itself: its location is its address.
    const address: Node = { op: "context", at: arg.at, type: pointer(type, "kernel"), span };
    return { op: "load", address, offset: 0, type: valueType(type), span };
  }
  return { op: "context", at: arg.at, type, span };
}

/** Data of variable length in the record: text, or the address of its first element. */
function dynamicNode(context: Context, arg: Argument, of: string, span: Span): Node {
  const element = parseCType(of, context.types);
  const address: Node = { op: "context", at: arg.at, type: pointer(element, "kernel"), span };
  if (of.trim() !== "char") return address;
  const text = longString(context.config.maxStrlen);
  return { op: "memory_call", name: "str", address, type: text, span };
}

/** All arguments as a record. */
function wholeArguments(context: Context, span: Span): Node {
  const { args, name } = context.probe;
  if (args.length === 0 && name !== "") notHere(context, "args", span);
  const own = programFunction(context.probe, context.environment);
  if (own !== undefined) return programArguments(context, own, span);
  const elements = args.map((arg) => argumentNode(context, arg, span));
  return {
    op: "tuple",
    elements,
    type: {
      kind: "tuple",
      elements: elements.map(({ type }, i) => ({ name: args[i].name, type })),
    },
    span,
  };
}

/** `config`: the settings as a record. */
function configRecord(context: Context, span: Span): Node {
  const { config } = context;
  const { told } = config;
  const values: Record<string, string | number | boolean> = {
    cpp_demangle: config.cppDemangle,
    lazy_symbolication: told.lazy_symbolication,
    print_maps_on_exit: config.printMapsOnExit,
    use_blazesym: told.use_blazesym,
    show_debug_info: told.show_debug_info,
    log_size: told.log_size,
    max_bpf_progs: told.max_bpf_progs,
    max_cat_bytes: config.maxCatBytes,
    max_map_keys: config.maxMapKeys,
    max_probes: config.maxProbes,
    max_strlen: config.maxStrlen,
    on_stack_limit: told.on_stack_limit,
    perf_rb_pages: config.perfRbPages,
    str_trunc_trailer: config.strTruncTrailer,
    unstable_import_statement: told.unstable_import_statement,
    unstable_tseries: config.unstableTseries,
    unstable_typeinfo: config.unstableTypeinfo,
    unstable_dw_ustack: told.unstable_dw_ustack,
    missing_probes: config.missingProbes,
    stack_mode: config.stackMode,
    license: config.license,
  };
  const elements = Object.values(values).map((value): Node => {
    if (typeof value === "string") {
      return { op: "text", value, type: string(value.length + 1), span };
    }
    if (typeof value === "boolean") return constant(value ? 1n : 0n, { kind: "bool" }, span);
    return constant(BigInt(value), literalType(BigInt(value)), span);
  });
  const type: Type = {
    kind: "tuple",
    elements: Object.keys(values).map((name, i) => ({ name, type: elements[i].type })),
  };
  return { op: "tuple", elements, type, span };
}
