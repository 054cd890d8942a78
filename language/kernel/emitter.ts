// Pure: no I/O, no FFI.
// The state that the parts of the code generator share while they emit one action.
//
// Registers, throughout:
//   R0        value of the expression that was evaluated last
//   R1 … R5   arguments of helpers; operands; never kept across an expression
//   R6        context
//   R7        CPU block; scratch memory lies above it
//   R8        bytes of packed strings in the record that is being written
//   R9        outcomes so far: a bit for each of OUTCOME

import type { Assembler } from "../../core/asm/assembler.ts";
import type { Instruction, Label, MapReference } from "../../core/asm/instruction.ts";
import { add64, imm, mov64 } from "../../core/asm/alu.ts";
import { callHelper, ja, jsge } from "../../core/asm/jump.ts";
import { type AccessSize, load, loadImm64, store, storeImm } from "../../core/asm/load_store.ts";
import { BPF_FUNC } from "../../core/asm/generated/helpers.ts";
import { R0, R1, R2, R3, type Register } from "../../core/asm/register.ts";
import type { ActionSite } from "../../core/contract/kernel_action.ts";
import type { Action, Local, MapVariable } from "../model/ir.ts";
import type { Config } from "../check/config.ts";
import type { CheckedClause } from "../check/checked_program.ts";
import type { Plans } from "../model/plan.ts";
import type { Frame, Place } from "./frame.ts";
import type { CompiledMap } from "../model/map_layout.ts";

/** Room is left for the parts of a short block. */
const MAX_OFFSET = 32767 - 64;

/** What programs refer to: made after the code is known and before the programs are loaded. */
export interface References {
  /** The script's maps by name. */
  readonly maps: ReadonlyMap<string, MapReference>;
  /** As many zero bytes as the longest value of a map has. */
  readonly zeros: MapReference;
  /** Stacks by their hash; only for code that uses stacks. */
  readonly stacks?: MapReference;
  /** Process id of the -c child. */
  readonly childPid?: number;
}

/** What all actions of a script share. */
export interface GenShared {
  /** The script's maps by name. */
  readonly maps: ReadonlyMap<string, CompiledMap>;
  /** Number of CPUs that the system may ever have. */
  readonly cpus: number;
  /** Settings of the script. */
  readonly config: Config;
  /** True if failed reads and lookups are reported (-k). */
  readonly warnings: boolean;
  /** Plans that tell the reader what to do with each record. */
  readonly plans: Plans;
  /** Notes that stacks are recorded. */
  useStacks(): void;
}

/** Labels that control can go to from the statement at hand. */
export interface Exits {
  /** Leaves the clause at hand. */
  leave: Label;
  /** Leaves the function of the script that stands here in place. */
  return?: Label;
  /** Leaves the innermost loop. */
  break?: Label;
  /** Starts the next round of the innermost loop. */
  continue?: Label;
}

/** One action under construction. */
export class Gen {
  /** Assembler that collects the instructions. */
  readonly asm: Assembler;
  /** What the session offers to the action. */
  readonly site: ActionSite;
  /** Memory of the action: stack and scratch. */
  readonly frame: Frame;
  /** What all actions of the script share. */
  readonly shared: GenShared;
  /** Maps and numbers that the code refers to. */
  readonly references: References;
  /** The clause at hand. */
  clause!: CheckedClause;
  /** Labels that control can go to. */
  exits!: Exits;
  /** Where each variable of the clause lives. */
  locals: Map<Local, Place> = new Map();
  /** Slots by key for values that the clause uses more than once. */
  kept: Map<string, Place> = new Map();
  /** Keys of the slots in `kept` that hold their value on every path to this point. */
  filled: Set<string> = new Set();
  /** The statement at hand. */
  at: Pick<Action, "span"> = { span: { start: 0, end: 0 } };
  /** Where the rounds of loops inside the outermost loop are counted; undefined outside of loops. */
  rounds?: Place;
  /** A record around this place has strings packed: R8 is in use. */
  packing = false;
  /** Statements with unroll() whose bodies are functions. */
  rolled: ReadonlySet<Action> = new Set();
  /** Functions to be emitted after this one. */
  readonly deferred: (() => void)[] = [];

  /** Collects what the action needs. */
  constructor(site: ActionSite, frame: Frame, shared: GenShared, references: References) {
    this.asm = site.asm;
    this.site = site;
    this.frame = frame;
    this.shared = shared;
    this.references = references;
  }

  /** Appends instructions to the action. */
  emit(...instructions: Instruction[]): void {
    this.asm.emit(...instructions);
  }

  /** Types and shape of a map. */
  map(variable: MapVariable): CompiledMap {
    return this.shared.maps.get(variable.name)!;
  }

