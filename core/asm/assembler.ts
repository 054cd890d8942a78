// Pure: no I/O, no FFI.
// Collects the instructions of a program, resolves labels to distances, and encodes everything for
// BPF_PROG_LOAD. alu.ts, jump.ts and load_store.ts make the instructions; core/bpf/program.ts loads
// the bytes.

import { encode, type Instruction, Label, LD_IMM64, slots } from "./instruction.ts";
import { ja, jal } from "./jump.ts";
import { BPF_JMP, BPF_JMP32, BPF_PSEUDO_FUNC, JMP_OP } from "./opcode.ts";

const CALL = BPF_JMP | JMP_OP.call;
const EXIT = BPF_JMP | JMP_OP.exit;
const JA = BPF_JMP | JMP_OP.ja;
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
  readonly #measures: boolean;

  /**
   * Starts an empty program.
   *
   * @param options `measures`: only the length is of interest, and no instruction is kept.
   */
  constructor(options: { measures?: boolean } = {}) {
    this.#measures = options.measures ?? false;
  }

  /** Length of the program so far in slots of 8 bytes. */
  get size(): number {
    return this.#slot;
  }

  /** Appends instructions to the program. */
  emit(...instructions: Instruction[]): this {
    for (const one of instructions) {
      if (!this.#measures) this.#instructions.push(one);
      this.#slot += slots(one);
    }
    return this;
  }

  /** Makes a label, to be bound later; the name appears in error messages. */
  label(name = ""): Label {
    return new Label(name);
  }

  /**
   * Binds a label to the next instruction.
   *
   * @throws {ReferenceError} The label is bound already.
   */
  bind(label: Label): this {
    if (label.slot >= 0) throw new ReferenceError(`Cannot bind label "${label.name}" twice`);
    label.slot = this.#slot;
    if (!this.#measures) this.#bound.push(label);
    return this;
  }

  /**
   * Removes the instructions that no path from the first instruction reaches. The verifier refuses
   * dead code; thanks to this method, code generators need not avoid making it. All labels must be
   * bound.
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
   * Replaces jumps that are longer than 32767 slots by jumps of any distance (Linux 6.6). All labels
   * must be bound.
   *
   * @returns True if there was such a jump.
   */
  lengthenJumps(): boolean {
    let any = false;
    while (this.#lengthenOnce()) any = true;
    return any;
  }

  /** Lengthens the jumps that are too long now; others become too long when code grows between. */
  #lengthenOnce(): boolean {
    const grown: Instruction[] = [];
    const own: { label: Label; slot: number }[] = [];
    const newSlot = new Map<number, number>();
    let before = 0;
    let after = 0;
    const push = (one: Instruction) => {
      grown.push(one);
      after += slots(one);
    };
    const bindHere = (label: Label) => own.push({ label, slot: after });
    for (const one of this.#instructions) {
      newSlot.set(before, after);
      if (!isShortJump(one) || fits(one.target!.slot - before - 1)) {
        push(one);
      } else {
        const long = jal(one.target!);
        if (one.opcode !== JA) {
          // A condition leads to the long jump, which the other way steps over.
          const [taken, over] = [new Label("taken"), new Label("over")];
          push({ ...one, target: taken });
          push(ja(over));
          bindHere(taken);
          push(long);
          bindHere(over);
        } else {
          push(long);
        }
      }
      before += slots(one);
    }
    newSlot.set(before, after);
    const changed = grown.length !== this.#instructions.length ||
      grown.some((one, i) => one !== this.#instructions[i]);
    if (!changed) return false;
    for (const label of this.#bound) label.slot = newSlot.get(label.slot)!;
    for (const { label, slot } of own) {
      label.slot = slot;
      this.#bound.push(label);
    }
    this.#instructions.length = 0;
    for (const one of grown) this.#instructions.push(one);
    this.#slot = after;
    return true;
  }

  /**
   * Finds where the program's functions begin, if one of them is a callback: the kernel then
   * requires BTF for all functions (core/btf/build.ts).
   *
   * @returns Slots in ascending order, the main function's 0 included; undefined if there is no
   * callback.
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
   * Encodes the program, with labels resolved to distances and maps to descriptors.
   *
   * @returns The program's bytes, 8 per slot.
   * @throws {ReferenceError} A label is not bound.
   * @throws {RangeError} A jump is longer than its offset field can express.
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

/** True for a jump whose distance has 16 bits. */
function isShortJump({ opcode, target }: Instruction): boolean {
  return target !== undefined && opcode !== CALL && opcode !== GOTOL && opcode !== LD_IMM64;
}

/** True if a distance fits the 16 bits of a jump's offset. */
function fits(distance: number): boolean {
  return distance === distance << 16 >> 16;
}

/** True if no path leads from this instruction to the next one. */
function endsPath({ opcode }: Instruction): boolean {
  return opcode === EXIT || opcode === GOTOL || opcode === JA;
}

/**
 * Replaces an instruction's map by a descriptor and its label by a distance from the slot after it.
 */
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
  if (!fits(distance)) {
    throw new RangeError(
      `Cannot jump ${distance} slots to label "${one.target.name}": the limit is 32767`,
    );
  }
  return { ...one, offset: distance };
}
