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
  /** Path of the file. */
  readonly path: string;
  /** Offset of the place in the file. */
  readonly offset: number;
  /** Offset of a counter that the kernel raises while the place is traced; absent if there is none. */
  readonly counter?: number;
}

/** Description of a program at places of files. */
export interface UprobeAttachment {
  /** Name of the program, which bpftool shows. */
  readonly name: string;
  /** Where the program finds registers and arguments. */
  readonly layout: ContextLayout;
  /** True if the program runs when the function returns. */
  readonly isReturn: boolean;
  /** Places of files that a PCB fires at. */
  placesOf(pcb: Pcb): readonly FilePlace[];
}

/** The attachment of PCBs with the same layout: one program; a cookie tells whose place was reached. */
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
