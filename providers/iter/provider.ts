// iter: what the kernel goes over when it is asked to.

import { add64, imm, mov64 } from "../../core/asm/alu.ts";
import { BPF_FUNC } from "../../core/asm/generated/helpers.ts";
import { callHelper, jeq } from "../../core/asm/jump.ts";
import { load, storeImm } from "../../core/asm/load_store.ts";
import { R0, R1, R10, R2, R3 } from "../../core/asm/register.ts";
import { attachIterator, BPF_TRACE_ITER } from "../../core/bpf/mod.ts";
import { BTF_KIND, kernelBtf } from "../../core/btf/mod.ts";
import { DtError } from "../../core/errors.ts";
import { kernelPcb } from "../../core/sources/pcbs.ts";
import type { Pcb } from "../../core/contract/pcb.ts";
import type { Probe, ProbeSpec } from "../../core/contract/probe.ts";
import type { Attachment, KernelAttachment } from "../../core/contract/attachment.ts";
import type { EnableRequest } from "../../core/contract/request.ts";
import {
  type Provider,
  PROVIDER_CONTRACT,
  type ProviderSession,
} from "../../core/contract/provider.ts";

const PREFIX = "iter:";
/** Each iterator has a function of this name, and a structure of the other: its context. */
const FUNCTION = "bpf_iter_";
const CONTEXT = "bpf_iter__";

/** Iterators that want to be told of which object. */
const OF_ONE: ReadonlySet<string> = new Set([
  ...["bpf_map_elem", "bpf_sk_storage_map", "sockmap", "cgroup"],
]);

/** The provider of `iter:`; see mod.ts. */
export class IterProvider implements Provider {
  /** Version of the contract that it follows. */
  readonly contract = PROVIDER_CONTRACT;
  /** First word of the names of its probes. */
  readonly name = "iter";

  /** All that the kernel has. */
  *probes(): Generator<ProbeSpec> {
    const names = kernelBtf()?.namesWith(FUNCTION) ?? new Set();
    for (const name of [...names].sort()) {
      const iterator = name.slice(FUNCTION.length);
      if (names.has(CONTEXT + iterator) && !OF_ONE.has(iterator)) yield spec(iterator);
    }
  }

  /** Describes the probe of a full name. */
  provide(name: string): ProbeSpec | undefined {
    const iterator = name.slice(PREFIX.length);
    if (!/^\w+$/.test(iterator) || functionOf(iterator) === 0 || contextOf(iterator) === 0) return;
    if (!OF_ONE.has(iterator)) return spec(iterator);
    throw new DtError(
      "EINVAL",
      `${name} goes over what one map or cgroup has, and a script cannot say of which`,
      { operation: "enable", probe: name },
    );
  }

  /** Makes one PCB. */
  alloc(probe: Probe, request: EnableRequest, session: ProviderSession): Pcb[] {
    return kernelPcb(probe, request, session, "objects of the kernel");
  }

  /** One attachment for each PCB. */
  attachments(pcbs: readonly Pcb[]): Attachment[] {
    return pcbs.map(attachment);
  }
}

function spec(iterator: string): ProbeSpec {
  return {
    name: PREFIX + iterator,
    args: [],
    context: `struct ${CONTEXT}${iterator}`,
    parsed: iterator,
  };
}

function functionOf(iterator: string): number {
  return kernelBtf()?.find(BTF_KIND.FUNC, FUNCTION + iterator) ?? 0;
}

function contextOf(iterator: string): number {
  return kernelBtf()?.find(BTF_KIND.STRUCT, CONTEXT + iterator) ?? 0;
}

/** Frames between the iterator and bpf_get_stack. */
const SKIP_FRAMES = 2;

function attachment(pcb: Pcb): KernelAttachment {
  const iterator = pcb.probe.parsed as string;
  // struct bpf_iter_meta *meta, then the objects.
  const [, object] = kernelBtf()!.members(contextOf(iterator));
  return {
    plane: "kernel",
    name: `dt_${iterator}`,
    pcbs: [pcb],
    program: {
      type: "TRACING",
      expectedAttachType: BPF_TRACE_ITER,
      attachBtfId: functionOf(iterator),
    },
    layout: { id: iterator, locations: {} },
    skipFrames: SKIP_FRAMES,
    prologue(asm, context, out) {
      asm.emit(
        // Behind the last object the program is called once more, with none.
        load(8, R0, context, object.bitOffset / 8),
        jeq(R0, imm(0), out),
        // A byte for each object makes reads return before the ring is full: meta->seq.
        load(8, R1, context, 0),
        load(8, R1, R1, 0),
        storeImm(8, R10, -8, 0),
        mov64(R2, R10),
        add64(R2, imm(-8)),
        mov64(R3, imm(1)),
        callHelper(BPF_FUNC.seq_write),
      );
    },
    attach: (program) => attachIterator(program),
  };
}
