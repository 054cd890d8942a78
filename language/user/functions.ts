// Pure: no I/O, no FFI.
// Functions of the language that are code: each is a number, or writes its value to memory.

import type { Node } from "../model/ir.ts";
import { cSize, storageSize, words } from "../model/types.ts";
import { type Build, type Effect, refuse, type Scalar, signed } from "./builder.ts";
import { copyBytes, locate } from "./memory.ts";
import { addressOf, readBytes } from "./read.ts";
import { evaluate } from "./scalar.ts";
import { placeStack, stackLength } from "./stacks.ts";
import { clamped, concat, limited, memcmp, readText, strlen, strncmp, strstr } from "./strings.ts";

type Call = Node & { op: "call" };

/** Calls that are numbers. */
const SCALAR: Readonly<Record<string, (b: Build, node: Call) => Scalar>> = {
  strncmp,
  strstr,
  strlen,
  memcmp,
  stack_len: (b, node) => stackLength(b, node.args[0]),
  nsecs({ system }, node) {
    const [clock] = node.numbers!;
    return () => system.clock(clock);
  },
  signal: (b, node) => send(b, node, "process"),
  signal_thread: (b, node) => send(b, node, "thread"),
  write_user: writeUser,
  bswap(b, node) {
    const value = evaluate(b, node.args[0]);
    const [size] = node.numbers!;
    return () => {
      let rest = BigInt.asUintN(size * 8, value());
      let swapped = 0n;
      for (let i = 0; i < size; i++) {
        swapped = swapped << 8n | (rest & 255n);
        rest >>= 8n;
      }
      return signed(swapped);
    };
  },
};

/** Calls whose value is made in memory. */
const MEMORY: Readonly<Record<string, (b: Build, node: Call, to: number) => Effect>> = {
  str(b, node, to) {
    const read = readText(b, node, to);
    return () => void read();
  },
  buf,
  buf_memory: bufferOf,
  str_limit: limited,
  str_concat: concat,
  stack: placeStack,
  usym(b, node, to) {
    const address = evaluate(b, node.args[0]);
    const { scratch, state } = b;
    return () => {
      scratch.memory.setWord(to, address());
      scratch.memory.setWord(to + 8, BigInt(state.event.thread.pid));
    };
  },
  ntop,
  macaddr(b, node, to) {
    const { scratch } = b;
    const copy = bytesOf(b, node, node.args[0], to, 6, node.numbers![0] === 1);
    return () => {
      scratch.memory.setWord(to, 0n);
      copy();
    };
  },
  strftime: (b, node, to) => withText(b, node, to, BigInt(node.numbers![0]) << 32n),
  cgroup_path: (b, node, to) => withText(b, node, to, 0n),
};

/** A call that is a number. */
export function evaluateCall(b: Build, node: Call): Scalar {
  const make = SCALAR[node.name];
  if (make === undefined) throw new TypeError(`Cannot evaluate ${node.name}() as a number`);
  return make(b, node);
}

/** A call that writes its value to memory. */
export function placeCall(b: Build, node: Call, to: number): Effect {
  const make = MEMORY[node.name];
  if (make === undefined) throw new TypeError(`Cannot make ${node.name}() in memory`);
  return make(b, node, to);
}

/** A number, then the number of a text with further bits. */
function withText(b: Build, node: Call, to: number, bits: bigint): Effect {
  const value = evaluate(b, node.args[0]);
  const text = b.plans.intern((node.args[1] as Node & { op: "text" }).value);
  const { scratch } = b;
  return () => {
    scratch.memory.setWord(to, value());
    scratch.memory.setWord(to + 8, BigInt(text) | bits);
  };
}

function buf(b: Build, node: Call, to: number): Effect {
  const { limit } = node.type as Node["type"] & { kind: "buffer" };
  const [from, size] = node.args;
  const address = addressOf(b, from);
  const length = clamped(evaluate(b, size), 0, limit);
  const read = readBytes(b, node);
  const { scratch } = b;
  return () => {
    const start = address();
    const bytes = length();
    scratch.memory.bytes.fill(0, to, to + 8 + words(limit));
    scratch.memory.setWord(to, BigInt(bytes));
    read(start, to + 8, bytes);
  };
}

/** buf() of what is in our memory already. */
function bufferOf(b: Build, node: Call, to: number): Effect {
  const [bytes] = node.numbers!;
  const { at, fill } = locate(b, node.args[0]);
  const length = node.args.length === 1
    ? () => bytes
    : clamped(evaluate(b, node.args[1]), 0, bytes);
  const end = to + storageSize(node.type);
  const { scratch } = b;
  return () => {
    fill();
    scratch.memory.bytes.fill(0, to, end);
    copyBytes(scratch.memory, at, scratch.memory, to + 8, bytes);
    scratch.memory.setWord(to, BigInt(length()));
  };
}

/** Family, then the bytes of the address. */
function ntop(b: Build, node: Call, to: number): Effect {
  const [family, value] = node.args;
  const kind = evaluate(b, family);
  const { scratch } = b;
  const copy = node.numbers === undefined
    ? number(b, value, to + 8)
    : bytesOf(b, node, value, to + 8, node.numbers[0], node.numbers[1] === 1);
  return () => {
    scratch.memory.bytes.fill(0, to, to + 24);
    scratch.memory.setWord(to, kind());
    copy();
  };
}

function number(b: Build, value: Node, to: number): Effect {
  const evaluated = evaluate(b, value);
  const { scratch } = b;
  return () => scratch.memory.setInteger(to, 4, evaluated());
}

/** Copies bytes from an address, or from a value. */
function bytesOf(
  b: Build,
  node: Node,
  value: Node,
  to: number,
  bytes: number,
  isAddress: boolean,
): Effect {
  if (isAddress) {
    const address = addressOf(b, value);
    const read = readBytes(b, node);
    return () => void read(address(), to, bytes);
  }
  const { at, fill } = locate(b, value);
  const from = value.type.kind === "buffer" ? at + 8 : at;
  const size = Math.min(bytes, Math.max(1, cSize(value.type)));
  const { scratch } = b;
  return () => {
    fill();
    copyBytes(scratch.memory, from, scratch.memory, to, size);
  };
}

function send(b: Build, node: Call, to: "process" | "thread"): Scalar {
  const signal = evaluate(b, node.args[0]);
  const { state } = b;
  return () => {
    state.event.thread.signal(Number(signal()), to);
    return 0n;
  };
}

/** Whether the bytes were written. */
function writeUser(b: Build, node: Call): Scalar {
  const [target, source] = node.args;
  const [size] = node.numbers!;
  if (target.type.kind === "pointer" && target.type.space === "kernel") {
    refuse(node, "This writes kernel memory");
  }
  const { scratch, state } = b;
  const at = scratch.take(size);
  const data = bytesOf(b, node, source, at, size, source.type.kind === "pointer");
  const address = evaluate(b, target);
  return () => {
    data();
    const bytes = scratch.memory.bytes.subarray(at, at + size);
    return state.event.thread.write(address(), bytes) ? 1n : 0n;
  };
}
