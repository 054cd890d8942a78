// Pure: no I/O, no FFI.
// Functions of the language that are code: each leaves a scalar in R0 or writes its value to memory.

import { and64, be, imm, mov64 } from "../../core/asm/alu.ts";
import { callHelper, ja, jne } from "../../core/asm/jump.ts";
import { BPF_FUNC } from "../../core/asm/generated/helpers.ts";
import { R0, R1, R2, R3 } from "../../core/asm/register.ts";
import type {
  MemoryCallNode,
  MemoryCalls,
  RegisterCallNode,
  RegisterCalls,
} from "../model/functions.ts";
import type { Node } from "../model/ir.ts";
import { type Clock, CLOCKS } from "../model/plan.ts";
import { cSize, storageSize, type StringType, words } from "../model/types.ts";
import { evaluateBuiltin } from "./builtins.ts";
import type { Place } from "./frame.ts";
import { type Gen, shifted } from "./emitter.ts";
import { locate } from "./memory.ts";
import { callRead, spaceOf } from "./read.ts";
import { evaluate } from "./scalar.ts";
import { placeStack, stackLength } from "./stacks.ts";
import { clamp, concat, memcmp, readText, strlen, strncmp, strstr } from "./strings.ts";

/** Helpers that read each clock. */
const CLOCK_HELPERS: Readonly<Record<Clock, number>> = {
  boot: BPF_FUNC.ktime_get_boot_ns,
  monotonic: BPF_FUNC.ktime_get_ns,
  tai: BPF_FUNC.ktime_get_tai_ns,
  sw_tai: BPF_FUNC.ktime_get_tai_ns,
};

/** Emits each call whose value fits a register: the value ends up in R0. */
const REGISTER: {
  readonly [Name in keyof RegisterCalls]: (gen: Gen, node: RegisterCallNode<Name>) => void;
} = {
  strncmp,
  strstr,
  strlen,
  memcmp,
  stack_len: (gen, node) => stackLength(gen, node.stack),
  nsecs: (gen, node) => gen.emit(callHelper(CLOCK_HELPERS[node.clock])),
  signal: (gen, node) => send(gen, node.signal, BPF_FUNC.send_signal),
  signal_thread: (gen, node) => send(gen, node.signal, BPF_FUNC.send_signal_thread),
  write_user: writeUser,
  bswap(gen, { value, size }) {
    evaluate(gen, value);
    gen.emit(size > 1 ? be(R0, size * 8 as 16 | 32 | 64) : and64(R0, imm(255)));
  },
};

/** Emits each call whose value is made in memory. */
const MEMORY: {
  readonly [Name in keyof MemoryCalls]: (gen: Gen, node: MemoryCallNode<Name>, to: Place) => void;
} = {
  str(gen, node, to) {
    gen.zero(to, storageSize(node.type));
    readText(gen, node, () => gen.address(R1, to));
  },
  buf,
  buf_memory(gen, node, to) {
    const { value, count, length } = node;
    gen.zero(to, storageSize(node.type));
    gen.frame.scope(() => {
      const from = locate(gen, value);
      gen.address(R3, from);
      gen.copy(shifted(to, 8), count);
    });
    if (length === undefined) return gen.saveConstant(to, count);
    evaluate(gen, length);
    clamp(gen, 0, count);
    gen.emit(mov64(R0, R2));
    gen.save(to);
  },
  str_limit(gen, node, to) {
    const { limit, size } = node.type as StringType;
    gen.zero(to, size);
    gen.frame.scope(() => {
      const { text, length } = node;
      const spill = gen.frame.slot();
      evaluate(gen, length);
      clamp(gen, 1, limit);
      gen.emit(mov64(R0, R2));
      gen.save(spill);
      const from = locate(gen, text);
      gen.load(R0, spill);
      clamp(gen, 1, limit); // again: the verifier forgets the bounds of what was spilled
      gen.address(R3, from);
      gen.address(R1, to);
      gen.emit(callHelper(BPF_FUNC.probe_read_kernel_str));
    });
  },
  str_concat: concat,
  stack: placeStack,
  usym(gen, { address }, to) {
    evaluate(gen, address);
    gen.save(to);
    evaluateBuiltin(gen, "pid");
    gen.save(shifted(to, 8));
  },
  ntop,
  macaddr,
  strftime(gen, { time, clock, format }, to) {
    evaluate(gen, time);
    gen.save(to);
    const text = gen.shared.plans.intern(format);
    gen.constant(R0, BigInt(text) | BigInt(CLOCKS.indexOf(clock)) << 32n);
    gen.save(shifted(to, 8));
  },
  cgroup_path(gen, { id, filter }, to) {
    evaluate(gen, id);
    gen.save(to);
    gen.constant(R0, BigInt(gen.shared.plans.intern(filter)));
    gen.save(shifted(to, 8));
  },
};

