// Pure: no I/O, no FFI.
// Functions that ask the kernel: symbols, stacks, addresses, cgroups, clocks, signals.

import { MAX_STACK_FRAMES } from "../../../core/contract/event_layout.ts";
import type { CallExpr } from "../../syntax/ast.ts";
import type { Span } from "../../syntax/diagnostics.ts";
import type { Node } from "../../model/ir.ts";
import { CLOCKS } from "../../model/plan.ts";
import {
  BOOL,
  cSize,
  integer,
  kindName,
  pointer,
  type PointerType,
  type Space,
  type StackMode,
  type StackType,
  type Type,
  typeName,
  UINT32,
  UINT64,
} from "../../model/types.ts";
import type { Context } from "../context.ts";
import { broken, constant, effect } from "../nodes.ts";
import { isReadableAt, type ProbeInfo } from "../expand.ts";
import { binary, isConstant } from "../operators.ts";
import { member } from "../memory.ts";
import { builtinNode, notHere } from "../names.ts";
import {
  type Handler,
  type Handlers,
  literalNumber,
  literalText,
  memory,
  numeric,
  word,
} from "./arguments.ts";
import { needUnsafe } from "./output.ts";

const AF_INET = 2;
const AF_INET6 = 10;

function ksym(context: Context, call: CallExpr): Node {
  const operand = numeric(context, call, 0, "expects an integer or pointer argument");
  return { op: "convert", operand, type: { kind: "coded", as: "ksym" }, span: call.span };
}

function usym(context: Context, call: CallExpr): Node {
  const address = numeric(context, call, 0, "expects an integer or pointer argument");
  const type: Type = { kind: "special", as: "usym" };
  return { op: "memory_call", name: "usym", address, type, span: call.span };
}

function kaddr(context: Context, call: CallExpr): Node {
  const name = literalText(context, call, 0);
  if (name === undefined) return broken(call.span);
  const address = context.environment.kernelAddress(name);
  if (address === undefined) {
    context.error("symbol", `Failed to resolve kernel symbol: ${name}`, call.span);
    return broken(call.span);
  }
  return constant(address, UINT64, call.span);
}

/** Sizes of what a pointer may point to. */
const POINTED = [1, 2, 4, 8] as const;

function uaddr(context: Context, call: CallExpr): Node {
  const { span } = call;
  const name = literalText(context, call, 0);
  if (name === undefined) return broken(span);
  const { userAddress } = context.environment;
  if (context.probe.special) {
    const type = context.probe.name.split(":")[0];
    context.error("not-here", `__builtin_uaddr can not be used with "${type}" probes`, span);
    return broken(span);
  }
  if (userAddress === undefined) return addressBesideProbe(context, name, span);
  const found = userAddress(name);
  if (found === undefined) {
    context.error("symbol", `Failed to resolve user symbol: ${name}`, span);
    return broken(span);
  }
  return constant(found.address, pointerTo(found.size), span);
}

/** Type of the address of a user variable with that number of bytes. */
function pointerTo(size: number): PointerType {
  return pointer(integer(POINTED.find((one) => one === size) ?? 8, false), "user");
}

/** Address of a symbol of the file that the probe is in: as far from the probe as in the file. */
function addressBesideProbe(context: Context, name: string, span: Span): Node {
  const { code } = context.probe;
  const start = code && code.functionAddress !== 0 ? functionStart(context, code, span) : undefined;
  if (code === undefined || start === undefined) {
    context.error("not-here", "uaddr() needs a process: name it with -p", span);
    return broken(span);
  }
  const found = context.environment.programAddress(code.path, name);
  if (found === undefined) {
    context.error("symbol", `Could not resolve symbol: ${code.path}:${name}`, span);
    return broken(span);
  }
  const operand = moved(start, found.address - code.functionAddress);
  return { op: "convert", operand, type: pointerTo(found.size), span };
}

/** Where the function of the probe starts in the process; undefined if the probe does not tell. */
function functionStart(
  { probe }: Context,
  { within }: NonNullable<ProbeInfo["code"]>,
  span: Span,
): Node | undefined {
  // At its return, a function is where it was called from.
  if (probe.name.startsWith("uretprobe:")) return builtinNode("func", UINT64, span);
  if (!isReadableAt(probe, "reg:ip")) return undefined;
  return moved({ op: "context", at: "reg:ip", type: UINT64, span }, -within);
}

