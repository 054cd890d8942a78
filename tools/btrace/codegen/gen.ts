// Pure: no I/O, no FFI.
// What the pieces of the code generator share while one action is emitted.
//
// Registers, throughout:
//   R0        value of the expression that was evaluated last
//   R1 … R5   arguments of helpers; operands; never kept across an expression
//   R6        context
//   R7        CPU block; scratch memory lies above it
//   R8        bytes of packed strings in the record that is being written
//   R9        outcome so far (OUTCOME)

import type { Assembler } from "../../../core/asm/assembler.ts";
import type { Instruction, Label, MapReference } from "../../../core/asm/instruction.ts";
import { add64, imm, mov64 } from "../../../core/asm/alu.ts";
import { callHelper } from "../../../core/asm/jump.ts";
import { loadImm64, store, storeImm } from "../../../core/asm/load_store.ts";
import { BPF_FUNC } from "../../../core/asm/generated/helpers.ts";
import { R0, R1, R2, R3, type Register } from "../../../core/asm/register.ts";
import type { ActionSite } from "../../../core/provider.ts";
import type { Expr } from "../lang/ast.ts";
import type { MapType, ValueType } from "../lang/types.ts";
import type { CheckedClause } from "../passes/check.ts";
import type { Plan } from "../output/plan.ts";
import type { Frame, Place } from "./frame.ts";
import type { MapLayout } from "./map_layout.ts";

/** Room is left for the parts of a short block. */
const MAX_OFFSET = 32767 - 64;

/** A map that the script uses. */
export interface GenMap {
  /** Keys and value. */
  readonly type: MapType;
  /** Shape. */
  readonly layout: MapLayout;
  /** The BPF map; its descriptor is asked for when the program is assembled. */
  readonly map: MapReference;
}

/** What all actions of a script share. */
export interface GenShared {
  /** By name. */
  readonly maps: ReadonlyMap<string, GenMap>;
  /** As many zero bytes as the longest value of a map. */
  readonly zeros: MapReference;
  /** What records lead to: grows while code is emitted; an expression's plan is made once. */
  plan(key: object, make: () => Plan): number;
  /** Number of the probe with that name, -1 if the script does not enable it. */
  probeNumber(name: string): number;
}

/** One action under construction. */
export class Gen {
  readonly asm: Assembler;
  readonly site: ActionSite;
  readonly frame: Frame;
  readonly shared: GenShared;
  /** The clause at hand. */
  clause!: CheckedClause;
  /** Leaves the clause at hand. */
  leave!: Label;
  /** Where each variable of the clause lives. */
  variables: Map<string, Place> = new Map();
  /** Holds the probe's number. */
  probe!: Place;

  /** Collects what the action needs. */
  constructor(site: ActionSite, frame: Frame, shared: GenShared) {
    this.asm = site.asm;
    this.site = site;
    this.frame = frame;
    this.shared = shared;
  }

  /** Appends instructions. */
  emit(...instructions: Instruction[]): void {
    this.asm.emit(...instructions);
  }

  /** Type of an expression, from the checker. */
  typeOf(expr: Expr): ValueType {
    return this.clause.types.get(expr)!;
  }

  /** A map by name. */
  map(name: string): GenMap {
    return this.shared.maps.get(name)!;
  }

  /** `into` = address of a place. */
  address(into: Register, place: Place): void {
    this.emit(mov64(into, place.base), add64(into, imm(place.offset)));
  }

  /** `into` = constant. */
  constant(into: Register, value: bigint): void {
    this.emit(
      BigInt.asIntN(32, value) === BigInt.asIntN(64, value)
        ? mov64(into, imm(Number(BigInt.asIntN(32, value))))
        : loadImm64(into, value),
    );
  }

  /** Stores R0. Clobbers R1. */
  save(place: Place): void {
    const { base, offset } = this.#reachable(place);
    this.emit(store(8, base, offset, R0));
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
    if (place.offset < MAX_OFFSET) return place;
    this.address(R1, place);
    return { base: R1, offset: 0 };
  }

  /** `*place = *R3` for `bytes` of kernel memory. */
  copy(place: Place, bytes: number): void {
    this.address(R1, place);
    this.emit(mov64(R2, imm(bytes)), callHelper(BPF_FUNC.probe_read_kernel));
  }
}

/** The place `bytes` further on. */
export function shifted(place: Place, bytes: number): Place {
  return { base: place.base, offset: place.offset + bytes };
}
