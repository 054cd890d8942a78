// Pure: no I/O, no FFI.
// Values that need no arguments. What does not change during a firing is asked for once in a clause.

import { imm, lsh64, mov64, rsh64, sub64 } from "../../core/asm/alu.ts";
import { callHelper } from "../../core/asm/jump.ts";
import { load, loadMapValue, store } from "../../core/asm/load_store.ts";
import { BPF_FUNC } from "../../core/asm/generated/helpers.ts";
import { R0, R1, R2, R3, R6, R7 } from "../../core/asm/register.ts";
import { CONTROL, CPU_BLOCK } from "../../core/contract/blocks.ts";
import { emitPidTgid } from "../../core/kernel_plane/thread_id.ts";
import {
  type BuiltinName,
  COMM_BYTES,
  type MemoryBuiltin,
  type RegisterBuiltin,
} from "../model/builtins.ts";
import type { Node } from "../model/ir.ts";
import { typeName } from "../model/types.ts";
import { LOAD_SPILL, type Place } from "./frame.ts";
import type { Gen } from "./emitter.ts";
import { keep } from "./scalar.ts";

/** Helpers that answer for one or for several builtins, and do not change their answer during a firing. */
const ASK = {
  pid_tgid: (gen) => emitPidTgid(gen.asm, gen.site.namespace, LOAD_SPILL),
  pid_tgid_init: (gen) => emitPidTgid(gen.asm, undefined, LOAD_SPILL),
  uid_gid: (gen) => gen.emit(callHelper(BPF_FUNC.get_current_uid_gid)),
  cpu: (gen) => gen.emit(callHelper(BPF_FUNC.get_smp_processor_id)),
  numaid: (gen) => gen.emit(callHelper(BPF_FUNC.get_numa_node_id)),
  cgroup: (gen) => gen.emit(callHelper(BPF_FUNC.get_current_cgroup_id)),
  curtask: (gen) => gen.emit(callHelper(BPF_FUNC.get_current_task)),
} satisfies Record<string, Emit>;

/** Which helper answers for a builtin. */
const SOURCE = {
  pid: "pid_tgid",
  tid: "pid_tgid",
  pid_init: "pid_tgid_init",
  tid_init: "pid_tgid_init",
  uid: "uid_gid",
  gid: "uid_gid",
  username: "uid_gid",
  cpu: "cpu",
  numaid: "numaid",
  cgroup: "cgroup",
  curtask: "curtask",
} as const satisfies Partial<Record<RegisterBuiltin, keyof typeof ASK>>;

type AskedBuiltin = keyof typeof SOURCE;

/** Bytes of a value that is kept. */
export function keptBytes(key: string): number {
  return key === "comm" ? COMM_BYTES : 8;
}

/** Under which key a builtin's value can be kept; undefined for what changes. */
export function keptAs(name: BuiltinName): string | undefined {
  if (name === "comm") return "comm";
  return Object.hasOwn(SOURCE, name) ? SOURCE[name as AskedBuiltin] : undefined;
}

/** Under which key a value of the context is kept. The type belongs to it: argN is wider than the argument. */
export function contextKey({ at, type }: Node & { op: "context" }): string {
  return `context ${at} ${typeName(type)}`;
}

/** Emits code that leaves a builtin's value in R0. */
type Emit = (gen: Gen) => void;

/** A value that one of the helpers of {@linkcode ASK} has: the whole word or a half of it. */
const asked = (name: AskedBuiltin, half?: "lower" | "upper"): Emit => (gen) => {
  const source = SOURCE[name];
  keep(gen, source, () => ASK[source](gen));
  if (half === "lower") gen.emit(lsh64(R0, imm(32)));
  if (half !== undefined) gen.emit(rsh64(R0, imm(32)));
};

/** A member of the task structure: the checker makes a load of this builtin on the kernel plane. */
const member: Emit = () => {
  throw new TypeError("The checker reads members of tasks from the task structure");
};

/** Builtins that end up in R0. */
const REGISTER: Readonly<Record<RegisterBuiltin, Emit>> = {
  // Process id and gid are the upper half of their word.
  pid: asked("pid", "upper"),
  tid: asked("tid", "lower"),
  pid_init: asked("pid_init", "upper"),
  tid_init: asked("tid_init", "lower"),
  uid: asked("uid", "lower"),
  gid: asked("gid", "upper"),
  username: asked("username", "lower"),
  cpu: asked("cpu"),
  numaid: asked("numaid"),
  cgroup: asked("cgroup"),
  curtask: asked("curtask"),
  nsecs: (gen) => gen.emit(callHelper(BPF_FUNC.ktime_get_boot_ns)),
  elapsed: (gen) =>
    gen.emit(
      callHelper(BPF_FUNC.ktime_get_boot_ns),
      loadMapValue(R1, gen.site.control, CONTROL.startTime),
      load(8, R1, R1, 0),
      sub64(R0, R1),
    ),
  rand: (gen) =>
    gen.emit(callHelper(BPF_FUNC.get_prandom_u32), lsh64(R0, imm(32)), rsh64(R0, imm(32))),
  jiffies: (gen) => gen.emit(callHelper(BPF_FUNC.jiffies64)),
  probe: (gen) => gen.emit(load(8, R0, R7, CPU_BLOCK.pbn)),
  cpid: (gen) => gen.constant(R0, BigInt(gen.references.childPid ?? 0)),
  has_cpid: (gen) => gen.constant(R0, (gen.references.childPid ?? 0) === 0 ? 0n : 1n),
  func: (gen) => gen.emit(mov64(R1, R6), callHelper(BPF_FUNC.get_func_ip)),
  ctx: (gen) => gen.emit(mov64(R0, R6)),
  ppid: member,
  leader_tid: member,
};

/** Emits code that leaves the value of a builtin in R0. */
export function evaluateBuiltin(gen: Gen, name: RegisterBuiltin): void {
  REGISTER[name](gen);
}

/** Builtins that are written to memory. */
const MEMORY: Readonly<Record<MemoryBuiltin, (gen: Gen, to: Place) => void>> = {
  comm: placeName,
  pcomm: member,
  leader_comm: member,
};

/** Writes a value that fits no register. */
export function placeBuiltin(gen: Gen, name: MemoryBuiltin, to: Place): void {
  MEMORY[name](gen, to);
}

/** comm, with zeros behind its end. Two loads take a third of the time that the helper takes. */
function placeName(gen: Gen, to: Place): void {
  const { taskName } = gen.site;
  const ask = (at: Place) => {
    if (taskName === undefined) {
      gen.address(R1, at);
      gen.emit(mov64(R2, imm(COMM_BYTES)), callHelper(BPF_FUNC.get_current_comm));
      return;
    }
    gen.emit(
      callHelper(BPF_FUNC.get_current_task_btf),
      load(8, R1, R0, taskName),
      load(8, R2, R0, taskName + 8),
    );
    gen.address(R3, at);
    gen.emit(store(8, R3, 0, R1), store(8, R3, 8, R2));
  };
  const kept = gen.kept.get("comm");
  if (kept === undefined) return ask(to);
  if (!gen.filled.has("comm")) ask(kept);
  gen.filled.add("comm");
  gen.move(kept, to, COMM_BYTES);
}
