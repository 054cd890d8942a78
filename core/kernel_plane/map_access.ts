// Pure: no I/O, no FFI.
// Lookups and updates of maps whose key stands on the stack. A lookup leaves the address of the value in R0.

import type { Assembler } from "../asm/assembler.ts";
import { add64, imm, mov64 } from "../asm/alu.ts";
import { BPF_FUNC } from "../asm/generated/helpers.ts";
import type { Label, MapReference } from "../asm/instruction.ts";
import { callHelper, jeq } from "../asm/jump.ts";
import { loadMap, store } from "../asm/load_store.ts";
import { R0, R1, R10, R2, R3, R4 } from "../asm/register.ts";

/**
 * Emits the lookup of a key that is on the stack. Clobbers R0 to R5.
 *
 * @param key Offset of the key from R10.
 * @param missing Where the program goes if the map has no such key.
 */
export function emitLookup(asm: Assembler, map: MapReference, key: number, missing: Label): void {
  asm.emit(
    loadMap(R1, map),
    mov64(R2, R10),
    add64(R2, imm(key)),
    callHelper(BPF_FUNC.map_lookup_elem),
    jeq(R0, imm(0), missing),
  );
}

/**
 * Emits the lookup of the running CPU's value in an array. Clobbers R0 to R5.
 *
 * @param key Offset from R10 of four bytes for the key.
 */
export function emitCpuLookup(
  asm: Assembler,
  map: MapReference,
  key: number,
  missing: Label,
): void {
  asm.emit(callHelper(BPF_FUNC.get_smp_processor_id), store(4, R10, key, R0));
  emitLookup(asm, map, key, missing);
}

/**
 * Emits the update of a map, with key and value on the stack; R0 is 0 then, or a negative errno. Clobbers R0
 * to R5.
 *
 * @param key Offset of the key from R10.
 * @param value Offset of the value from R10.
 */
export function emitUpdate(asm: Assembler, map: MapReference, key: number, value: number): void {
  asm.emit(
    loadMap(R1, map),
    mov64(R2, R10),
    add64(R2, imm(key)),
    mov64(R3, R10),
    add64(R3, imm(value)),
    mov64(R4, imm(0)),
    callHelper(BPF_FUNC.map_update_elem),
  );
}
