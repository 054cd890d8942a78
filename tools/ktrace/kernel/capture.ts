// Reads what a system call has in memory: a function that the action at the return calls for each operation of
// the call. Registers: R6 the operation, R7 CPU block, R8 value of the map, R9 address, then length.

import type { Assembler } from "../../../core/asm/assembler.ts";
import { add64, and64, imm, lsh64, mov32, mov64, mul64, sub64 } from "../../../core/asm/alu.ts";
import { BPF_FUNC } from "../../../core/asm/generated/helpers.ts";
import type { Label, MapReference } from "../../../core/asm/instruction.ts";
import { callHelper, exit, ja, jeq, jge, jle, jne, jsgt, jslt } from "../../../core/asm/jump.ts";
import { load, store } from "../../../core/asm/load_store.ts";
import { R0, R1, R10, R2, R3, R6, R7, R8, R9 } from "../../../core/asm/register.ts";
import type { ActionSite } from "../../../core/contract/kernel_action.ts";
import {
  type Capture,
  HOW,
  MOST_CAPTURES,
  MOST_VECTORS,
  MSGHDR_AT,
  PATH_BYTES,
  RESULT,
} from "../captures.ts";
import { KTR } from "../formats/types.ts";
import {
  CAPTURED,
  FLAG,
  MOST_CALLS,
  OPERATION,
  RECORD,
  SCRATCH,
  SCRATCH_IDS,
  TRACED,
} from "./layout.ts";
import { emitOutput, IDS, type Parts, SPILL } from "./record.ts";

/** Stack offset of the number of bytes that the function may still take from a vector. */
const REST = -32;
/** Stack offset of the address of the vector's next element. */
const ELEMENT = -40;
/** Stack offset of the number of the vector's elements. */
const ELEMENTS = -48;

/** Maps, fields and limits that the capturing action uses. */
export interface CaptureParts extends Parts {
  /** Map whose value holds the array of {@linkcode encodeOperations}. */
  readonly operations: MapReference;
  /** Most bytes of any capture; more than a path has. */
  readonly captureBytes: number;
  /** Most bytes of data of a system call. */
  readonly genioBytes: number;
}

/** Operations by the number of their call, {@linkcode MOST_CAPTURES} each. */
export function encodeOperations(
  byNumber: readonly (readonly Capture[] | undefined)[],
  names: readonly string[],
): Uint32Array {
  const bytes = new Uint8Array(MOST_CALLS * MOST_CAPTURES * OPERATION.size);
  const view = new DataView(bytes.buffer);
  byNumber.forEach((captures, number) =>
    captures?.forEach((one, i) => {
      const at = (number * MOST_CAPTURES + i) * OPERATION.size;
      bytes[at + OPERATION.how] = one.how;
      bytes[at + OPERATION.argument] = one.argument;
      bytes[at + OPERATION.length] = one.length;
      bytes[at + OPERATION.flags] = (one.onSuccess ? FLAG.onSuccess : 0) |
        (one.isWrite ? FLAG.isWrite : 0);
      view.setUint16(at + OPERATION.bytes, one.bytes, true);
      bytes[at + OPERATION.name] = names.indexOf(one.name);
      bytes[at + OPERATION.type] = one.type;
    })
  );
  return new Uint32Array(bytes.buffer);
}

