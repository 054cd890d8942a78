// Pure: no I/O, no FFI.
// Stacks: the frames go into a map under their hash, the hash is the value. Unlike the kernel's own
// stack maps, no stack pushes another one out.

import { MAX_STACK_FRAMES } from "../../core/contract/event_layout.ts";
import { add64, imm, lsh64, mov64, mul64, rsh64, xor64 } from "../../core/asm/alu.ts";
import { callHelper, jeq, jge, jlt, jne, jsgt } from "../../core/asm/jump.ts";
import { load, loadMap } from "../../core/asm/load_store.ts";
import { BPF_FUNC } from "../../core/asm/generated/helpers.ts";
import { R0, R1, R2, R3, R4, R5, R6 } from "../../core/asm/register.ts";
import type { Node } from "../model/ir.ts";
import type { StackType } from "../model/types.ts";
import { evaluateBuiltin } from "./builtins.ts";
import type { Place } from "./frame.ts";
import { type Gen, shifted } from "./emitter.ts";
import { countFailedUpdate } from "./maps.ts";
import { locate } from "./memory.ts";

/** Number of frames, then their addresses. */
export const STACK_BYTES = 8 + MAX_STACK_FRAMES * 8;

const BPF_F_USER_STACK = 256;
const BPF_NOEXIST = 1;
const EEXIST = 17;
const PRIME = 0x100000001b3n;

/** Writes hash and process of a stack. */
export function placeStack(gen: Gen, node: Node, to: Place): void {
  const { space, limit } = node.type as StackType;
  gen.shared.useStacks();
  const done = gen.asm.label("stack");
  gen.zero(to, 16);
  if (space === "user") {
    evaluateBuiltin(gen, "pid");
    gen.save(shifted(to, 8));
  }
  gen.frame.scope(() => {
    const entry = gen.frame.block(STACK_BYTES);
    const frames = shifted(entry, 8);
    const length = gen.frame.stackSlot();
    const some = gen.asm.label("some");
    const loop = gen.asm.label("hash");
    const hashed = gen.asm.label("hashed");
    // The helper fills up with zeros as far as it may write.
    if (limit < MAX_STACK_FRAMES) {
      gen.zero(shifted(frames, limit * 8), (MAX_STACK_FRAMES - limit) * 8);
    }
    gen.address(R2, frames);
    const flags = space === "user" ? BPF_F_USER_STACK : gen.site.skipFrames;
    gen.emit(
      mov64(R1, R6),
      mov64(R3, imm(limit * 8)),
      mov64(R4, imm(flags)),
      callHelper(BPF_FUNC.get_stack),
      jsgt(R0, imm(0), some),
      mov64(R0, imm(0)),
    );
    gen.asm.bind(some);
    gen.emit(rsh64(R0, imm(3)));
    gen.save(length);
    gen.save(entry);
    // R0 = hash, R2 = frames so far, R3 = how many, R4 = address of the next.
    gen.load(R3, length);
    gen.address(R4, frames);
    gen.constant(R5, PRIME);
    gen.constant(R0, 0xcbf29ce484222325n);
    gen.emit(mov64(R2, imm(0)));
    gen.asm.bind(loop);
    gen.emit(
      jge(R2, R3, hashed),
      load(8, R1, R4, 0),
      xor64(R0, R1),
      mul64(R0, R5),
      mov64(R1, R0),
      rsh64(R1, imm(29)),
      xor64(R0, R1),
      add64(R4, imm(8)),
      add64(R2, imm(1)),
      jlt(R2, imm(limit), loop),
    );
    gen.asm.bind(hashed);
    // Zero means that there is none.
    gen.emit(lsh64(R0, imm(1)), add64(R0, imm(1)));
    gen.save(to);
    // Most stacks are known, and a lookup takes no lock.
    gen.emit(loadMap(R1, gen.references.stacks!));
    gen.address(R2, to);
    gen.emit(callHelper(BPF_FUNC.map_lookup_elem), jne(R0, imm(0), done));
    gen.emit(loadMap(R1, gen.references.stacks!));
    gen.address(R2, to);
    gen.address(R3, entry);
    gen.emit(
      mov64(R4, imm(BPF_NOEXIST)),
      callHelper(BPF_FUNC.map_update_elem),
      jeq(R0, imm(0), done),
      jeq(R0, imm(-EEXIST), done),
    );
    countFailedUpdate(gen);
  });
  gen.asm.bind(done);
}

/** R0 = frames of a stack. */
export function stackLength(gen: Gen, stack: Node): void {
  const missing = gen.asm.label("missing");
  gen.shared.useStacks();
  gen.frame.scope(() => {
    const key = gen.frame.slot();
    const at = locate(gen, stack);
    gen.load(R0, at);
    gen.save(key);
    gen.emit(loadMap(R1, gen.references.stacks!));
    gen.address(R2, key);
    gen.emit(callHelper(BPF_FUNC.map_lookup_elem));
  });
  gen.emit(jeq(R0, imm(0), missing), load(8, R0, R0, 0));
  gen.asm.bind(missing);
}
