// Pure: no I/O, no FFI.
// Values that need no arguments. What does not change during a firing is asked for once in a clause.

import { imm, lsh64, mov64, rsh64, sub64 } from "../../core/asm/alu.ts";
import { callHelper } from "../../core/asm/jump.ts";
import { load, loadMapValue } from "../../core/asm/load_store.ts";
import { BPF_FUNC } from "../../core/asm/generated/helpers.ts";
import { R0, R1, R2, R6, R7 } from "../../core/asm/register.ts";
import { CONTROL, CPU_BLOCK } from "../../core/contract/blocks.ts";
import { emitPidTgid } from "../../core/kernel_plane/thread_id.ts";
import type { Node } from "../model/ir.ts";
import { typeName } from "../model/types.ts";
import { LOAD_SPILL, type Place } from "./frame.ts";
import type { Gen } from "./emitter.ts";
import { keep } from "./scalar.ts";

/** Builtins that one helper call answers together. */
const SOURCE: Readonly<Record<string, string>> = {
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
  comm: "comm",
};

/** Bytes of a value that is kept. */
export function keptBytes(key: string): number {
  return key === "comm" ? COMM_BYTES : 8;
}

const COMM_BYTES = 16;

/** Under which key a builtin's value can be kept; undefined for what changes. */
export function keptAs(name: string): string | undefined {
  return Object.hasOwn(SOURCE, name) ? SOURCE[name] : undefined;
}

/** The same for what the context holds: an argument is as wide as its type, argN is a register. */
export function contextKey({ at, type }: Node & { op: "context" }): string {
  return `context ${at} ${typeName(type)}`;
}

/** R0 = the value. */
export function evaluateBuiltin(gen: Gen, name: string): void {
  const source = keptAs(name);
  if (source !== undefined) {
    keep(gen, source, () => ask(gen, source));
    return half(gen, name);
  }
  switch (name) {
    case "nsecs":
      return gen.emit(callHelper(BPF_FUNC.ktime_get_boot_ns));
    case "elapsed":
      return gen.emit(
        callHelper(BPF_FUNC.ktime_get_boot_ns),
        loadMapValue(R1, gen.site.control, CONTROL.startTime),
        load(8, R1, R1, 0),
        sub64(R0, R1),
      );
    case "rand":
      return gen.emit(callHelper(BPF_FUNC.get_prandom_u32), lsh64(R0, imm(32)), rsh64(R0, imm(32)));
    case "jiffies":
      return gen.emit(callHelper(BPF_FUNC.jiffies64));
    case "probe":
      return gen.emit(load(8, R0, R7, CPU_BLOCK.pbn));
    case "cpid":
      return gen.constant(R0, BigInt(gen.shared.childPid()));
    case "has_cpid":
      return gen.constant(R0, gen.shared.childPid() === 0 ? 0n : 1n);
    case "func":
      return gen.emit(mov64(R1, R6), callHelper(BPF_FUNC.get_func_ip));
    case "ctx":
      return gen.emit(mov64(R0, R6));
  }
  throw new TypeError(`Cannot evaluate builtin ${name}`);
}

function ask(gen: Gen, source: string): void {
  switch (source) {
    case "pid_tgid":
      return emitPidTgid(gen.asm, gen.site.namespace, LOAD_SPILL);
    case "pid_tgid_init":
      return emitPidTgid(gen.asm, undefined, LOAD_SPILL);
    case "uid_gid":
      return gen.emit(callHelper(BPF_FUNC.get_current_uid_gid));
    case "cpu":
      return gen.emit(callHelper(BPF_FUNC.get_smp_processor_id));
    case "numaid":
      return gen.emit(callHelper(BPF_FUNC.get_numa_node_id));
    case "cgroup":
      return gen.emit(callHelper(BPF_FUNC.get_current_cgroup_id));
    case "curtask":
      return gen.emit(callHelper(BPF_FUNC.get_current_task));
  }
}

/** Process id and gid are the upper half of their word. */
function half(gen: Gen, name: string): void {
  switch (name) {
    case "pid":
    case "pid_init":
    case "gid":
      return gen.emit(rsh64(R0, imm(32)));
    case "tid":
    case "tid_init":
    case "uid":
    case "username":
      return gen.emit(lsh64(R0, imm(32)), rsh64(R0, imm(32)));
  }
}

/** Writes a value that fits no register: comm. The helper pads. */
export function placeBuiltin(gen: Gen, name: string, to: Place): void {
  if (name !== "comm") throw new TypeError(`Cannot place builtin ${name}`);
  const ask = (at: Place) => {
    gen.address(R1, at);
    gen.emit(mov64(R2, imm(COMM_BYTES)), callHelper(BPF_FUNC.get_current_comm));
  };
  const kept = gen.kept.get(name);
  if (kept === undefined) return ask(to);
  if (!gen.filled.has(name)) ask(kept);
  gen.filled.add(name);
  gen.move(kept, to, COMM_BYTES);
}
