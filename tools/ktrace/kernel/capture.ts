// Reads what a system call has in memory: a function that the action at the return calls for each operation of
// the call. Registers: R6 the operation, R7 CPU block, R8 value of the map, R9 address, then length.

import type { Assembler } from "../../../core/asm/assembler.ts";
import { add64, and64, imm, lsh64, mov32, mov64, mul64, sub64 } from "../../../core/asm/alu.ts";
import { BPF_FUNC } from "../../../core/asm/generated/helpers.ts";
import type { Label, MapReference } from "../../../core/asm/instruction.ts";
import {
  call,
  callHelper,
  exit,
  ja,
  jeq,
  jgt,
  jle,
  jne,
  jsgt,
  jslt,
} from "../../../core/asm/jump.ts";
import { load, loadFunction, store, storeImm } from "../../../core/asm/load_store.ts";
import { R0, R1, R10, R2, R3, R4, R6, R7, R8, R9 } from "../../../core/asm/register.ts";
import type { ActionSite } from "../../../core/contract/kernel_action.ts";
import {
  ARRAY_BYTES,
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
  GATHER,
  MOST_CALLS,
  OPERATION,
  RECORD,
  SCRATCH,
  SCRATCH_IDS,
  TRACED,
} from "./layout.ts";
import { emitOutput, IDS, type Parts, SPILL } from "./record.ts";

/** Stack offset of the CPU block's address, which the function that gathers is called with. */
const BLOCK = -32;
/** Rounds of gathering where the kernel cannot call a function for each: the verifier walks through all. */
const FEW_ROUNDS = 16;

/** Maps, fields and limits that the capturing action uses. */
export interface CaptureParts extends Parts {
  /** Map whose value holds the array of {@linkcode encodeOperations}. */
  readonly operations: MapReference;
  /** Most bytes of any capture; more than a path has. */
  readonly captureBytes: number;
  /** Most bytes of data of a system call. */
  readonly genioBytes: number;
  /** True if the kernel calls functions for loops (Linux 5.17). */
  readonly loops: boolean;
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
    messages: asm.label("messages"),
    messageName: asm.label("message_name"),
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
  emitAtMost(asm, ARRAY_BYTES / 8);
  asm.emit(load(2, R1, R6, OPERATION.bytes), mul64(R2, R1));
  emitAtMost(asm, ARRAY_BYTES);

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

  // R9: struct msghdr.
  asm.bind(at.messageName);
  emitRead(asm, site, 16, out);
  asm.emit(
    load(8, R9, R7, site.scratch + SCRATCH.read + MSGHDR_AT.name),
    jeq(R9, imm(0), out),
    load(4, R2, R7, site.scratch + SCRATCH.read + MSGHDR_AT.nameBytes),
  );
  emitAtMostBytes(asm);
  asm.emit(ja(read));

  const gather = site.scratch + SCRATCH.gather;
  const start = asm.label("gather");
  asm.bind(at.messages);
  asm.emit(
    store(8, R7, gather + GATHER.message, R9),
    load(8, R1, R7, words + RESULT * 8),
    store(8, R7, gather + GATHER.messages, R1),
    storeImm(8, R7, gather + GATHER.elements, 0),
    ja(start),
  );
  asm.bind(at.message);
  const vector = asm.label("one_vector");
  asm.emit(add64(R9, imm(MSGHDR_AT.iov)));
  emitRead(asm, site, 16, out);
  asm.emit(
    load(8, R9, R7, site.scratch + SCRATCH.read),
    load(8, R0, R7, site.scratch + SCRATCH.read + 8),
    ja(vector),
  );
  asm.bind(at.vector);
  emitWord(asm, words, OPERATION.length);
  asm.bind(vector);
  asm.emit(
    store(8, R7, gather + GATHER.element, R9),
    store(8, R7, gather + GATHER.elements, R0),
    storeImm(8, R7, gather + GATHER.messages, 0),
    load(8, R2, R7, words + RESULT * 8),
  );
  emitAtMost(asm, parts.genioBytes);
  asm.emit(store(8, R7, gather + GATHER.rest, R2));
  asm.bind(start);
  asm.emit(storeImm(8, R7, gather + GATHER.have, 0));
  const round = asm.label("round");
  emitRounds(asm, round, parts.loops);
  asm.emit(
    load(8, R9, R7, gather + GATHER.have),
    jeq(R9, imm(0), out),
    jgt(R9, imm(parts.captureBytes), out),
    ja(write),
  );
  asm.bind(round);
  emitRound(site, parts);
}

