// System calls: a record at the entry; at the return what is captured, then the result.

import type { Assembler } from "../../../core/asm/assembler.ts";
import { add64, and64, imm, mov32, mov64, mul64 } from "../../../core/asm/alu.ts";
import { BPF_FUNC } from "../../../core/asm/generated/helpers.ts";
import type { Label } from "../../../core/asm/instruction.ts";
import {
  call,
  callHelper,
  exit,
  ja,
  jeq,
  jge,
  jle,
  jne,
  jset,
  jslt,
} from "../../../core/asm/jump.ts";
import { load, loadMapValue, store, storeImm } from "../../../core/asm/load_store.ts";
import { R0, R1, R10, R2, R3, R6, R7, R8, R9 } from "../../../core/asm/register.ts";
import { emitLoad } from "../../../core/kernel_plane/location.ts";
import type { ActionSite, KernelAction } from "../../../core/contract/kernel_action.ts";
import { OUTCOME } from "../../../core/contract/outcome.ts";
import {
  emitCallCode,
  emitJumpIfForeign,
  UTRACE_BYTES,
  UTRACE_CALL,
} from "../../../core/sources/syscalls/mod.ts";
import { MOST_CAPTURES, RESULT } from "../captures.ts";
import { KTR } from "../formats/types.ts";
import { pointOf } from "../formats/points.ts";
import { type CaptureParts, emitCapture } from "./capture.ts";
import {
  CALL_WORDS,
  CAPTURED,
  MOST_CALLS,
  OPERATION,
  RECORD,
  RETURN_WORDS,
  SCRATCH,
  SCRATCH_IDS,
  TRACED,
} from "./layout.ts";
import {
  emitOutput,
  emitReserve,
  emitSubmit,
  emitTraced,
  IDS,
  type Parts,
  SPILL,
} from "./record.ts";

const ARGUMENTS = 6;
const CAPTURE_POINTS = pointOf(KTR.namei) | pointOf(KTR.genio) | pointOf(KTR.struct) |
  pointOf(KTR.structArray);

const EPERM = 1;
const EACCES = 13;

/** Action at the entry of a call: records number and arguments, or a user record. */
export function entryAction(parts: Parts): KernelAction {
  return {
    scratchBytes: SCRATCH.record + CAPTURED.data + UTRACE_BYTES,
    emit(site) {
      const { asm, layout } = site;
      const [user, usual, none] = ["user", "usual", "none"].map((one) => asm.label(one));
      emitTraced(site, parts, pointOf(KTR.syscall) | pointOf(KTR.user));
      emitCallCode(asm, layout, R6, SPILL);
      emitWanted(asm, parts, none);
      asm.emit(
        jeq(R0, imm(UTRACE_CALL), user),
        load(4, R1, R8, TRACED.points),
        and64(R1, imm(pointOf(KTR.syscall))),
        jne(R1, imm(0), usual),
      );
      asm.bind(none);
      asm.emit(mov32(R0, imm(OUTCOME.filtered)), exit());
      asm.bind(user);
      emitUser(site, parts, none);
      asm.bind(usual);
      emitReserve(site, parts, KTR.syscall, CALL_WORDS * 8);
      const put = (at: string, index: number) => {
        emitLoad(asm, layout, layout.locations[at], R6, SPILL);
        asm.emit(store(8, R9, RECORD.payload + index * 8, R0));
      };
      const [foreign, complete] = ["foreign", "complete"].map((one) => asm.label(one));
      emitCallCode(asm, layout, R6, SPILL);
      asm.emit(store(8, R9, RECORD.payload, R0));
      emitJumpIfForeign(asm, R0, foreign);
      for (let i = 0; i < ARGUMENTS; i++) put(`arg${i}`, i + 1);
      asm.emit(ja(complete));
      asm.bind(foreign);
      for (let i = 0; i < ARGUMENTS; i++) put(`compat${i}`, i + 1);
      asm.bind(complete);
      emitSubmit(site);
    },
  };
}

/** Jumps to `none` if the call whose code is in R0 is not to be recorded; keeps R0, clobbers R1. */
function emitWanted(asm: Assembler, { calls }: Parts, none: Label): void {
  if (calls === undefined) return;
  const wanted = asm.label("wanted_call");
  asm.emit(
    jge(R0, imm(MOST_CALLS), wanted),
    loadMapValue(R1, calls, 0),
    add64(R1, R0),
    load(1, R1, R1, 0),
    jeq(R1, imm(0), none),
  );
  asm.bind(wanted);
}

/** Records the bytes of utrace(address, length); a call with too many bytes records nothing. */
function emitUser(site: ActionSite, parts: Parts, none: Label): void {
  const { asm, layout } = site;
  const record = site.scratch + SCRATCH.record;
  const fits = asm.label("fits");
  asm.emit(
    load(4, R1, R8, TRACED.points),
    and64(R1, imm(pointOf(KTR.user))),
    jeq(R1, imm(0), none),
  );
  emitLoad(asm, layout, layout.locations.arg1, R6, SPILL);
  asm.emit(mov64(R9, R0), jle(R9, imm(UTRACE_BYTES), fits), ja(none));
  asm.bind(fits);
  emitLoad(asm, layout, layout.locations.arg0, R6, SPILL);
  asm.emit(
    mov64(R3, R0),
    mov64(R2, R9),
    mov64(R1, R7),
    add64(R1, imm(record + CAPTURED.data)),
    callHelper(BPF_FUNC.probe_read_user),
    jne(R0, imm(0), none),
    storeImm(8, R7, record + CAPTURED.info, 0),
    storeImm(4, R7, record + RECORD.type, KTR.user),
  );
  emitOutput(site, parts, UTRACE_BYTES);
  asm.emit(exit());
}

