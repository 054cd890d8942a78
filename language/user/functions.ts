// Pure: no I/O, no FFI.
// Functions of the language that are code: each is a number, or writes its value to memory.

import type {
  MemoryCallNode,
  MemoryCalls,
  RegisterCallNode,
  RegisterCalls,
} from "../model/functions.ts";
import type { Node } from "../model/ir.ts";
import { CLOCKS } from "../model/plan.ts";
import { cSize, storageSize, words } from "../model/types.ts";
import { type Build, type Effect, refuse, type Scalar, signed } from "./builder.ts";
import { copyBytes, locate } from "./memory.ts";
import { addressOf, readBytes } from "./read.ts";
import { evaluate } from "./scalar.ts";
import { placeStack, stackLength } from "./stacks.ts";
import { clamped, concat, limited, memcmp, readText, strlen, strncmp, strstr } from "./strings.ts";

/** Makes each call that is a number. */
const REGISTER: {
  readonly [Name in keyof RegisterCalls]: (b: Build, node: RegisterCallNode<Name>) => Scalar;
} = {
  strncmp,
  strstr,
  strlen,
  memcmp,
  stack_len: (b, node) => stackLength(b, node.stack),
  nsecs: ({ system }, { clock }) => () => system.clock(clock),
  signal: (b, node) => send(b, node.signal, "process"),
  signal_thread: (b, node) => send(b, node.signal, "thread"),
  write_user: writeUser,
  bswap(b, { value: operand, size }) {
    const value = evaluate(b, operand);
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

/** Bytes of a MAC address. */
const MAC_BYTES = 6;

/** Makes each call whose value is written to memory. */
const MEMORY: {
  readonly [Name in keyof MemoryCalls]: (
    b: Build,
    node: MemoryCallNode<Name>,
    to: number,
  ) => Effect;
} = {
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
    const address = evaluate(b, node.address);
    const { scratch, state } = b;
    return () => {
      scratch.memory.setWord(to, address());
      scratch.memory.setWord(to + 8, BigInt(state.event.thread.pid));
    };
  },
  ntop,
  macaddr(b, node, to) {
    const { scratch } = b;
    const copy = bytesOf(b, node, to, MAC_BYTES);
    return () => {
      scratch.memory.setWord(to, 0n);
      copy();
    };
  },
  strftime: (b, { time, clock, format }, to) =>
    withText(b, time, format, to, BigInt(CLOCKS.indexOf(clock)) << 32n),
  cgroup_path: (b, { id, filter }, to) => withText(b, id, filter, to, 0n),
};

/** A call that is a number. */
export function evaluateCall<Name extends keyof RegisterCalls>(
  b: Build,
  node: RegisterCallNode<Name>,
): Scalar {
  return REGISTER[node.name](b, node);
}

/** A call that writes its value to memory. */
export function placeCall<Name extends keyof MemoryCalls>(
  b: Build,
  node: MemoryCallNode<Name>,
  to: number,
): Effect {
  return MEMORY[node.name](b, node, to);
}

/** A number, then the number of a text with further bits. */
function withText(b: Build, number: Node, text: string, to: number, bits: bigint): Effect {
  const value = evaluate(b, number);
  const index = b.plans.intern(text);
  const { scratch } = b;
  return () => {
    scratch.memory.setWord(to, value());
    scratch.memory.setWord(to + 8, BigInt(index) | bits);
  };
}

function buf(b: Build, node: MemoryCallNode<"buf">, to: number): Effect {
  const { limit } = node.type as Node["type"] & { kind: "buffer" };
  const address = addressOf(b, node.address);
  const length = clamped(evaluate(b, node.size), 0, limit);
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
function bufferOf(b: Build, node: MemoryCallNode<"buf_memory">, to: number): Effect {
  const { count: bytes } = node;
  const { at, fill } = locate(b, node.value);
  const length = node.length === undefined
    ? () => bytes
    : clamped(evaluate(b, node.length), 0, bytes);
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
function ntop(b: Build, node: MemoryCallNode<"ntop">, to: number): Effect {
  const kind = evaluate(b, node.family);
  const { scratch } = b;
  const copy = node.count === undefined
    ? number(b, node.value, to + 8)
    : bytesOf(b, node, to + 8, node.count);
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
  node: MemoryCallNode<"ntop" | "macaddr"> | RegisterCallNode<"write_user">,
  to: number,
  bytes: number,
): Effect {
  const { value, isAddress } = node;
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

function send(b: Build, number: Node, to: "process" | "thread"): Scalar {
  const signal = evaluate(b, number);
  const { state } = b;
  return () => {
    state.event.thread.signal(Number(signal()), to);
    return 0n;
  };
}

/** Whether the bytes were written. */
function writeUser(b: Build, node: RegisterCallNode<"write_user">): Scalar {
  const { to: target, count: size } = node;
  if (target.type.kind === "pointer" && target.type.space === "kernel") {
    refuse(node, "This writes kernel memory");
  }
  const { scratch, state } = b;
  const at = scratch.take(size);
  const data = bytesOf(b, node, at, size);
  const address = evaluate(b, target);
  return () => {
    data();
    const bytes = scratch.memory.bytes.subarray(at, at + size);
    return state.event.thread.write(address(), bytes) ? 1n : 0n;
  };
}
