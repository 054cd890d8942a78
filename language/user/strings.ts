// Pure: no I/O, no FFI.
// Functions on text and bytes.

import type { MemoryCallNode, RegisterCallNode } from "../model/functions.ts";
import { storageSize, type StringType, words } from "../model/types.ts";
import { type Build, type Effect, type Scalar, unsigned } from "./builder.ts";
import { locate, place, textLength } from "./memory.ts";
import { addressOf, failedRead } from "./read.ts";
import { evaluate } from "./scalar.ts";

/** A number between two bounds, as unsigned. */
export function clamped(value: Scalar, least: number, most: number): () => number {
  const limit = BigInt(most);
  return () => {
    const number = unsigned(value());
    return number >= limit ? most : Math.max(least, Number(number));
  };
}

/** str(): puts text at a place; its length with the NUL, 0 if the memory could not be read. */
export function readText(b: Build, node: MemoryCallNode<"str">, to: number): () => number {
  const { limit } = node.type as StringType;
  const end = to + storageSize(node.type);
  const { length } = node;
  const address = addressOf(b, node.address);
  const most = length === undefined ? () => limit : clamped(evaluate(b, length), 1, limit);
  const failed = failedRead(b, node, "probe_read_user_str");
  const { scratch, state } = b;
  return () => {
    const from = address();
    const wanted = most();
    const { bytes } = scratch.memory;
    const into = bytes.subarray(to, to + wanted);
    const count = state.event.thread.read(from, into);
    const nul = into.subarray(0, count).indexOf(0);
    const whole = nul >= 0 || count === wanted;
    const text = nul >= 0 ? nul : whole ? wanted - 1 : 0;
    bytes.fill(0, to + text, end);
    if (whole) return text + 1;
    failed(BigInt.asIntN(64, from));
    return 0;
  };
}

/** 0 if the first n bytes are equal, or all up to the NUL; else 1. */
export function strncmp(b: Build, node: RegisterCallNode<"strncmp">): Scalar {
  const { left, right } = node;
  const count = Math.min(node.count, left.type.size, right.type.size);
  const [x, y] = [locate(b, left), locate(b, right)];
  const { scratch } = b;
  return () => {
    x.fill();
    y.fill();
    const { bytes } = scratch.memory;
    for (let i = 0; i < count; i++) {
      const one = bytes[x.at + i];
      if (one !== bytes[y.at + i]) return 1n;
      if (one === 0) return 0n;
    }
    return 0n;
  };
}

/** Position of the second text in the first; -1 if the first does not contain the second. */
export function strstr(b: Build, node: RegisterCallNode<"strstr">): Scalar {
  const { haystack, needle } = node;
  const { scratch } = b;
  const [x, y] = [haystack, needle].map((text) => {
    const at = scratch.take(text.type.size);
    return { at, fill: place(b, text, at) };
  });
  return () => {
    x.fill();
    y.fill();
    const text = scratch.memory.text(x.at, haystack.type.size);
    return BigInt(text.indexOf(scratch.memory.text(y.at, needle.type.size)));
  };
}

/** Bytes of a text without its NUL. */
export function strlen(b: Build, { text }: RegisterCallNode<"strlen">): Scalar {
  const { at, fill } = locate(b, text);
  const { scratch } = b;
  return () => {
    fill();
    return BigInt(textLength(scratch.memory, at, text.type.size));
  };
}

/** The difference of the first bytes that differ; 0 if none do. */
export function memcmp(b: Build, node: RegisterCallNode<"memcmp">): Scalar {
  const { count } = node;
  const { scratch } = b;
  const [x, y] = [node.left, node.right].map((arg) => {
    const at = scratch.take(Math.max(storageSize(arg.type), words(count)));
    return { at, fill: place(b, arg, at) };
  });
  return () => {
    x.fill();
    y.fill();
    const { bytes } = scratch.memory;
    for (let i = 0; i < count; i++) {
      const difference = bytes[x.at + i] - bytes[y.at + i];
      if (difference !== 0) return BigInt(difference);
    }
    return 0n;
  };
}

/** The two joined, cut to what the type has room for. */
export function concat(b: Build, node: MemoryCallNode<"str_concat">, to: number): Effect {
  const { limit, size } = node.type as StringType;
  const { left, right } = node;
  const [x, y] = [locate(b, left), locate(b, right)];
  const { scratch } = b;
  return () => {
    x.fill();
    y.fill();
    const { memory } = scratch;
    const first = textLength(memory, x.at, Math.min(left.type.limit, limit));
    const room = Math.max(1, Math.min(right.type.limit, limit - first));
    const second = textLength(memory, y.at, room);
    const joined = memory.bytes.slice(x.at, x.at + first + second);
    joined.set(memory.bytes.subarray(y.at, y.at + second), first);
    memory.bytes.set(joined, to);
    memory.bytes.fill(0, to + first + second, to + size);
  };
}

/** str(text, n): at most so many bytes of it. */
export function limited(b: Build, node: MemoryCallNode<"str_limit">, to: number): Effect {
  const { limit, size } = node.type as StringType;
  const { text, length } = node;
  const most = clamped(evaluate(b, length), 1, limit);
  const { at, fill } = locate(b, text);
  const { scratch } = b;
  return () => {
    const bytes = most();
    fill();
    const { memory } = scratch;
    const kept = textLength(memory, at, bytes);
    memory.bytes.copyWithin(to, at, at + kept);
    memory.bytes.fill(0, to + kept, to + size);
  };
}