/** A function of its own: R1 the operation, R2 the CPU block, R3 the process's value. */
export function emitCapture(site: ActionSite, parts: CaptureParts): void {
  const { asm } = site;
  const words = site.scratch + SCRATCH.words;
  const record = site.scratch + SCRATCH.record;
  const out = asm.label("nothing");
  const on = asm.label("on");
  const go = asm.label("go");
  asm.emit(
    mov64(R6, R1),
    mov64(R7, R2),
    mov64(R8, R3),
    load(8, R1, R7, words + SCRATCH_IDS * 8),
    store(8, R10, IDS, R1),
  );
  asm.emit(load(1, R1, R6, OPERATION.how), jne(R1, imm(0), go));
  asm.bind(out);
  asm.emit(mov64(R0, imm(0)), exit());
  asm.bind(go);
  // The process's points must have the bit of the record's type: 1 << type.
  asm.emit(
    load(1, R1, R6, OPERATION.type),
    store(4, R7, record + RECORD.type, R1),
    mov64(R2, imm(1)),
    and64(R1, imm(63)),
    lsh64(R2, R1),
    load(4, R3, R8, TRACED.points),
    and64(R3, R2),
    jeq(R3, imm(0), out),
    load(1, R1, R6, OPERATION.flags),
    and64(R1, imm(FLAG.onSuccess)),
    jeq(R1, imm(0), on),
    load(8, R1, R7, words + RESULT * 8),
    jslt(R1, imm(0), out),
  );
  asm.bind(on);
  // The two words that describe the captured bytes.
  asm.emit(
    load(1, R1, R6, OPERATION.name),
    store(4, R7, record + CAPTURED.info, R1),
    load(2, R1, R6, OPERATION.bytes),
    store(4, R7, record + CAPTURED.info2, R1),
  );
  const noData = asm.label("no_data");
  asm.emit(
    load(1, R1, R6, OPERATION.type),
    jne(R1, imm(KTR.genio), noData),
    load(8, R1, R7, words),
    store(4, R7, record + CAPTURED.info, R1),
    load(1, R1, R6, OPERATION.flags),
    and64(R1, imm(FLAG.isWrite)),
    store(4, R7, record + CAPTURED.info2, R1),
  );
  asm.bind(noData);
  const [read, write, cut] = [asm.label("read"), asm.label("write"), asm.label("cut")];
  emitWord(asm, words, OPERATION.argument);
  asm.emit(mov64(R9, R0), jeq(R9, imm(0), out)); // R9: the address
  const is = (how: number, target: Label) => {
    asm.emit(load(1, R1, R6, OPERATION.how), jeq(R1, imm(how), target));
  };
  const at = {
    path: asm.label("path"),
    result: asm.label("result"),
    fixed: asm.label("fixed"),
    argument: asm.label("argument"),
    pointer: asm.label("pointer"),
    array: asm.label("array"),
    vector: asm.label("vector"),
    message: asm.label("message"),
  };
  for (const [how, label] of Object.entries(at)) is(HOW[how as keyof typeof HOW], label);
  asm.emit(ja(out));

  asm.bind(at.path);
  asm.emit(
    mov64(R1, R7),
    add64(R1, imm(record + CAPTURED.data)),
    mov64(R2, imm(PATH_BYTES)),
    mov64(R3, R9),
    callHelper(BPF_FUNC.probe_read_user_str),
    // The NUL is not written; what cannot be read is none.
    jsgt(R0, imm(0), cut),
    ja(out),
  );
  asm.bind(cut);
  asm.emit(mov64(R9, R0), add64(R9, imm(-1)), ja(write));

  asm.bind(at.result);
  asm.emit(
    load(8, R2, R7, words + RESULT * 8),
    jeq(R2, imm(0), out),
  );
  emitAtMost(asm, parts.genioBytes);
  asm.emit(ja(read));

  asm.bind(at.fixed);
  asm.emit(load(2, R2, R6, OPERATION.bytes), ja(read));

  asm.bind(at.argument);
  emitWord(asm, words, OPERATION.length);
  asm.emit(mov32(R2, R0));
  emitAtMost(asm, parts.captureBytes);
  emitAtMostBytes(asm);
  asm.emit(ja(read));

  asm.bind(at.pointer);
  emitWord(asm, words, OPERATION.length);
  asm.emit(
    mov64(R3, R0),
    mov64(R1, R10),
    add64(R1, imm(SPILL)),
    mov64(R2, imm(4)),
    callHelper(BPF_FUNC.probe_read_user),
    jne(R0, imm(0), out),
    load(4, R2, R10, SPILL),
  );
  emitAtMostBytes(asm);
  asm.emit(ja(read));

  asm.bind(at.array);
  emitWord(asm, words, OPERATION.length);
  asm.emit(mov32(R2, R0));
  emitAtMost(asm, PATH_BYTES / 8);
  asm.emit(load(2, R1, R6, OPERATION.bytes), mul64(R2, R1));
  emitAtMost(asm, PATH_BYTES);

  // R9 the address, R2 the length.
  asm.bind(read);
  asm.emit(jeq(R2, imm(0), out));
  emitAtMost(asm, parts.captureBytes);
  asm.emit(
    mov64(R3, R9),
    mov64(R9, R2),
    mov64(R1, R7),
    add64(R1, imm(record + CAPTURED.data)),
    callHelper(BPF_FUNC.probe_read_user),
    jne(R0, imm(0), out),
  );

  // R9 the length of what is in the record.
  asm.bind(write);
  emitOutput(site, parts, parts.captureBytes);
  asm.emit(mov64(R0, imm(0)), exit());

  asm.bind(at.message);
  const gather = asm.label("gather");
  asm.emit(
    mov64(R3, R9),
    add64(R3, imm(MSGHDR_AT.iov)),
    mov64(R1, R7),
    add64(R1, imm(site.scratch + SCRATCH.iovec)),
    mov64(R2, imm(16)),
    callHelper(BPF_FUNC.probe_read_user),
    jne(R0, imm(0), out),
    load(8, R9, R7, site.scratch + SCRATCH.iovec),
    load(8, R0, R7, site.scratch + SCRATCH.iovec + 8),
    ja(gather),
  );
  asm.bind(at.vector);
  emitWord(asm, words, OPERATION.length);
  asm.bind(gather);
  emitVector(site, parts, out, write);
}