/** Reads bytes at the address in R9 to the place for them; goes to `out` if they cannot be read. */
function emitRead(asm: Assembler, site: ActionSite, bytes: number, out: Label): void {
  asm.emit(
    mov64(R3, R9),
    mov64(R1, R7),
    add64(R1, imm(site.scratch + SCRATCH.read)),
    mov64(R2, imm(bytes)),
    callHelper(BPF_FUNC.probe_read_user),
    jne(R0, imm(0), out),
  );
}

/** Gathers until there is no more, by a function that is called for each element and each message. */
function emitRounds(asm: Assembler, round: Label, loops: boolean): void {
  const done = asm.label("gathered");
  asm.emit(store(8, R10, BLOCK, R7));
  if (loops) {
    asm.emit(
      mov64(R1, imm(MOST_VECTORS)),
      loadFunction(R2, round),
      mov64(R3, R10),
      add64(R3, imm(BLOCK)),
      mov64(R4, imm(0)),
      callHelper(BPF_FUNC.loop),
    );
  } else {
    for (let i = 0; i < FEW_ROUNDS; i++) {
      asm.emit(mov64(R2, R10), add64(R2, imm(BLOCK)), call(round), jne(R0, imm(0), done));
    }
  }
  asm.bind(done);
}

/** A function: R2 the address of the CPU block's address. Its result is 1 if there is no more. */
function emitRound(site: ActionSite, parts: CaptureParts): void {
  const { asm } = site;
  const gather = site.scratch + SCRATCH.gather;
  const read = site.scratch + SCRATCH.read;
  const data = site.scratch + SCRATCH.record + CAPTURED.data;
  const [end, next, message] = ["end", "next", "message"].map((one) => asm.label(`gather_${one}`));
  asm.emit(
    load(8, R7, R2, 0),
    load(8, R1, R7, gather + GATHER.elements),
    jeq(R1, imm(0), message),
    load(8, R2, R7, gather + GATHER.rest),
    jeq(R2, imm(0), message),
    add64(R1, imm(-1)),
    store(8, R7, gather + GATHER.elements, R1),
    load(8, R9, R7, gather + GATHER.element),
    mov64(R1, R9),
    add64(R1, imm(16)),
    store(8, R7, gather + GATHER.element, R1),
  );
  emitRead(asm, site, 16, end);
  const fits = asm.label("fits");
  asm.emit(
    load(8, R2, R7, read + 8),
    jeq(R2, imm(0), next),
    load(8, R1, R7, gather + GATHER.rest),
    jle(R2, R1, fits),
    mov64(R2, R1),
  );
  asm.bind(fits);
  emitAtMost(asm, parts.genioBytes);
  asm.emit(
    load(8, R9, R7, gather + GATHER.have),
    jgt(R9, imm(parts.captureBytes), end),
    mov64(R6, R2),
    load(8, R3, R7, read),
    mov64(R1, R7),
    add64(R1, imm(data)),
    add64(R1, R9),
    callHelper(BPF_FUNC.probe_read_user),
    jne(R0, imm(0), end),
    add64(R9, R6),
    store(8, R7, gather + GATHER.have, R9),
    load(8, R1, R7, gather + GATHER.rest),
    sub64(R1, R6),
    store(8, R7, gather + GATHER.rest, R1),
  );
  asm.bind(next);
  asm.emit(mov64(R0, imm(0)), exit());
  asm.bind(end);
  asm.emit(mov64(R0, imm(1)), exit());

  // The next message: its vector, and as many bytes as it says, if there is room.
  asm.bind(message);
  asm.emit(
    load(8, R1, R7, gather + GATHER.messages),
    jeq(R1, imm(0), end),
    add64(R1, imm(-1)),
    store(8, R7, gather + GATHER.messages, R1),
    load(8, R9, R7, gather + GATHER.message),
    mov64(R1, R9),
    add64(R1, imm(MSGHDR_AT.bytes)),
    store(8, R7, gather + GATHER.message, R1),
    add64(R9, imm(MSGHDR_AT.iov)),
  );
  emitRead(asm, site, MSGHDR_AT.bytes - MSGHDR_AT.iov, end);
  const enough = asm.label("enough");
  asm.emit(
    load(8, R1, R7, read),
    store(8, R7, gather + GATHER.element, R1),
    load(8, R1, R7, read + MSGHDR_AT.count - MSGHDR_AT.iov),
    store(8, R7, gather + GATHER.elements, R1),
    load(4, R2, R7, read + MSGHDR_AT.length - MSGHDR_AT.iov),
    mov64(R1, imm(parts.genioBytes)),
    load(8, R3, R7, gather + GATHER.have),
    sub64(R1, R3),
    jeq(R1, imm(0), end),
    jle(R2, R1, enough),
    mov64(R2, R1),
  );
  asm.bind(enough);
  asm.emit(store(8, R7, gather + GATHER.rest, R2), ja(next));
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