/** Emits code that leaves the value of a call in R0. */
export function evaluateCall<Name extends keyof RegisterCalls>(
  gen: Gen,
  node: RegisterCallNode<Name>,
): void {
  REGISTER[node.name](gen, node);
}

/** Emits code that writes the value of a call to memory. */
export function placeCall<Name extends keyof MemoryCalls>(
  gen: Gen,
  node: MemoryCallNode<Name>,
  to: Place,
): void {
  MEMORY[node.name](gen, node, to);
}

function buf(gen: Gen, node: MemoryCallNode<"buf">, to: Place): void {
  const { limit } = node.type as Node["type"] & { kind: "buffer" };
  const { address, size } = node;
  gen.zero(to, 8 + words(limit));
  gen.frame.scope(() => {
    const spill = gen.frame.slot();
    evaluate(gen, address);
    gen.save(spill);
    evaluate(gen, size);
    clamp(gen, 0, limit);
    gen.emit(mov64(R0, R2));
    gen.save(to);
    gen.load(R3, spill);
    callRead(gen, "bytes", spaceOf(address), node, R2, () => gen.address(R1, shifted(to, 8)));
  });
}

/** Family, then the bytes of the address. */
function ntop(gen: Gen, node: MemoryCallNode<"ntop">, to: Place): void {
  const { family, value, count } = node;
  gen.zero(to, 24);
  evaluate(gen, family);
  gen.save(to);
  if (count === undefined) {
    evaluate(gen, value);
    return gen.save(shifted(to, 8), 4);
  }
  bytesOf(gen, node, shifted(to, 8), count);
}

/** Bytes of a MAC address. */
const MAC_BYTES = 6;

function macaddr(gen: Gen, node: MemoryCallNode<"macaddr">, to: Place): void {
  gen.zero(to, 8);
  bytesOf(gen, node, to, MAC_BYTES);
}

/** Copies bytes from an address, or from a value. */
function bytesOf(
  gen: Gen,
  node: MemoryCallNode<"ntop" | "macaddr"> | RegisterCallNode<"write_user">,
  to: Place,
  bytes: number,
): void {
  const { value, isAddress } = node;
  if (isAddress) {
    evaluate(gen, value);
    gen.emit(mov64(R3, R0));
    return callRead(gen, "bytes", spaceOf(value), node, imm(bytes), () => gen.address(R1, to));
  }
  gen.frame.scope(() => {
    const from = locate(gen, value);
    const data = value.type.kind === "buffer" ? shifted(from, 8) : from;
    gen.address(R3, data);
    gen.copy(to, Math.min(bytes, Math.max(1, cSize(value.type))));
  });
}

function send(gen: Gen, signal: Node, helper: number): void {
  evaluate(gen, signal);
  gen.emit(mov64(R1, R0), callHelper(helper));
}

/** R0 = whether the bytes were written. */
function writeUser(gen: Gen, node: RegisterCallNode<"write_user">): void {
  const size = node.count;
  const failed = gen.asm.label("failed");
  const done = gen.asm.label("written");
  gen.frame.scope(() => {
    const address = gen.frame.slot();
    const data = gen.frame.block(Math.max(72, words(size)));
    bytesOf(gen, node, data, size);
    evaluate(gen, node.to);
    gen.save(address);
    gen.address(R2, data);
    gen.load(R1, address);
    gen.emit(mov64(R3, imm(size)), callHelper(BPF_FUNC.probe_write_user));
  });
  gen.emit(jne(R0, imm(0), failed), mov64(R0, imm(1)), ja(done));
  gen.asm.bind(failed);
  gen.emit(mov64(R0, imm(0)));
  gen.asm.bind(done);
}