/**
 * R9 the vector, R0 its elements: gathers data from them until as much is there as the result says. Leaves
 * its length in R9 and goes to `write`.
 */
function emitVector(site: ActionSite, parts: CaptureParts, out: Label, write: Label): void {
  const { asm } = site;
  const iovec = site.scratch + SCRATCH.iovec;
  const data = site.scratch + SCRATCH.record + CAPTURED.data;
  const [next, end] = [asm.label("element"), asm.label("gathered")];
  asm.emit(
    store(8, R10, ELEMENTS, R0),
    load(8, R2, R7, site.scratch + SCRATCH.words + RESULT * 8),
  );
  emitAtMost(asm, parts.genioBytes);
  asm.emit(
    jeq(R2, imm(0), out),
    store(8, R10, REST, R2),
    store(8, R10, ELEMENT, R9),
    mov64(R9, imm(0)), // bytes that are there
    mov64(R6, imm(0)), // elements that were taken
  );
  asm.bind(next);
  asm.emit(
    load(8, R1, R10, ELEMENTS),
    jge(R6, R1, end),
    jge(R6, imm(MOST_VECTORS), end),
    add64(R6, imm(1)),
    load(8, R3, R10, ELEMENT),
    mov64(R1, R3),
    add64(R1, imm(16)),
    store(8, R10, ELEMENT, R1),
    mov64(R1, R7),
    add64(R1, imm(iovec)),
    mov64(R2, imm(16)),
    callHelper(BPF_FUNC.probe_read_user),
    jne(R0, imm(0), end),
    load(8, R2, R7, iovec + 8),
    load(8, R1, R10, REST),
  );
  const fits = asm.label("fits");
  asm.emit(jle(R2, R1, fits), mov64(R2, R1));
  asm.bind(fits);
  emitAtMost(asm, parts.captureBytes);
  const room = asm.label("room");
  asm.emit(jle(R9, imm(parts.captureBytes), room), ja(end));
  asm.bind(room);
  asm.emit(
    store(8, R10, SPILL, R2),
    load(8, R3, R7, iovec),
    mov64(R1, R7),
    add64(R1, imm(data)),
    add64(R1, R9),
    callHelper(BPF_FUNC.probe_read_user),
    jne(R0, imm(0), end),
    load(8, R2, R10, SPILL),
    add64(R9, R2),
    load(8, R1, R10, REST),
    sub64(R1, R2),
    store(8, R10, REST, R1),
    jne(R1, imm(0), next),
  );
  asm.bind(end);
  asm.emit(jeq(R9, imm(0), out), ja(write));
}

/** R2 at most so much. */
function emitAtMost(asm: Assembler, most: number): void {
  const small = asm.label("small");
  asm.emit(jle(R2, imm(most), small), mov64(R2, imm(most)));
  asm.bind(small);
}

/** R2 at most what the operation says. */
function emitAtMostBytes(asm: Assembler): void {
  const small = asm.label("small");
  asm.emit(load(2, R1, R6, OPERATION.bytes), jle(R2, R1, small), mov64(R2, R1));
  asm.bind(small);
}

/** R0 = the argument, or the result, that a byte of the operation names. */
function emitWord(asm: Assembler, words: number, at: number): void {
  asm.emit(
    load(1, R1, R6, at),
    and64(R1, imm(7)),
    lsh64(R1, imm(3)),
    add64(R1, R7),
    load(8, R0, R1, words),
  );
}
