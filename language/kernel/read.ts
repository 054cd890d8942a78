// Pure: no I/O, no FFI.
// Reads of kernel and user memory.

import { add64, imm, mov64, type Operand } from "../../core/asm/alu.ts";
import { callHelper, ja, jslt } from "../../core/asm/jump.ts";
import { BPF_FUNC } from "../../core/asm/generated/helpers.ts";
import { R0, R1, R2, R3 } from "../../core/asm/register.ts";
import type { Node } from "../model/ir.ts";
import type { Space } from "../model/types.ts";
import { emitFault } from "./records.ts";
import type { Place } from "./frame.ts";
import type { Gen } from "./emitter.ts";
import { evaluate } from "./scalar.ts";

const HELPERS = {
  bytes: { kernel: "probe_read_kernel", user: "probe_read_user" },
  text: { kernel: "probe_read_kernel_str", user: "probe_read_user_str" },
} as const;

/** Which memory an address means, if that is known. */
export function spaceOf(node: Node): Space | undefined {
  return node.type.kind === "pointer" ? node.type.space : undefined;
}

/** Reads `size` bytes of what a load means to a place, zeros if that fails. Clobbers R0 to R5. */
export function emitRead(gen: Gen, node: Node & { op: "load" }, to: Place, size: number): void {
  evaluate(gen, node.address);
  gen.emit(mov64(R3, R0));
  if (node.offset !== 0) gen.emit(add64(R3, imm(node.offset)));
  callRead(gen, "bytes", spaceOf(node.address), node, imm(size), () => gen.address(R1, to));
}

/**
 * Calls a read helper with the source in R3. R0 is its result: of text the length with its NUL, or a
 * negative error. Clobbers R1 to R5.
 *
 * @param size Bytes; in R2 if it is a register.
 * @param destination Puts the address into R1 and leaves R2 and R3 alone.
 */
export function callRead(
  gen: Gen,
  what: keyof typeof HELPERS,
  space: Space | undefined,
  at: Pick<Node, "span">,
  size: Operand,
  destination: () => void,
): void {
  if (typeof size !== "number") gen.emit(mov64(R2, size));
  destination();
  if (space !== undefined) {
    call(gen, HELPERS[what][space], at);
    return;
  }
  // Addresses of the kernel have their highest bit set.
  const kernel = gen.asm.label("kernel");
  const done = gen.asm.label("read");
  gen.emit(jslt(R3, imm(0), kernel));
  call(gen, HELPERS[what].user, at);
  gen.emit(ja(done));
  gen.asm.bind(kernel);
  call(gen, HELPERS[what].kernel, at);
  gen.asm.bind(done);
}

function call(
  gen: Gen,
  helper: "probe_read_kernel" | "probe_read_user" | "probe_read_kernel_str" | "probe_read_user_str",
  at: Pick<Node, "span">,
): void {
  gen.emit(callHelper(BPF_FUNC[helper]));
  if (!gen.shared.warnings) return;
  gen.rarely((failed) => jslt(R0, imm(0), failed), () =>
    gen.frame.scope(() => {
      const result = gen.frame.stackSlot();
      gen.save(result);
      emitFault(gen, at, { kind: "helper_error", helper }, result);
      gen.load(R0, result);
    }));
}