/** A number of 64 bits and a distance that may be negative. */
function moved(left: Node, distance: number): Node {
  const { span } = left;
  const right = constant(BigInt.asUintN(64, BigInt(distance)), UINT64, span);
  return { op: "binary", operator: "+", left, right, signed: false, type: UINT64, span };
}

/** kptr(), uptr(): which memory an address means. */
function spaced(space: Space): Handler {
  return (context, call) => {
    const operand = numeric(context, call, 0, "only supports integer or pointer arguments");
    const to: Type = operand.type.kind === "pointer" ? operand.type.to : { kind: "none" };
    const type: PointerType = { kind: "pointer", to, space };
    return { op: "convert", operand, type, span: call.span };
  };
}

function reg(context: Context, call: CallExpr): Node {
  const name = literalText(context, call, 0);
  if (name === undefined) return broken(call.span);
  const at = `reg:${name === "pc" ? "ip" : name}`;
  if (isReadableAt(context.probe, at)) {
    return { op: "context", at, type: UINT64, span: call.span };
  }
  if (isReadableAt(context.probe, "reg:ip")) {
    context.error("register", `'${name}' is not a valid register on this architecture`, call.span);
  } else {
    const type = context.probe.name.split(":")[0];
    context.error("not-here", `reg can not be used with "${type}" probes`, call.span);
  }
  return broken(call.span);
}

const STACK_MODES: readonly string[] = ["bpftrace", "raw", "perf", "build_id"];

function stack(space: Space): Handler {
  return (context, call) => {
    let mode: StackMode = context.config.stackMode;
    let limit = MAX_STACK_FRAMES;
    const [first] = call.args;
    if (call.args.length > 1 && word(first) === undefined) {
      context.error("stack", "Expected stack mode as first argument", call.span);
      return stackNode(space, mode, limit, call.span);
    }
    for (const [i, arg] of call.args.entries()) {
      const name = word(arg);
      if (name !== undefined && i === 0) {
        if (STACK_MODES.includes(name)) mode = name as StackMode;
        else {
          context.error(
            "stack",
            `Error parsing stack mode: ${call.name}: Invalid value for stack_mode: valid values ` +
              "are bpftrace, raw, perf, and build_id.",
            arg.span,
          );
        }
        continue;
      }
      const count = context.value(arg);
      if (!isConstant(count) || count.value < 0n || count.type.kind === "bool") {
        context.error("range", `${call.name}: invalid limit value`, call.span);
      } else {
        limit = count.value > MAX_STACK_FRAMES ? MAX_STACK_FRAMES : Number(count.value);
      }
    }
    if (space === "kernel" && mode === "build_id") mode = "raw";
    return stackNode(space, mode, limit, call.span);
  };
}

/** A stack. */
function stackNode(space: Space, mode: StackMode, limit: number, span: Node["span"]): Node {
  const type: StackType = { kind: "stack", space, mode, limit };
  return { op: "memory_call", name: "stack", type, span };
}

function dwarfStack(context: Context, call: CallExpr): Node {
  context.error(
    "unsupported",
    "dw_ustack() is not supported: it would need DWARF unwinding. Use ustack() on programs built " +
      "with frame pointers",
    call.span,
  );
  return broken(call.span);
}

function ntop(context: Context, call: CallExpr): Node {
  const { span } = call;
  const type: Type = { kind: "special", as: "inet" };
  const last = call.args.length - 1;
  const value = context.value(call.args[last]);
  const family = call.args.length > 1 ? numeric(context, call, 0) : undefined;
  if (value.type.kind === "integer") {
    return {
      op: "memory_call",
      name: "ntop",
      family: family ?? constant(BigInt(AF_INET), UINT64, span),
      value,
      isAddress: false,
      type,
      span,
    };
  }
  const size = value.type.kind === "array"
    ? cSize(value.type)
    : value.type.kind === "string"
    ? value.type.limit
    : value.type.kind === "buffer"
    ? value.type.limit
    : 0;
  const from = memory(value);
  if (value.type.kind !== "pointer" && size !== 4 && size !== 16) {
    const sized = ["array", "string", "buffer"].includes(value.type.kind);
    const message = sized
      ? "ntop() argument must be 4 or 16 bytes in size"
      : `ntop() expects an integer or array argument, got ${kindName(value.type)}`;
    context.error("type-mismatch", message, span);
    return broken(span);
  }
  const own = constant(BigInt(size === 4 ? AF_INET : AF_INET6), UINT64, span);
  return {
    op: "memory_call",
    name: "ntop",
    family: family ?? own,
    value: from?.address ?? value,
    isAddress: from !== undefined,
    count: value.type.kind === "pointer" ? 16 : size,
    type,
    span,
  };
}

