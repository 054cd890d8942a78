// One program at places of files: what probes of functions and static probes have in common.

import { BPF_FUNC } from "../../asm/generated/helpers.ts";
import { mov64 } from "../../asm/alu.ts";
import { callHelper } from "../../asm/jump.ts";
import { R1 } from "../../asm/register.ts";
import {
  attachPerfUprobes,
  attachUprobes,
  BPF_TRACE_UPROBE_MULTI,
  missingFeature,
  type UprobePlace,
} from "../../bpf/mod.ts";
import type { Pcb } from "../../contract/pcb.ts";
import type { ContextLayout } from "../../contract/context.ts";
import type { KernelAttachment } from "../../contract/attachment.ts";

/** A place that a PCB fires at. */
export interface FilePlace {
  /** The file. */
  readonly path: string;
  /** Offset in it. */
  readonly offset: number;
  /** Offset of a counter that is raised while somebody looks; absent if there is none. */
  readonly counter?: number;
}

/** What to attach. */
export interface UprobeAttachment {
  /** For bpftool. */
  readonly name: string;
  readonly layout: ContextLayout;
  /** Fires when the function returns. */
  readonly isReturn: boolean;
  placesOf(pcb: Pcb): readonly FilePlace[];
}

/** The attachment of PCBs that have one layout: one program; a cookie tells which is meant. */
export function uprobeAttachment(
  pcbs: readonly Pcb[],
  { name, layout, isReturn, placesOf }: UprobeAttachment,
): KernelAttachment {
  const multi = missingFeature("uprobe_multi") === undefined;
  return {
    plane: "kernel",
    name,
    pcbs,
    program: {
      type: "KPROBE",
      expectedAttachType: multi ? BPF_TRACE_UPROBE_MULTI : undefined,
    },
    layout,
    skipFrames: 0,
    select: {
      emit: (asm, context) =>
        void asm.emit(mov64(R1, context), callHelper(BPF_FUNC.get_attach_cookie)),
      keys: pcbs.map((_, i) => i),
    },
    attach(program) {
      const byFile = new Map<string, UprobePlace[]>();
      pcbs.forEach((pcb, i) => {
        for (const { path, offset, counter = 0 } of placesOf(pcb)) {
          const places = byFile.get(path) ?? [];
          byFile.set(path, places);
          places.push({ offset: BigInt(offset), cookie: BigInt(i), counter: BigInt(counter) });
        }
      });
      using stack = new DisposableStack();
      for (const [path, places] of byFile) {
        const attach = multi ? attachUprobes : attachPerfUprobes;
        stack.use(attach(program, path, places, isReturn));
      }
      return stack.move();
    },
  };
}
