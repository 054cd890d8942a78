// Pure: no I/O, no FFI.
// Emits code that loads a value from where a location says: the program's context, or memory that
// the context points to. core/contract/context.ts describes locations.

import type { Assembler } from "../asm/assembler.ts";
import { add64, and64, arsh64, imm, lsh64, mov64, rsh64, sub64 } from "../asm/alu.ts";
import type { Instruction } from "../asm/instruction.ts";
import type { CType } from "../c_type.ts";
import { callHelper } from "../asm/jump.ts";
import { load, loadImm64, store } from "../asm/load_store.ts";
import { BPF_FUNC } from "../asm/generated/helpers.ts";
import { R0, R1, R10, R2, R3, type Register } from "../asm/register.ts";
import type { ContextLayout, Location } from "../contract/context.ts";

/**
 * Emits code that leaves the value at `location` in R0, extended to 64 bits as its type says.
 * Clobbers R1 to R5 and 8 bytes of the stack.
 *
 * @param asm Assembler to emit to.
 * @param layout Layout of the program's context.
 * @param location Where the value lies.
 * @param context Register that holds the context; must not be R0 to R5, and keeps its value.
 * @param stackOffset Offset from R10 of 8 free bytes.
 */
export function emitLoad(
  asm: Assembler,
  layout: ContextLayout,
  location: Location,
  context: Register,
  stackOffset: number,
): void {
  if (location.address !== undefined) return emitAddress(asm, location, context);
  if (location.memory !== undefined) {
    emitOperand(asm, location, context, stackOffset);
    return emitSign(asm, location);
  }
  if (location.pointer) {
    asm.emit(
      mov64(R3, context),
      add64(R3, imm(location.path[0])),
      mov64(R1, R10),
      add64(R1, imm(stackOffset)),
      mov64(R2, imm(8)),
      callHelper(BPF_FUNC.probe_read_kernel),
      load(8, R0, R10, stackOffset),
    );
    return;
  }
  if (location.constant !== undefined) {
    const bits = BigInt.asUintN(location.size * 8, location.constant);
    asm.emit(loadImm64(R0, bits));
    return emitSign(asm, location);
  }
  let from = context;
  location.path.forEach((offset, i) => {
    const last = i === location.path.length - 1;
    const size = last ? location.size : 8;
    if (i === 0 || !layout.untyped) {
      asm.emit(load(size, R0, from, offset));
    } else {
      asm.emit(
        mov64(R3, R0),
        add64(R3, imm(offset)),
        mov64(R1, R10),
        add64(R1, imm(stackOffset)),
        mov64(R2, imm(size)),
        callHelper(BPF_FUNC.probe_read_kernel),
        load(size, R0, R10, stackOffset),
      );
    }
    from = R0;
  });
  emitSign(asm, location);
  emitPart(asm, location, stackOffset);
}

/**
 * Emits the last step: picks bits out of R0, or turns a time in R0 into the time that has passed
 * since.
 */
function emitPart(asm: Assembler, { bits, elapsed }: Location, stackOffset: number): void {
  if (bits !== undefined) {
    asm.emit(
      lsh64(R0, imm(64 - bits.from - bits.width)),
      rsh64(R0, imm(64 - bits.width)),
    );
  }
  if (elapsed) {
    asm.emit(
      store(8, R10, stackOffset, R0),
      callHelper(BPF_FUNC.ktime_get_boot_ns),
      load(8, R1, R10, stackOffset),
      sub64(R0, R1),
    );
  }
}

/** Emits the sign extension of R0, if the value has a sign and fewer than 64 bits. */
function emitSign(asm: Assembler, { signed, size }: Location): void {
  if (signed && size < 8) asm.emit(...narrow({ size, signed: true }));
}

/**
 * Emits the load of a value from the traced process's memory into R0; 0 if the memory cannot be
 * read.
 */
function emitOperand(
  asm: Assembler,
  { path, size, memory }: Location,
  context: Register,
  stackOffset: number,
): void {
  const { displacement, index, scale = 1 } = memory!;
  asm.emit(load(8, R3, context, path[0]));
  if (index !== undefined) {
    asm.emit(load(8, R0, context, index), lsh64(R0, imm(Math.log2(scale))), add64(R3, R0));
  }
  asm.emit(
    loadImm64(R0, BigInt.asUintN(64, BigInt(displacement))),
    add64(R3, R0),
    mov64(R1, R10),
    add64(R1, imm(stackOffset)),
    mov64(R2, imm(size)),
    callHelper(BPF_FUNC.probe_read_user),
    load(size, R0, R10, stackOffset),
  );
}

/** Emits the address of a part of the context into R0. */
function emitAddress(asm: Assembler, { path, address }: Location, context: Register): void {
  const [offset] = path;
  if (address === "inline") {
    asm.emit(mov64(R0, context), add64(R0, imm(offset)));
    return;
  }
  asm.emit(
    load(4, R0, context, offset),
    and64(R0, imm(0xffff)),
    add64(R0, context),
  );
  if (address === "rel_loc") asm.emit(add64(R0, imm(offset + 4)));
}

/**
 * Makes the instructions that widen R0 from a C type to 64 bits: registers may hold anything above
 * a narrow argument.
 *
 * @param type Width in bytes and signedness of the value.
 */
export function narrow(type: Pick<CType, "size" | "signed">): Instruction[] {
  if (type.size === 8) return [];
  const shift = imm(64 - type.size * 8);
  return [lsh64(R0, shift), type.signed ? arsh64(R0, shift) : rsh64(R0, shift)];
}