function pton(context: Context, call: CallExpr): Node {
  const { span } = call;
  const literal = context.value(call.args[0]);
  if (literal.op !== "text") {
    context.error(
      "literal-expected",
      "pton() expects an string literal at the first argument",
      span,
    );
    return broken(span);
  }
  const address = literal.value;
  const bytes = parseInet(address);
  if (bytes === undefined) {
    const message = /[.:]/.test(address)
      ? `pton() expects a valid IPv4/IPv6 address, got ${address}`
      : `pton() expects an string argument of an IPv4/IPv6 address, got ${address}`;
    context.error("range", message, span);
    return broken(span);
  }
  const type: Type = { kind: "array", of: integer(1, false), count: bytes.length };
  return { op: "text", value: String.fromCharCode(...bytes), type, span };
}

/** An address as bytes in network order. */
export function parseInet(text: string): number[] | undefined {
  const four = (part: string) => {
    const bytes = part.split(".");
    const valid = bytes.length === 4 && bytes.every((one) => /^\d{1,3}$/.test(one) && +one < 256);
    return valid ? bytes.map(Number) : undefined;
  };
  if (!text.includes(":")) return four(text);
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const parse = (half: string): number[] | undefined => {
    if (half === "") return [];
    const bytes: number[] = [];
    const parts = half.split(":");
    for (const [i, part] of parts.entries()) {
      const dotted = i === parts.length - 1 && part.includes(".") ? four(part) : undefined;
      if (dotted !== undefined) bytes.push(...dotted);
      else if (/^[0-9A-Fa-f]{1,4}$/.test(part)) {
        const word = parseInt(part, 16);
        bytes.push(word >> 8, word & 255);
      } else return undefined;
    }
    return bytes;
  };
  const [head, tail] = [parse(halves[0]), parse(halves[1] ?? "")];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 16 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 2) return undefined;
  return [...head, ...new Array(missing).fill(0), ...tail];
}

function macaddr(context: Context, call: CallExpr): Node {
  const value = context.value(call.args[0]);
  const from = memory(value);
  const own = value.type.kind === "array" || value.type.kind === "buffer";
  const size = from?.size ?? (own ? cSize(value.type) : undefined);
  if (
    (from === undefined && size === undefined) ||
    (size !== undefined && (size < 6 || value.op === "text" && value.type.kind === "string"))
  ) {
    const message = value.op === "text" && value.type.kind === "string"
      ? "macaddr() does not support literal string arguments"
      : size !== undefined && size < 6
      ? "macaddr() argument must be at least 6 bytes in size"
      : `macaddr() only supports array of 6 bytes (${typeName(value.type)} provided)`;
    context.error("type-mismatch", message, call.span);
    return broken(call.span);
  }
  return {
    op: "memory_call",
    name: "macaddr",
    value: from?.address ?? value,
    isAddress: from !== undefined,
    type: { kind: "special", as: "mac" },
    span: call.span,
  };
}

function cgroupid(context: Context, call: CallExpr): Node {
  const path = literalText(context, call, 0);
  if (path === undefined) return broken(call.span);
  try {
    return constant(context.environment.cgroupId(path), UINT64, call.span);
  } catch (error) {
    context.error("cgroup", (error as Error).message, call.span);
    return broken(call.span);
  }
}

function cgroupPath(context: Context, call: CallExpr): Node {
  const id = numeric(context, call, 0);
  const filter = call.args.length > 1 ? literalText(context, call, 1) ?? "" : "";
  const type: Type = { kind: "special", as: "cgroup_path" };
  return { op: "memory_call", name: "cgroup_path", id, filter, type, span: call.span };
}

