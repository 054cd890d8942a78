// Which programs record which points, and where they are attached.

import { BpfMap, missingFeature } from "../../../core/bpf/mod.ts";
import type { KernelAction } from "../../../core/contract/kernel_action.ts";
import type { Session } from "../../../core/device/session.ts";
import { DtError } from "../../../core/errors.ts";
import { ids, offsetOf } from "../../../core/sources/tasks/mod.ts";
import { capturesByNumber, STRUCT_NAMES } from "../captures.ts";
import { pointOf } from "../formats/points.ts";
import { KTR, type KtrType } from "../formats/types.ts";
import { MOST_CALLS } from "./layout.ts";
import { entryAction, returnAction } from "./calls.ts";
import { encodeOperations } from "./capture.ts";
import { execAction, exitAction, forkAction } from "./life.ts";
import { faultAction, signalAction, switchAction } from "./switches.ts";

/** What the programs are made for. */
export interface ProgramOptions {
  /** Points that processes may have. */
  readonly points: number;
  /** Says whether the system call of a number is recorded. Absent: all are. */
  readonly calls?: (number: number) => boolean;
  /** Most bytes of data of a system call. */
  readonly genioBytes: number;
  /** Most bytes of what else is captured: a path, arguments of a program. */
  readonly captureBytes: number;
}

/**
 * Enables in a session the probes that some points need.
 *
 * @param owned Gets the maps that the programs look into.
 * @param traced The map of recorded processes.
 * @throws {DtError} EOPNOTSUPP a point that this kernel or machine does not have.
 */
export function enablePrograms(
  session: Session,
  owned: DisposableStack,
  traced: BpfMap,
  { points, genioBytes, captureBytes, calls }: ProgramOptions,
): void {
  const parts = {
    traced: traced,
    calls: calls && owned.use(wantedCalls(calls)),
    fields: {
      startTime: offsetOf("task_struct", "start_boottime"),
      blocked: offsetOf("task_struct", "blocked"),
      // Its first field is the mode.
      seccomp: offsetOf("task_struct", "seccomp"),
      signal: offsetOf("task_struct", "signal"),
      exitCode: offsetOf("signal_struct", "group_exit_code"),
    },
  };
  const has = (...types: KtrType[]) => types.some((type) => (points & pointOf(type)) !== 0);
  const enable = (name: string, kernel: KernelAction) => {
    session.enable(name, { action: { kernel } });
  };
  if (has(KTR.syscall, KTR.user)) {
    enable("tracepoint:raw_syscalls:sys_enter", entryAction(parts));
  }
  if (has(KTR.sysret, KTR.namei, KTR.genio, KTR.struct, KTR.capfail)) {
    const words = encodeOperations(capturesByNumber(), STRUCT_NAMES);
    const operations = owned.use(
      new BpfMap({
        type: "ARRAY",
        name: "dt_captures",
        keySize: 4,
        valueSize: words.byteLength,
        maxEntries: 1,
      }),
    );
    const loops = missingFeature("loop") === undefined;
    operations.update(new Uint8Array(4), new Uint8Array(words.buffer));
    enable(
      "tracepoint:raw_syscalls:sys_exit",
      returnAction({ ...parts, operations, captureBytes, genioBytes, loops }),
    );
  }
  enable("proc:process:fork", forkAction(parts));
  enable("proc:process:exec", execAction({ ...parts, captureBytes }));
  enable("proc:process:exit", exitAction(parts));
  if (has(KTR.psig)) enable("rawtracepoint:signal_deliver", signalAction(parts));
  if (has(KTR.csw)) {
    const comm = offsetOf("task_struct", "comm");
    enable("rawtracepoint:sched_switch", switchAction({ ...parts, ids: ids(), comm }));
  }
  if (has(KTR.fault)) {
    if (Deno.build.arch !== "x86_64") {
      throw new DtError("EOPNOTSUPP", "Cannot record page faults: x86-64 alone tells of them", {
        operation: "ktrace",
      });
    }
    enable("rawtracepoint:page_fault_user", faultAction(parts));
  }
}

/** A byte for each number of a system call: 1 if the call is recorded. */
function wantedCalls(calls: (number: number) => boolean): BpfMap {
  const map = new BpfMap({
    type: "ARRAY",
    name: "dt_calls",
    keySize: 4,
    valueSize: MOST_CALLS,
    maxEntries: 1,
  });
  map.update(
    new Uint8Array(4),
    Uint8Array.from({ length: MOST_CALLS }, (_, i) => calls(i) ? 1 : 0),
  );
  return map;
}