/**
 * Goes to `usual` unless seccomp may have refused the call: the kernel tells of no entry then. The task has
 * a filter, and the result is an error, or the call's own number where a signal is sent.
 */
function emitMayBeRefused({ asm, layout }: ActionSite, parts: Parts, usual: Label): void {
  const filtered = asm.label("may_have_filter");
  emitCallCode(asm, layout, R6, SPILL);
  asm.emit(jge(R0, imm(MOST_CALLS), usual), mov64(R9, R0));
  emitLoad(asm, layout, layout.locations.retval, R6, SPILL);
  asm.emit(jslt(R0, imm(0), filtered), jne(R0, R9, usual));
  asm.bind(filtered);
  asm.emit(
    callHelper(BPF_FUNC.get_current_task),
    mov64(R3, R0),
    add64(R3, imm(parts.fields.seccomp)),
    mov64(R1, R10),
    add64(R1, imm(SPILL)),
    mov64(R2, imm(4)),
    callHelper(BPF_FUNC.probe_read_kernel),
    load(4, R0, R10, SPILL),
    jeq(R0, imm(0), usual),
  );
}

/** Action at the return of a call: records captured memory, then the result. */
export function returnAction(parts: CaptureParts): KernelAction {
  return {
    // Room for a full capture and one more: a vector's element may be read behind the others, see emitVector.
    scratchBytes: SCRATCH.record + CAPTURED.data + parts.captureBytes * 2,
    emit(site) {
      const { asm, layout } = site;
      const done = asm.label("captured");
      const none = asm.label("no_return");
      const words = site.scratch + SCRATCH.words;
      emitTraced(site, parts, CAPTURE_POINTS | pointOf(KTR.sysret) | pointOf(KTR.capfail));
      if (parts.calls !== undefined) {
        emitCallCode(asm, layout, R6, SPILL);
        emitWanted(asm, parts, none);
      }
      asm.emit(
        load(4, R1, R8, TRACED.points),
        and64(R1, imm(CAPTURE_POINTS)),
        jeq(R1, imm(0), done),
      );
      emitCallCode(asm, layout, R6, SPILL);
      asm.emit(mov64(R9, R0), jge(R9, imm(MOST_CALLS), done));
      // Most calls have nothing to capture.
      asm.emit(
        loadMapValue(R1, parts.operations, 0),
        mul64(R9, imm(MOST_CAPTURES * OPERATION.size)),
        add64(R9, R1),
        load(1, R1, R9, OPERATION.how),
        jeq(R1, imm(0), done),
      );
      for (let i = 0; i < ARGUMENTS; i++) {
        emitLoad(asm, layout, layout.locations[`arg${i}`], R6, SPILL);
        asm.emit(store(8, R7, words + i * 8, R0));
      }
      emitLoad(asm, layout, layout.locations.retval, R6, SPILL);
      asm.emit(
        store(8, R7, words + RESULT * 8, R0),
        load(8, R0, R10, IDS),
        store(8, R7, words + SCRATCH_IDS * 8, R0),
      );
      const capture = asm.label("capture");
      for (let i = 0; i < MOST_CAPTURES; i++) {
        asm.emit(
          mov64(R1, R9),
          add64(R1, imm(i * OPERATION.size)),
          mov64(R2, R7),
          mov64(R3, R8),
          call(capture),
        );
      }
      asm.bind(done);
      const told = asm.label("told");
      asm.emit(
        load(4, R1, R8, TRACED.points),
        jset(R1, imm(pointOf(KTR.sysret)), told),
        and64(R1, imm(pointOf(KTR.capfail))),
        jeq(R1, imm(0), none),
      );
      // Without the point of results only refusals are recorded.
      emitLoad(asm, layout, layout.locations.retval, R6, SPILL);
      asm.emit(jeq(R0, imm(-EPERM), told), jne(R0, imm(-EACCES), none));
      asm.bind(told);
      const usual = asm.label("usual_return");
      const putReturn = () => {
        emitCallCode(asm, layout, R6, SPILL);
        asm.emit(store(8, R9, RECORD.payload, R0));
        emitLoad(asm, layout, layout.locations.retval, R6, SPILL);
        asm.emit(store(8, R9, RECORD.payload + 8, R0));
      };
      emitMayBeRefused(site, parts, usual);
      emitReserve(site, parts, KTR.sysret, (RETURN_WORDS + ARGUMENTS) * 8);
      putReturn();
      for (let i = 0; i < ARGUMENTS; i++) {
        emitLoad(asm, layout, layout.locations[`arg${i}`], R6, SPILL);
        asm.emit(store(8, R9, RECORD.payload + (RETURN_WORDS + i) * 8, R0));
      }
      emitSubmit(site);
      asm.bind(usual);
      emitReserve(site, parts, KTR.sysret, RETURN_WORDS * 8);
      putReturn();
      emitSubmit(site);
      asm.bind(none);
      asm.emit(mov32(R0, imm(OUTCOME.recorded)), exit());
      asm.bind(capture);
      emitCapture(site, parts);
    },
  };
}