/** strftime(format, nsecs) */
function strftime(context: Context, call: CallExpr): Node {
  const format = literalText(context, call, 0) ?? "";
  const time = numeric(context, call, 1);
  const clock = time.op === "call" && time.name === "nsecs" ? time.clock : "boot";
  const type: Type = { kind: "special", as: "timestamp" };
  return { op: "memory_call", name: "strftime", time, clock, format, type, span: call.span };
}

function nsecs(context: Context, call: CallExpr): Node {
  const { span } = call;
  if (call.args.length === 0) return builtinNode("nsecs", UINT64, span);
  const [first] = call.args;
  const mode = word(first);
  const clock = CLOCKS.find((one) => one === mode);
  if (mode === undefined) {
    const kind = kindName(context.value(first).type);
    const message = `nsecs() only supports timestamp_mode arguments (${kind} provided)`;
    context.error("clock", message, span);
    return broken(span);
  }
  if (clock === undefined) {
    const hint = `known modes: ${CLOCKS.join(", ")}`;
    context.error("clock", `Invalid timestamp mode: ${mode}`, first.span, hint);
    return broken(span);
  }
  return { op: "call", name: "nsecs", clock, type: UINT64, span };
}

/** pid(init), tid(curr_ns) */
function ids(name: "pid" | "tid"): Handler {
  return (context, call) => {
    const { span } = call;
    const where = call.args.length === 0 ? "curr_ns" : word(call.args[0]);
    if (where !== "curr_ns" && where !== "init") {
      const message = where === undefined
        ? `${name}() only supports curr_ns and init as the argument`
        : `Invalid PID namespace mode: ${where} (expects: curr_ns or init)`;
      context.error("namespace", message, where === undefined ? span : call.args[0].span);
      return broken(span);
    }
    return builtinNode(where === "init" ? `${name}_init` as const : name, UINT32, span);
  };
}

function comm(context: Context, call: CallExpr): Node {
  if (call.args.length > 0) {
    context.error("unsupported", "comm() of another process is not supported", call.span);
    return broken(call.span);
  }
  return context.value({ kind: "name", name: "comm", span: call.span });
}

/** signal(), signal_thread(): by name or number. */
function signal(name: "signal" | "signal_thread"): Handler {
  return (context, call) => {
    const [first] = call.args;
    const { span } = call;
    if (context.probe.special) {
      context.error("not-here", `${name}() can not be used for this probetype special`, span);
    }
    needUnsafe(context, call);
    let number: Node;
    if (first.kind === "string") {
      const found = context.environment.signal(first.value.replace(/^SIG/, "").toUpperCase());
      if (found === undefined) {
        context.error("signal", `${first.value} is not a valid signal name`, first.span);
      }
      number = constant(BigInt(found ?? 0), UINT64, span);
    } else {
      number = numeric(context, call, 0);
      if (isConstant(number) && (number.value < 1n || number.value > 64n)) {
        context.error(
          "range",
          `${number.value} is not a valid signal, allowed range: [1,64]`,
          first.span,
        );
      }
    }
    return effect(span, {
      op: "evaluate",
      value: { op: "call", name, signal: number, type: UINT64, span },
      span,
    });
  };
}

function override(context: Context, call: CallExpr): Node {
  if (context.probe.special) notHere(context, "ctx", call.span);
  needUnsafe(context, call);
  numeric(context, call, 0);
  if (!context.probe.special) notHere(context, "override()", call.span);
  return effect(call.span);
}

function writeUser(context: Context, call: CallExpr): Node {
  needUnsafe(context, call);
  const { span } = call;
  const to = numeric(context, call, 0, "only supports integer or pointer arguments");
  const from = context.value(call.args[1]);
  const size = literalNumber(context, call, 2);
  if (size === undefined || size < 1n || size > 4096n) {
    context.error("range", "write_user() expects a length from 1 to 4096", call.args[2].span);
    return broken(span);
  }
  const value = memory(from)?.address ?? from;
  return {
    op: "call",
    name: "write_user",
    to,
    value,
    isAddress: value.type.kind === "pointer",
    count: Number(size),
    type: BOOL,
    span,
  };
}

/** socket_cookie(): 0 until something has asked the kernel for the socket's cookie. */
function cookie(context: Context, call: CallExpr): Node {
  const { span } = call;
  const socket = numeric(context, call, 0, "only supports integer or pointer arguments");
  const type = context.types.type("struct sock");
  if (type === undefined) return broken(span);
  const sock: Node = { op: "convert", operand: socket, type: pointer(type, "kernel"), span };
  const path = ["__sk_common", "skc_cookie", "counter"];
  return path.reduce<Node>((node, field) => member(context, node, field, span), sock);
}

