// Pure: no I/O, no FFI.
// Collects instructions, binds labels, and turns the whole into bytes for BPF_PROG_LOAD.

import { encode, type Instruction, Label, LD_IMM64, slots } from "./instruction.ts";
import { BPF_JMP, BPF_JMP32, BPF_PSEUDO_FUNC, JMP_OP } from "./opcode.ts";

const CALL = BPF_JMP | JMP_OP.call;
const EXIT = BPF_JMP | JMP_OP.exit;
const GOTOL = BPF_JMP32 | JMP_OP.ja;

/**
 * An eBPF program under construction.
 *
 * @example
 * ```ts
 * import { Assembler, exit, imm, jeq, mov64, R0, R1 } from "./mod.ts";
 *
 * const asm = new Assembler();
 * const zero = asm.label("zero");
 * asm.emit(mov64(R0, imm(0)), jeq(R1, imm(0), zero), mov64(R0, imm(1)));
 * asm.bind(zero);
 * asm.emit(exit());
 * console.log(asm.assemble().length); // 32
 * ```
 */
export class Assembler {
  readonly #instructions: Instruction[] = [];
  readonly #bound: Label[] = [];
  #slot = 0;

  /** Slots emitted so far. */
  get size(): number {
    return this.#slot;
  }

  /** Appends instructions. */
  emit(...instructions: Instruction[]): this {
    for (const one of instructions) {
      this.#instructions.push(one);
      this.#slot += slots(one);
    }
    return this;
  }

  /** A new label, to be bound later. */
  label(name = ""): Label {
    return new Label(name);
  }

  /**
   * Makes `label` name the next instruction.
   *
   * @throws {ReferenceError} The label was bound before.
   */
  bind(label: Label): this {
    if (label.slot >= 0) throw new ReferenceError(`Cannot bind label "${label.name}" twice`);
    label.slot = this.#slot;
    this.#bound.push(label);
    return this;
  }

  /**
   * Removes what no path from the first instruction reaches: the verifier refuses dead code, and code
   * generators need not care to avoid it.
   */
  dropUnreachable(): this {
    const all = this.#instructions;
    const indexAt = new Map<number, number>();
    let slot = 0;
    all.forEach((one, index) => {
      indexAt.set(slot, index);
      slot += slots(one);
    });
    const reached = new Uint8Array(all.length);
    const pending = [0];
    for (let index = pending.pop(); index !== undefined; index = pending.pop()) {
      if (index >= all.length || reached[index]) continue;
      reached[index] = 1;
      const one = all[index];
      if (one.target !== undefined) pending.push(indexAt.get(one.target.slot) ?? all.length);
      if (!endsPath(one)) pending.push(index + 1);
    }
    // A label moves down by what was removed before it.
    const newSlot = new Map<number, number>();
    let before = 0;
    let after = 0;
    all.forEach((one, index) => {
      newSlot.set(before, after);
      before += slots(one);
      if (reached[index]) after += slots(one);
    });
    newSlot.set(before, after);
    for (const label of this.#bound) label.slot = newSlot.get(label.slot)!;
    let kept = 0;
    all.forEach((one, index) => {
      if (reached[index]) all[kept++] = one;
    });
    all.length = kept;
    this.#slot = after;
    return this;
  }

  /**
   * Where functions begin, if one of them is a callback: the kernel then wants to be told of all.
   * Undefined if there is none.
   */
  functions(): number[] | undefined {
    const targets = this.#instructions.filter(({ opcode, target }) =>
      target !== undefined && (opcode === CALL || opcode === LD_IMM64)
    );
    const callback = targets.some(({ opcode, src }) =>
      opcode === LD_IMM64 && src === BPF_PSEUDO_FUNC
    );
    if (!callback) return undefined;
    const starts = new Set([0, ...targets.map(({ target }) => target!.slot)]);
    return [...starts].sort((a, b) => a - b);
  }

  /**
   * Resolves labels and maps.
   *
   * @returns The program's bytes, 8 per slot.
   * @throws {ReferenceError} A label was never bound.
   * @throws {RangeError} A jump leads further than its offset field can say.
   */
  assemble(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.#slot * 8);
    const view = new DataView(bytes.buffer);
    let slot = 0;
    for (const one of this.#instructions) {
      encode(view, slot * 8, resolve(one, slot));
      slot += slots(one);
    }
    return bytes;
  }
}

/** Nothing falls through to the next instruction. */
function endsPath({ opcode }: Instruction): boolean {
  return opcode === EXIT || opcode === GOTOL || opcode === (BPF_JMP | JMP_OP.ja);
}

function resolve(one: Instruction, slot: number): Instruction {
  if (one.map !== undefined) return { ...one, imm: one.map.fd };
  if (one.target === undefined) return one;
  if (one.target.slot < 0) {
    throw new ReferenceError(`Cannot assemble: label "${one.target.name}" is not bound`);
  }
  const distance = one.target.slot - slot - 1;
  if (one.opcode === CALL || one.opcode === GOTOL || one.opcode === LD_IMM64) {
    return { ...one, imm: distance };
  }
  if (distance < -32768 || distance > 32767) {
    throw new RangeError(
      `Cannot jump ${distance} slots to label "${one.target.name}": the limit is 32767`,
    );
  }
  return { ...one, offset: distance };
}