  /** What an instruction refers to a map by. */
  mapReference(variable: MapVariable): MapReference {
    return this.references.maps.get(variable.name)!;
  }

  /** `into` = address of a place. */
  address(into: Register, place: Place): void {
    if (place.pointer !== undefined) {
      const { base, offset } = place.pointer;
      this.emit(load(8, into, base, offset));
    } else {
      this.emit(mov64(into, place.base));
    }
    if (place.offset !== 0) this.emit(add64(into, imm(place.offset)));
  }

  /** Puts a constant of 64 bits into the register `into`. */
  constant(into: Register, value: bigint): void {
    this.emit(
      BigInt.asIntN(32, value) === BigInt.asIntN(64, value)
        ? mov64(into, imm(Number(BigInt.asIntN(32, value))))
        : loadImm64(into, value),
    );
  }

  /** `into` = the bytes at a place, zero-extended. */
  load(into: Register, place: Place, size: AccessSize = 8): void {
    const { base, offset, pointer } = place;
    if (pointer === undefined && offset < MAX_OFFSET) {
      return this.emit(load(size, into, base, offset));
    }
    this.address(into, place);
    this.emit(load(size, into, into, 0));
  }

  /** Stores R0, or another register that is not R1. Clobbers R1. */
  save(place: Place, size: AccessSize = 8, from: Register = R0): void {
    const { base, offset } = this.#reachable(place);
    this.emit(store(size, base, offset, from));
  }

  /** Stores a small constant. Clobbers R1. */
  saveConstant(place: Place, value: number, size: AccessSize = 8): void {
    const { base, offset } = this.#reachable(place);
    this.emit(storeImm(size, base, offset, value));
  }

  /** Zeroes memory. A read from address 0 fails and the helper then clears its buffer. */
  zero(place: Place, bytes: number): void {
    if (bytes <= 64) {
      const { base, offset } = this.#reachable(place);
      for (let i = 0; i < bytes; i += 8) this.emit(storeImm(8, base, offset + i, 0));
      return;
    }
    this.address(R1, place);
    this.emit(mov64(R2, imm(bytes)), mov64(R3, imm(0)), callHelper(BPF_FUNC.probe_read_kernel));
  }

  /** The place itself, or R1 made to point there: offsets in instructions have 16 bits. */
  #reachable(place: Place): Place {
    if (place.pointer === undefined && place.offset < MAX_OFFSET) return place;
    this.address(R1, place);
    return { base: R1, offset: 0 };
  }

  /** `*place = *R3` for `bytes` of kernel memory. */
  copy(place: Place, bytes: number): void {
    this.address(R1, place);
    this.emit(mov64(R2, imm(bytes)), callHelper(BPF_FUNC.probe_read_kernel));
  }

  /** Copies a string between two places, cut to `bytes` with its NUL. R0 = bytes written. */
  copyText(from: Place, to: Place, bytes: number): void {
    this.address(R3, from);
    this.address(R1, to);
    this.emit(mov64(R2, imm(bytes)), callHelper(BPF_FUNC.probe_read_kernel_str));
  }

  /** Raises R0, as signed: what a helper returned, or this if that is an error. */
  atLeast(least: number): void {
    const enough = this.asm.label("enough");
    this.emit(jsge(R0, imm(least), enough), mov64(R0, imm(least)));
    this.asm.bind(enough);
  }

  /** Copies between two places. Clobbers R0 to R5. */
  move(from: Place, to: Place, bytes: number): void {
    if (bytes <= 64 && bytes % 8 === 0) {
      this.address(R2, from);
      this.address(R3, to);
      for (let i = 0; i < bytes; i += 8) this.emit(load(8, R0, R2, i), store(8, R3, i, R0));
      return;
    }
    this.address(R3, from);
    this.copy(to, bytes);
  }

  /**
   * Emits code that only a jump leads to, which is rarely taken. The verifier goes on behind that code
   * first and keeps the other way for later: while it follows one way, it keeps 8192 others at most,
   * and so there is one for this jump, however many there are in the code.
   *
   * @param jump Makes the jump to the rare code.
   * @param emit Emits the rare code, which falls through to what follows.
   */
  rarely(jump: (rare: Label) => Instruction, emit: () => void): void {
    const rare = this.asm.label("rare");
    const done = this.asm.label("done");
    this.emit(jump(rare), ja(done));
    this.asm.bind(rare);
    emit();
    this.asm.bind(done);
  }

  /** Emits a branch that may be skipped: slots that it fills count as filled only inside. */
  branch<T>(emit: () => T): T {
    const before = this.filled;
    this.filled = new Set(before);
    const result = emit();
    this.filled = before;
    return result;
  }
}

/** The place `bytes` further on. */
export function shifted(place: Place, bytes: number): Place {
  return { ...place, offset: place.offset + bytes };
}
