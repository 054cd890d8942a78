// Pure: no I/O, no FFI.
// Values that need no arguments.

import { CONTROL } from "../../core/contract/blocks.ts";
import type { UserThread } from "../../core/contract/user_action.ts";
import type { MemoryBuiltin, RegisterBuiltin } from "../model/builtins.ts";
import type { Node } from "../model/ir.ts";
import { storageSize } from "../model/types.ts";
import { type Build, type Effect, refuse, type Scalar } from "./builder.ts";

type Builtin<Op extends Node["op"]> = Node & { op: Op };

/** Makes a builtin's value a function. */
type Make = (b: Build, node: Builtin<"builtin">) => Scalar;

/** A fact about the thread of the event. */
const ofThread = (read: (thread: UserThread) => number | bigint): Make => ({ state }) => () =>
  BigInt(read(state.event.thread));

/** An id of the first pid namespace, which this plane knows where that is its own. */
const initialId = (read: (thread: UserThread) => number): Make => (b, node) => {
  if (!b.system.isInitialNamespace) refuse(node, "This asks for ids of the first pid namespace");
  return ofThread(read)(b, node);
};

const refused = (what: string): Make => (_, node) => refuse(node, what);

/** Builtins that are numbers. */
const REGISTER: Readonly<Record<RegisterBuiltin, Make>> = {
  pid: ofThread(({ pid }) => pid),
  tid: ofThread(({ tid }) => tid),
  pid_init: initialId(({ pid }) => pid),
  tid_init: initialId(({ tid }) => tid),
  uid: ofThread(({ uid }) => uid),
  username: ofThread(({ uid }) => uid),
  gid: ofThread(({ gid }) => gid),
  cpu: ofThread(({ cpu }) => cpu),
  ppid: ofThread(({ ppid }) => ppid),
  leader_tid: ofThread(({ pid }) => pid),
  cgroup: ofThread(({ cgroup }) => cgroup),
  numaid: ({ state, system }) => () => BigInt(system.node(state.event.thread.cpu)),
  nsecs: ({ system }) => () => system.clock("boot"),
  elapsed: ({ state, system }) => () => system.clock("boot") - startOf(state.site.control),
  rand: () => () => BigInt(Math.floor(Math.random() * 2 ** 32)),
  probe: ({ state }) => () => BigInt(state.pbn),
  cpid: ({ childPid }) => () => BigInt(childPid),
  has_cpid: ({ childPid }) => () => childPid === 0 ? 0n : 1n,
  jiffies: refused("This asks for the kernel's jiffies"),
  ctx: refused("This asks for the context of a program in the kernel"),
  curtask: refused("This asks for the kernel's task structure"),
  func: refused("This asks for the address of a function of the kernel"),
};

/** A builtin that is a number. */
export function evaluateBuiltin(b: Build, node: Builtin<"builtin">): Scalar {
  return REGISTER[node.name](b, node);
}

function startOf(control: Int32Array): bigint {
  const at = CONTROL.startTime / 4;
  return BigInt(control[at + 1]) << 32n | BigInt(control[at] >>> 0);
}

/** Builtins that are written to memory: names of threads. */
const MEMORY: Readonly<Record<MemoryBuiltin, (thread: UserThread) => string>> = {
  comm: ({ comm }) => comm,
  pcomm: (thread) => thread.commOf(thread.ppid),
  leader_comm: (thread) => thread.commOf(thread.pid),
};

/** Makes a builtin that is written to memory. */
export function placeBuiltin(b: Build, node: Builtin<"memory_builtin">, to: number): Effect {
  const name = MEMORY[node.name];
  const { state, scratch } = b;
  const size = storageSize(node.type);
  return () => {
    const text = name(state.event.thread);
    const { bytes } = scratch.memory;
    const length = Math.min(text.length, 15);
    for (let i = 0; i < length; i++) bytes[to + i] = text.charCodeAt(i);
    bytes.fill(0, to + length, to + size);
  };
}
