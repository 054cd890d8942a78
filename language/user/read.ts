// Pure: no I/O, no FFI.
// Reads of memory: of the process that the event is about.

import type { Node } from "../model/ir.ts";
import type { RuntimeFault } from "../model/plan.ts";
import { type Build, type Effect, refuse } from "./builder.ts";
import { fault } from "./records.ts";
import { evaluate } from "./scalar.ts";

const EFAULT = -14n;

/** Name of the helper that reads on the kernel plane: reports of failed reads name that helper. */
export type ReadHelper = "probe_read_user" | "probe_read_user_str";

/** The address of a read; one of kernel memory is refused. */
export function addressOf(b: Build, node: Node): () => bigint {
  const { type } = node;
  if (type.kind === "pointer" && type.space === "kernel") refuse(node, "This reads kernel memory");
  return evaluate(b, node);
}

/** Reports that a read failed, if anybody wants to know. */
export function failedRead(
  b: Build,
  at: Pick<Node, "span">,
  helper: ReadHelper,
): (address: bigint) => void {
  if (!b.reportsFailures) return () => {};
  const user = fault(b, at, { kind: "helper_error", helper });
  const kernel = fault(b, at, kernelFault(helper));
  // Addresses of the kernel have their highest bit set.
  return (address) => address < 0n ? kernel(EFAULT) : user(EFAULT);
}

function kernelFault(helper: ReadHelper): RuntimeFault {
  return { kind: "helper_error", helper: helper.replace("user", "kernel") };
}

/** Reads what a load means; leaves zeros if that fails. */
export function readInto(
  b: Build,
  node: Node & { op: "load" },
  to: number,
  size: number,
): Effect {
  const address = addressOf(b, node.address);
  const offset = BigInt(node.offset);
  const read = readBytes(b, node);
  return () => void read(address() + offset, to, size);
}

/** Reads bytes to scratch memory, all or zeros; false if that failed. */
export function readBytes(
  b: Build,
  node: Pick<Node, "span">,
): (address: bigint, to: number, size: number) => boolean {
  const { scratch, state } = b;
  const failed = failedRead(b, node, "probe_read_user");
  return (address, to, size) => {
    const into = scratch.memory.bytes.subarray(to, to + size);
    if (state.event.thread.read(address, into) === size) return true;
    into.fill(0);
    failed(BigInt.asIntN(64, address));
    return false;
  };
}
