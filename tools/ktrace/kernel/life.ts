// What becomes of recorded processes: a child is recorded if its parent's is inherited, what is executed is
// recorded, who has ended is not looked up any more.

import type { Assembler } from "../../../core/asm/assembler.ts";
import { add64, and64, imm, mov32, mov64, sub64 } from "../../../core/asm/alu.ts";
import { BPF_FUNC } from "../../../core/asm/generated/helpers.ts";
import type { MapReference } from "../../../core/asm/instruction.ts";
import { callHelper, exit, ja, jeq, jle, jne, jset, jsgt } from "../../../core/asm/jump.ts";
import {
  atomicOp,
  load,
  loadMap,
  loadMapValue,
  store,
  storeImm,
} from "../../../core/asm/load_store.ts";
import { R0, R1, R10, R2, R3, R6, R7, R8, R9 } from "../../../core/asm/register.ts";
import { CONTROL } from "../../../core/contract/blocks.ts";
import { emitLoad } from "../../../core/kernel_plane/location.ts";
import { emitUpdate } from "../../../core/kernel_plane/map_access.ts";
import type { ActionSite, KernelAction } from "../../../core/contract/kernel_action.ts";
import { OUTCOME } from "../../../core/contract/outcome.ts";
import { PATH_BYTES } from "../captures.ts";
import { KTR } from "../formats/types.ts";
import { INHERIT, pointOf, ROOT } from "../formats/points.ts";
import { CAPTURED, EVENT, RECORD, SCRATCH, TRACED } from "./layout.ts";
import {
  emitFixed,
  emitKey,
  emitNotice,
  emitOutput,
  emitSubmit,
  emitTraced,
  type Parts,
  SPILL,
} from "./record.ts";

const ANY = -1;
/** What a child is recorded with. */
const CHILD = -40;
const CHILD_KEY = -48;

/** proc:process:fork, in the parent. */
export function forkAction(parts: Parts): KernelAction {
  return {
    scratchBytes: 0,
    emit(site) {
      const { asm, layout } = site;
      const [kept, lost] = [asm.label("kept"), asm.label("lost")];
      emitTraced(site, parts, INHERIT);
      emitLoad(asm, layout, layout.locations.arg0, R6, SPILL);
      asm.emit(
        store(8, R10, CHILD_KEY, R0),
        load(4, R1, R8, TRACED.points),
        store(4, R10, CHILD + TRACED.points, R1),
        storeImm(4, R10, CHILD + TRACED.lost, 0),
        load(4, R1, R8, TRACED.file),
        store(4, R10, CHILD + TRACED.file, R1),
      );
      emitUpdate(asm, parts.traced, CHILD_KEY, CHILD);
      asm.emit(
        jeq(R0, imm(0), kept),
        loadMapValue(R1, site.control, CONTROL.unfollowed),
        mov64(R2, imm(1)),
        atomicOp(4, "add", R1, 0, R2),
        mov32(R0, imm(OUTCOME.dropped)),
        exit(),
      );
      asm.bind(kept);
      emitFixed(site, parts, { type: EVENT.fork, bytes: 16, lost, tellsLife: true });
      asm.emit(load(8, R1, R10, CHILD_KEY), store(8, R9, RECORD.payload, R1));
      emitLoad(asm, layout, layout.locations.start, R6, SPILL);
      asm.emit(store(8, R9, RECORD.payload + 8, R0));
      emitSubmit(site);
      // The reader finds the child in the map.
      asm.bind(lost);
      asm.emit(mov32(R0, imm(OUTCOME.dropped)), exit());
    },
  };
}

/** proc:process:exit: with the last thread. */
export function exitAction(parts: Parts): KernelAction {
  return {
    scratchBytes: 0,
    emit(site) {
      const { asm } = site;
      emitTraced(site, parts, ANY);
      emitNotice(site, parts, KTR.procdtor);
      emitForget(asm, parts.traced);
    },
  };
}

/** The process is not recorded any more; ends the action with the outcome in R0. */
function emitForget(asm: Assembler, traced: MapReference): void {
  asm.emit(mov64(R6, R0));
  emitKey(asm, R2);
  asm.emit(loadMap(R1, traced), callHelper(BPF_FUNC.map_delete_elem), mov64(R0, R6), exit());
}

