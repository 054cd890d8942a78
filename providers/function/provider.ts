// uprobe and uretprobe: functions of programs and libraries, when they are called and when they return.

import { attachPerfUprobes, attachUprobes } from "../../core/bpf/link.ts";
import { BPF_TRACE_UPROBE_MULTI, missingFeature, type UprobePlace } from "../../core/bpf/mod.ts";
import { BPF_FUNC } from "../../core/asm/generated/helpers.ts";
import { callHelper } from "../../core/asm/jump.ts";
import { mov64 } from "../../core/asm/alu.ts";
import { R1 } from "../../core/asm/register.ts";
import { kernelPcb, type Pcb } from "../../core/pcb.ts";
import type { Probe } from "../../core/probe.ts";
import {
  type ArgumentSpec,
  type Attachment,
  type EnableRequest,
  type KernelAttachment,
  type Location,
  type ProbeSpec,
  type Provider,
  PROVIDER_CONTRACT,
  type ProviderSession,
} from "../../core/provider.ts";
import { arch } from "../../core/sys/arch/mod.ts";
import { probedFile } from "./files.ts";
import { parsePlace, type Place } from "./place.ts";

/** struct pt_regs: registers, arguments by the C convention, what a function returns. */
const LOCATIONS: Readonly<Record<string, Location>> = Object.fromEntries([
  ...Object.entries(arch.registers).map(([name, offset]) => [`reg:${name}`, word(offset)]),
  ...arch.functionArguments.map((name, i) => [`arg${i}`, word(arch.registers[name])]),
  ["retval", word(arch.registers[arch.functionResult])],
]);

function word(offset: number): Location {
  return { path: [offset], size: 8 };
}

const REGISTERS = Object.keys(LOCATIONS).filter((name) => name.startsWith("reg:"));

const ARGUMENTS: readonly ArgumentSpec[] = arch.functionArguments.map((_, i) => ({
  name: `arg${i}`,
  type: "long",
  at: `arg${i}`,
}));

/** The kernel replaces a byte there, whatever it belongs to. */
const WITHIN = "A probe within a function breaks the program if no instruction starts there";

/** The two providers of this file; see mod.ts. */
export class FunctionProvider implements Provider {
  /** Version of the contract. */
  readonly contract = PROVIDER_CONTRACT;
  /** First word of its probes. */
  readonly name: "uprobe" | "uretprobe";

  /** @param name Which of the two. */
  constructor(name: "uprobe" | "uretprobe") {
    this.name = name;
  }

  /** Functions of the file that a pattern names; of no other, since there is no end of files. */
  *probes(pattern = "*"): Generator<ProbeSpec> {
    const [, name] = /^[^:]*:(.+):[^:]*$/.exec(pattern) ?? [];
    if (name === undefined || name.includes("*")) return;
    const file = probedFile(name);
    for (const { name: one } of file?.functions() ?? []) {
      yield this.#spec(`${this.name}:${name}:${one}`);
    }
  }

  /** Looks one up. */
  provide(name: string): ProbeSpec | undefined {
    const place = this.#place(name);
    if (place === undefined || place.offsets.length === 0) return undefined;
    return place.within ? { ...this.#spec(name), danger: WITHIN } : this.#spec(name);
  }

  /** One PCB: all processes that have the file mapped, or will. */
  alloc(probe: Probe, request: EnableRequest, session: ProviderSession): Pcb[] {
    return kernelPcb(probe, request, session, "functions");
  }

  /** Nothing is held. */
  dealloc(_pcbs: readonly Pcb[]): void {}

  /** All of them are one program; a cookie tells which is meant. */
  attachments(pcbs: readonly Pcb[]): Attachment[] {
    return pcbs.length === 0
      ? []
      : [attachment(this.name, pcbs, (pcb) => this.#place(pcb.probe.name)!)];
  }

  #place(name: string): Place | undefined {
    return parsePlace(name.slice(this.name.length + 1), this.name === "uretprobe");
  }

  #spec(name: string): ProbeSpec {
    return this.name === "uprobe"
      ? { name, args: ARGUMENTS, locations: REGISTERS }
      : { name, args: [], retval: "unsigned long", locations: REGISTERS };
  }
}

function attachment(
  name: string,
  pcbs: readonly Pcb[],
  placeOf: (pcb: Pcb) => Place,
): KernelAttachment {
  const multi = missingFeature("uprobe_multi") === undefined;
  const isReturn = name === "uretprobe";
  return {
    plane: "kernel",
    name: `dt_${name}`,
    pcbs,
    program: {
      type: "KPROBE",
      expectedAttachType: multi ? BPF_TRACE_UPROBE_MULTI : undefined,
    },
    layout: { id: "pt_regs", locations: LOCATIONS },
    skipFrames: 0,
    select: {
      emit: (asm, context) =>
        void asm.emit(mov64(R1, context), callHelper(BPF_FUNC.get_attach_cookie)),
      keys: pcbs.map((_, i) => i),
    },
    attach(program) {
      const byFile = new Map<string, UprobePlace[]>();
      pcbs.forEach((pcb, i) => {
        const { file, offsets } = placeOf(pcb);
        const places = byFile.get(file.path) ?? [];
        byFile.set(file.path, places);
        for (const offset of offsets) {
          places.push({ offset: BigInt(offset), cookie: BigInt(i), counter: 0n });
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
