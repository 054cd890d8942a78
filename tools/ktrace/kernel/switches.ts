// Pure: no I/O, no FFI.
// What happens to a thread beside its system calls: signals, context switches, page faults.

import { add64, and64, imm, mov64 } from "../../../core/asm/alu.ts";
import { BPF_FUNC } from "../../../core/asm/generated/helpers.ts";
import { callHelper, ja, jeq } from "../../../core/asm/jump.ts";
import { load, store, storeImm } from "../../../core/asm/load_store.ts";
import { R0, R1, R10, R2, R3, R6, R7, R8, R9 } from "../../../core/asm/register.ts";
import { emitLoad } from "../../../core/kernel_plane/location.ts";
import type { ContextLayout, Location } from "../../../core/contract/context.ts";
import type { KernelAction } from "../../../core/contract/kernel_action.ts";
import type { Ids } from "../../../core/sources/tasks/mod.ts";
import { KTR } from "../formats/types.ts";
import { pointOf } from "../formats/points.ts";
import { RECORD, TRACED } from "./layout.ts";
import {
  emitFixed,
  emitLookup,
  emitLost,
  emitReserve,
  emitSubmit,
  emitTraced,
  type Parts,
  SPILL,
} from "./record.ts";

/** Of a SIGSYS: the number of the call and its architecture in struct siginfo, 4 bytes each. */
const SIGINFO_CALL = 24;
/** The running task on the stack. */
const TASK = -32;

/** rawtracepoint:signal_deliver(int sig, struct kernel_siginfo *, struct k_sigaction *) */
export function signalAction(parts: Parts): KernelAction {
  return {
    scratchBytes: 0,
    emit(site) {
      const { asm } = site;
      emitTraced(site, parts, pointOf(KTR.psig));
      // signal, code, handler, blocked signals, what ends the process, refused call and its architecture
      emitReserve(site, parts, KTR.psig, 48);
      const put = (index: number, path: readonly number[], size: 4 | 8) => {
        emitLoad(asm, UNTYPED, { path, size }, R6, SPILL);
        asm.emit(store(8, R9, RECORD.payload + index * 8, R0));
      };
      put(0, [0], 8);
      // A context of a raw tracepoint holds addresses, which a helper reads.
      put(1, [8, 8], 4);
      put(2, [16, 0], 8);
      put(5, [8, SIGINFO_CALL], 8);
      asm.emit(
        callHelper(BPF_FUNC.get_current_task),
        mov64(R3, R0),
        add64(R3, imm(parts.fields.blocked)),
        mov64(R1, R9),
        add64(R1, imm(RECORD.payload + 24)),
        mov64(R2, imm(8)),
        callHelper(BPF_FUNC.probe_read_kernel),
      );
      const { signal, exitCode } = parts.fields;
      asm.emit(callHelper(BPF_FUNC.get_current_task), store(8, R10, TASK, R0));
      emitLoad(asm, UNTYPED, { path: [TASK, signal, exitCode], size: 4 }, R10, SPILL);
      asm.emit(store(8, R9, RECORD.payload + 32, R0));
      emitSubmit(site);
    },
  };
}

const UNTYPED: ContextLayout = { id: "ktrace", locations: {}, untyped: true };

/** exceptions:page_fault_user(unsigned long address, struct pt_regs *, unsigned long error_code) */
export function faultAction(parts: Parts): KernelAction {
  return {
    scratchBytes: 0,
    emit(site) {
      const { asm } = site;
      emitTraced(site, parts, pointOf(KTR.fault));
      emitReserve(site, parts, KTR.fault, 16);
      asm.emit(
        load(8, R0, R6, 0),
        store(8, R9, RECORD.payload, R0),
        load(8, R0, R6, 16),
        store(8, R9, RECORD.payload + 8, R0),
      );
      emitSubmit(site);
    },
  };
}

/** Of the arguments of sched_switch(bool preempt, struct task_struct *prev, *next, unsigned int state). */
const SWITCH = { preempt: 0, next: 16, state: 24 } as const;

/** Parts of the action of a context switch, which also reads the next thread's ids and name. */
export interface SwitchParts extends Parts {
  /** Emitter of loads of a task's process and thread ids. */
  readonly ids: Ids;
  /** Byte offset of the thread's name in task_struct. */
  readonly comm: number;
}

/** Action of rawtracepoint:sched_switch, which runs in the thread that leaves. */
export function switchAction(parts: SwitchParts): KernelAction {
  const points = pointOf(KTR.csw);
  return {
    scratchBytes: 0,
    emit(site) {
      const { asm } = site;
      const [out, lost] = ["out", "lost"].map((one) => asm.label(one));
      asm.emit(mov64(R6, R1), mov64(R7, R2));
      const next = (location: Location) => emitLoad(asm, UNTYPED, location, R6, SPILL);
      // The thread that comes is not current yet, so its task_struct tells its ids.
      parts.ids.emitTest?.(asm, UNTYPED, [SWITCH.next], R6, out);
      next(parts.ids.process([SWITCH.next]));
      emitLookup(asm, parts.traced, out);
      asm.emit(
        mov64(R8, R0),
        load(4, R1, R8, TRACED.points),
        and64(R1, imm(points)),
        jeq(R1, imm(0), out),
      );
      emitFixed(site, parts, { type: KTR.csw, bytes: 24, lost });
      next(parts.ids.process([SWITCH.next]));
      asm.emit(store(4, R9, RECORD.pid, R0));
      next(parts.ids.thread([SWITCH.next]));
      asm.emit(store(4, R9, RECORD.tid, R0));
      next({ path: [SWITCH.next, parts.fields.startTime], size: 8 });
      asm.emit(store(8, R9, RECORD.start, R0));
      for (const half of [0, 8]) {
        next({ path: [SWITCH.next, parts.comm + half], size: 8 });
        asm.emit(store(8, R9, RECORD.comm + half, R0));
      }
      asm.emit(
        storeImm(8, R9, RECORD.payload, 0),
        storeImm(8, R9, RECORD.payload + 8, 0),
        storeImm(8, R9, RECORD.payload + 16, 0),
      );
      site.ring.emitSubmit(asm, R9);
      asm.emit(ja(out));
      asm.bind(lost);
      emitLost(asm);
      asm.bind(out);
      // The thread that leaves is current.
      asm.emit(mov64(R1, R6), mov64(R2, R7));
      emitTraced(site, parts, points);
      emitReserve(site, parts, KTR.csw, 24);
      asm.emit(
        storeImm(8, R9, RECORD.payload, 1),
        load(8, R0, R6, SWITCH.preempt),
        store(8, R9, RECORD.payload + 8, R0),
        load(8, R0, R6, SWITCH.state),
        store(8, R9, RECORD.payload + 16, R0),
      );
      emitSubmit(site);
    },
  };
}
