// Pure: no I/O, no FFI.
// Functions of the language that are code: each leaves a scalar in R0 or writes its value to memory.

import { and64, be, imm, mov64 } from "../../core/asm/alu.ts";
import { callHelper, ja, jne } from "../../core/asm/jump.ts";
import { BPF_FUNC } from "../../core/asm/generated/helpers.ts";
import { R0, R1, R2, R3 } from "../../core/asm/register.ts";
import type { Node } from "../model/ir.ts";
import { cSize, storageSize, type StringType, words } from "../model/types.ts";
import { evaluateBuiltin } from "./builtins.ts";
import type { Place } from "./frame.ts";
import { type Gen, shifted } from "./emitter.ts";
import { locate } from "./memory.ts";
import { callRead, spaceOf } from "./read.ts";
import { evaluate } from "./scalar.ts";
import { placeStack, stackLength } from "./stacks.ts";
import { clamp, concat, memcmp, readText, strlen, strncmp, strstr } from "./strings.ts";

type Call = Node & { op: "call" };

const CLOCKS = [
  BPF_FUNC.ktime_get_boot_ns,
  BPF_FUNC.ktime_get_ns,
  BPF_FUNC.ktime_get_tai_ns,
  BPF_FUNC.ktime_get_tai_ns,
];

/** Calls whose value fits a register. */
const SCALAR: Readonly<Record<string, (gen: Gen, node: Call) => void>> = {
  strncmp,
  strstr,
  strlen,
  memcmp,
  stack_len: (gen, node) => stackLength(gen, node.args[0]),
  nsecs: (gen, node) => gen.emit(callHelper(CLOCKS[node.numbers![0]])),
  signal: (gen, node) => send(gen, node, BPF_FUNC.send_signal),
  signal_thread: (gen, node) => send(gen, node, BPF_FUNC.send_signal_thread),
  write_user: writeUser,
  bswap(gen, node) {
    evaluate(gen, node.args[0]);
    const size = node.numbers![0];
    gen.emit(size > 1 ? be(R0, size * 8 as 16 | 32 | 64) : and64(R0, imm(255)));
  },
};

/** Calls whose value is made in memory. */
const MEMORY: Readonly<Record<string, (gen: Gen, node: Call, to: Place) => void>> = {
  str(gen, node, to) {
    gen.zero(to, storageSize(node.type));
    readText(gen, node, () => gen.address(R1, to));
  },
  buf,
  buf_memory(gen, node, to) {
    const bytes = node.numbers![0];
    gen.zero(to, storageSize(node.type));
    gen.frame.scope(() => {
      const from = locate(gen, node.args[0]);
      gen.address(R3, from);
      gen.copy(shifted(to, 8), bytes);
    });
    if (node.args.length === 1) return gen.saveConstant(to, bytes);
    evaluate(gen, node.args[1]);
    clamp(gen, 0, bytes);
    gen.emit(mov64(R0, R2));
    gen.save(to);
  },
  str_limit(gen, node, to) {
    const { limit, size } = node.type as StringType;
    gen.zero(to, size);
    gen.frame.scope(() => {
      const [text, length] = node.args;
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
  usym(gen, node, to) {
    evaluate(gen, node.args[0]);
    gen.save(to);
    evaluateBuiltin(gen, "pid");
    gen.save(shifted(to, 8));
  },
  ntop,
  macaddr,
  strftime(gen, node, to) {
    evaluate(gen, node.args[0]);
    gen.save(to);
    const text = gen.shared.plans.intern((node.args[1] as Node & { op: "text" }).value);
    gen.constant(R0, BigInt(text) | BigInt(node.numbers![0]) << 32n);
    gen.save(shifted(to, 8));
  },
  cgroup_path(gen, node, to) {
    evaluate(gen, node.args[0]);
    gen.save(to);
    const text = gen.shared.plans.intern((node.args[1] as Node & { op: "text" }).value);
    gen.constant(R0, BigInt(text));
    gen.save(shifted(to, 8));
  },
};

/** R0 = the value. */
export function evaluateCall(gen: Gen, node: Call): void {
  const emit = SCALAR[node.name];
  if (emit === undefined) throw new TypeError(`Cannot evaluate ${node.name}() into a register`);
  emit(gen, node);
}

/** Writes the value to memory. */
export function placeCall(gen: Gen, node: Call, to: Place): void {
  const emit = MEMORY[node.name];
  if (emit === undefined) throw new TypeError(`Cannot make ${node.name}() in memory`);
  emit(gen, node, to);
}

function buf(gen: Gen, node: Call, to: Place): void {
  const { limit } = node.type as Node["type"] & { kind: "buffer" };
  const [address, size] = node.args;
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
function ntop(gen: Gen, node: Call, to: Place): void {
  const [family, value] = node.args;
  gen.zero(to, 24);
  evaluate(gen, family);
  gen.save(to);
  if (node.numbers === undefined) {
    evaluate(gen, value);
    return gen.save(shifted(to, 8), 4);
  }
  bytesOf(gen, node, value, shifted(to, 8), node.numbers[0], node.numbers[1] === 1);
}

function macaddr(gen: Gen, node: Call, to: Place): void {
  gen.zero(to, 8);
  bytesOf(gen, node, node.args[0], to, 6, node.numbers![0] === 1);
}

/** Copies bytes from an address, or from a value. */
function bytesOf(
  gen: Gen,
  node: Node,
  value: Node,
  to: Place,
  bytes: number,
  isAddress: boolean,
): void {
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

function send(gen: Gen, node: Call, helper: number): void {
  evaluate(gen, node.args[0]);
  gen.emit(mov64(R1, R0), callHelper(helper));
}

/** R0 = whether the bytes were written. */
function writeUser(gen: Gen, node: Call): void {
  const [target, source] = node.args;
  const size = node.numbers![0];
  const failed = gen.asm.label("failed");
  const done = gen.asm.label("written");
  gen.frame.scope(() => {
    const address = gen.frame.slot();
    const data = gen.frame.scratchBlock(Math.max(72, words(size)));
    bytesOf(gen, node, source, data, size, source.type.kind === "pointer");
    evaluate(gen, target);
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
