/**
 * An assembler and disassembler for eBPF, in and out of bytes. Pure: no I/O, no FFI.
 *
 * Instructions are plain values made by functions named after the operation (`add64`, `jeq`,
 * `load`); {@linkcode Assembler} strings them together and resolves labels and maps.
 *
 * @example
 * ```ts
 * import { Assembler, disassemble, exit, imm, mov64, R0 } from "./mod.ts";
 *
 * const bytes = new Assembler().emit(mov64(R0, imm(0)), exit()).assemble();
 * console.log(disassemble(bytes));
 * //    0: (b7) r0 = 0
 * //    1: (95) exit
 * ```
 *
 * @see {@link https://docs.kernel.org/bpf/standardization/instruction-set.html}
 * @module
 */

export * from "./register.ts";
export * from "./opcode.ts";
export * from "./instruction.ts";
export * from "./alu.ts";
export * from "./jump.ts";
export * from "./load_store.ts";
export { Assembler } from "./assembler.ts";
export { disassemble, type DisassembleOptions, formatInstruction } from "./disassemble.ts";
export { BPF_FUNC, HELPERS } from "./generated/helpers.ts";