/** What the action of an exec is made of. */
export interface ExecParts extends Parts {
  /** Most bytes of arguments, and of the environment. */
  readonly captureBytes: number;
}

/** proc:process:exec: the program's path, its arguments, its environment. */
export function execAction(parts: ExecParts): KernelAction {
  return {
    scratchBytes: SCRATCH.record + CAPTURED.data + parts.captureBytes,
    emit(site) {
      const { asm, layout } = site;
      const [same, stay] = [asm.label("same_rights"), asm.label("stay")];
      emitTraced(site, parts, ANY);
      emitLoad(asm, layout, layout.locations.secure, R6, SPILL);
      asm.emit(
        jeq(R0, imm(0), same),
        load(4, R1, R8, TRACED.points),
        jset(R1, imm(ROOT), stay),
      );
      // Not root's: whoever is recorded gains rights that its recorder has not.
      emitNotice(site, parts, EVENT.setId);
      emitForget(asm, parts.traced);
      asm.bind(stay);
      asm.bind(same);
      emitText(site, parts, KTR.namei, () => {
        emitLoad(asm, layout, layout.locations.arg4, R6, SPILL);
        asm.emit(
          mov64(R3, R0),
          mov64(R2, imm(PATH_BYTES)),
          mov64(R1, R7),
          add64(R1, imm(site.scratch + SCRATCH.record + CAPTURED.data)),
          callHelper(BPF_FUNC.probe_read_kernel_str),
        );
      });
      emitRange(site, parts, KTR.args, "arg5", "arg6");
      emitRange(site, parts, KTR.env, "env", "env_end");
      asm.emit(mov32(R0, imm(OUTCOME.recorded)), exit());
    },
  };
}

/** A record with what `read` has put there; it leaves its length, NUL included, in R0. */
function emitText(site: ActionSite, parts: ExecParts, type: number, read: () => void): void {
  const { asm } = site;
  const record = site.scratch + SCRATCH.record;
  const [none, some] = ["none", "some"].map((one) => asm.label(one));
  asm.emit(
    load(4, R1, R8, TRACED.points),
    and64(R1, imm(pointOf(type as typeof KTR.namei))),
    jeq(R1, imm(0), none),
    storeImm(8, R7, record + CAPTURED.info, 0),
  );
  read();
  asm.emit(jsgt(R0, imm(0), some), ja(none));
  asm.bind(some);
  asm.emit(
    mov64(R9, R0),
    add64(R9, imm(-1)),
    storeImm(4, R7, record + RECORD.type, type),
  );
  emitOutput(site, parts, parts.captureBytes, true);
  asm.bind(none);
}

/** Texts with a NUL behind each, between two addresses. */
function emitRange(
  site: ActionSite,
  parts: ExecParts,
  type: number,
  from: string,
  to: string,
): void {
  const { asm, layout } = site;
  emitText(site, parts, type, () => {
    const [fits, bad, done] = ["fits", "bad", "read"].map((one) => asm.label(one));
    emitLoad(asm, layout, layout.locations[to], R6, SPILL);
    asm.emit(mov64(R9, R0));
    emitLoad(asm, layout, layout.locations[from], R6, SPILL);
    asm.emit(
      mov64(R3, R0),
      sub64(R9, R3),
      jle(R9, imm(parts.captureBytes), fits),
      mov64(R9, imm(parts.captureBytes)),
      // There is more.
      storeImm(8, R7, site.scratch + SCRATCH.record + CAPTURED.info, 1),
    );
    asm.bind(fits);
    asm.emit(
      mov64(R2, R9),
      mov64(R1, R7),
      add64(R1, imm(site.scratch + SCRATCH.record + CAPTURED.data)),
      callHelper(BPF_FUNC.probe_read_user),
      jne(R0, imm(0), bad),
      mov64(R0, R9),
      ja(done),
    );
    asm.bind(bad);
    asm.emit(mov64(R0, imm(0)));
    asm.bind(done);
  });
}