function bswap(context: Context, call: CallExpr): Node {
  const value = numeric(context, call, 0, "only supports integer arguments");
  const size = value.type.kind === "integer" ? value.type.size : 8;
  return {
    op: "call",
    name: "bswap",
    value,
    size,
    type: integer(size, false),
    span: call.span,
  };
}

function path(context: Context, call: CallExpr): Node {
  context.value(call.args[0]);
  context.error(
    "not-here",
    context.probe.special
      ? "The path function can only be used with 'fentry', 'fexit', 'iter' probes"
      : `helper bpf_d_path not allowed in probe ${context.probe.name}`,
    call.span,
  );
  return {
    op: "text",
    value: "",
    type: { kind: "string", size: 8, limit: 1, truncates: false },
    span: call.span,
  };
}

/** Most bytes of a packet that are kept: a jumbo frame. */
const MAX_PACKET = 9216;

/** skboutput(file, skb, length, offset): a packet's linear bytes and its length on the wire. */
function packetOutput(context: Context, call: CallExpr): Node {
  const { span } = call;
  const file = literalText(context, call, 0) ?? "";
  const [socketBuffer, length, offset] = [1, 2, 3].map((i) =>
    numeric(context, call, i, "only supports integer or pointer arguments")
  );
  const type = context.types.type("struct sk_buff");
  if (type === undefined) {
    context.error("unknown-type", "skboutput() needs BTF of struct sk_buff", span);
    return broken(span);
  }
  const packet: Node = {
    op: "convert",
    operand: socketBuffer,
    type: pointer(type, "kernel"),
    span,
  };
  const onWire = binary(context, "-", member(context, packet, "len", span), offset, span);
  const data = binary(context, "+", member(context, packet, "data", span), offset, span);
  // What lies in pages elsewhere cannot be followed from here.
  const linear = binary(context, "-", onWire, member(context, packet, "data_len", span), span);
  const shorter = binary(context, "<", length, linear, span);
  const size: Node = {
    op: "choose",
    condition: shorter,
    then: length,
    otherwise: linear,
    type: UINT64,
    span,
  };
  const bytes: Node = {
    op: "memory_call",
    name: "buf",
    address: { ...data, type: pointer({ kind: "none" }, "kernel") },
    size,
    type: { kind: "buffer", limit: MAX_PACKET },
    span,
  };
  return {
    op: "block",
    body: [{
      op: "record",
      action: { kind: "skboutput", file },
      values: [{ op: "convert", operand: onWire, type: UINT64, span }, bytes],
      control: false,
      span,
    }],
    value: constant(0n, UINT64, span),
    type: UINT64,
    span,
  };
}

function elsewhere(what: string): Handler {
  return (context, call) => {
    for (const arg of call.args) context.any(arg);
    context.error("not-here", `${call.name}() ${what}`, call.span);
    return broken(call.span);
  };
}

function kfunc(context: Context, call: CallExpr): Node {
  const name = literalText(context, call, 0) ?? "";
  return constant(context.environment.kfunc(name) ? 1n : 0n, BOOL, call.span);
}

/** The functions of this file. */
export const SYSTEM = {
  ksym,
  usym,
  kaddr,
  uaddr,
  percpu_kaddr: elsewhere("needs kernel data symbols, which this kernel does not show"),
  kptr: spaced("kernel"),
  uptr: spaced("user"),
  reg,
  kstack: stack("kernel"),
  ustack: stack("user"),
  dw_ustack: dwarfStack,
  ntop,
  pton,
  macaddr,
  cgroupid,
  cgroup_path: cgroupPath,
  strftime,
  nsecs,
  pid: ids("pid"),
  tid: ids("tid"),
  comm,
  signal: signal("signal"),
  signal_thread: signal("signal_thread"),
  override,
  write_user: writeUser,
  socket_cookie: cookie,
  skboutput: packetOutput,
  unwatch: elsewhere("needs a watchpoint, which is not supported yet"),
  bswap,
  path,
  kfunc_exist: kfunc,
  kfunc_allowed: kfunc,
} satisfies Handlers;
