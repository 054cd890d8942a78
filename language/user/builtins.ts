// Pure: no I/O, no FFI.
// Values that need no arguments.

import { CONTROL } from "../../core/contract/blocks.ts";
import type { UserThread } from "../../core/contract/user_action.ts";
import type { Node } from "../model/ir.ts";
import { storageSize } from "../model/types.ts";
import { type Build, type Effect, refuse, type Scalar } from "./builder.ts";

type Builtin = Node & { op: "builtin" };

const BOOT_CLOCK = 0;

/** What the thread of the event knows. */
const OF_THREAD: Readonly<Record<string, (thread: UserThread) => number | bigint>> = {
  pid: ({ pid }) => pid,
  tid: ({ tid }) => tid,
  uid: ({ uid }) => uid,
  username: ({ uid }) => uid,
  gid: ({ gid }) => gid,
  cpu: ({ cpu }) => cpu,
  ppid: ({ ppid }) => ppid,
  leader_tid: ({ pid }) => pid,
  cgroup: ({ cgroup }) => cgroup,
};

/** A builtin that is a number. */
export function evaluateBuiltin(b: Build, node: Builtin): Scalar {
  const { state, system, childPid } = b;
  const ofThread = Object.hasOwn(OF_THREAD, node.name) ? OF_THREAD[node.name] : undefined;
  if (ofThread !== undefined) return () => BigInt(ofThread(state.event.thread));
  switch (node.name) {
    case "pid_init":
    case "tid_init": {
      if (!system.isInitialNamespace) refuse(node, "This asks for ids of the first pid namespace");
      const id = node.name === "pid_init" ? OF_THREAD.pid : OF_THREAD.tid;
      return () => BigInt(id(state.event.thread));
    }
    case "numaid":
      return () => BigInt(system.node(state.event.thread.cpu));
    case "nsecs":
      return () => system.clock(BOOT_CLOCK);
    case "elapsed":
      return () => system.clock(BOOT_CLOCK) - startOf(state.site.control);
    case "rand":
      return () => BigInt(Math.floor(Math.random() * 2 ** 32));
    case "probe":
      return () => BigInt(state.pbn);
    case "cpid":
      return () => BigInt(childPid);
    case "has_cpid":
      return () => childPid === 0 ? 0n : 1n;
    case "jiffies":
      return refuse(node, "This asks for the kernel's jiffies");
    case "ctx":
      return refuse(node, "This asks for the context of a program in the kernel");
    case "curtask":
      return refuse(node, "This asks for the kernel's task structure");
  }
  throw new TypeError(`Cannot evaluate builtin ${node.name}`);
}

function startOf(control: Int32Array): bigint {
  const at = CONTROL.startTime / 4;
  return BigInt(control[at + 1]) << 32n | BigInt(control[at] >>> 0);
}

/** Whose name is meant. */
const NAMES: Readonly<Record<string, (thread: UserThread) => string>> = {
  comm: ({ comm }) => comm,
  pcomm: (thread) => thread.commOf(thread.ppid),
  leader_comm: (thread) => thread.commOf(thread.pid),
};

/** Writes a name. */
export function placeBuiltin(b: Build, node: Builtin, to: number): Effect {
  const name = NAMES[node.name];
  if (name === undefined) throw new TypeError(`Cannot place builtin ${node.name}`);
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
