// kprobe and kretprobe: functions of the kernel and places within, by breakpoints or by ftrace.

import { mov64 } from "../../core/asm/alu.ts";
import type { Assembler } from "../../core/asm/assembler.ts";
import { BPF_FUNC } from "../../core/asm/generated/helpers.ts";
import { callHelper } from "../../core/asm/jump.ts";
import { R1, type Register } from "../../core/asm/register.ts";
import {
  type AttachableProgram,
  attachKprobe,
  attachKprobes,
  BPF_TRACE_KPROBE_MULTI,
  type KprobeSymbol,
  missingFeature,
  UnsupportedError,
} from "../../core/bpf/mod.ts";
import { DtError, errorCode } from "../../core/errors.ts";
import { kernelPcb } from "../../core/sources/pcbs.ts";
import { REGISTER_NAMES } from "../../core/sources/registers.ts";
import type { Pcb } from "../../core/contract/pcb.ts";
import { globMatcher } from "../../core/contract/probe_name.ts";
import type { Probe, ProbeSpec } from "../../core/contract/probe.ts";
import type { Attachment, KernelAttachment } from "../../core/contract/attachment.ts";
import type { EnableRequest } from "../../core/contract/request.ts";
import {
  type Provider,
  PROVIDER_CONTRACT,
  type ProviderSession,
} from "../../core/contract/provider.ts";
import { ARGUMENTS, LOCATIONS, RESULT } from "./convention.ts";
import { fentryAttachment } from "./fentry.ts";
import { functionType, knownFunction, traceableFunctions, VMLINUX } from "./kernel_functions.ts";

/** A place in the kernel's code. */
interface Place {
  /** Undefined: `offset` is an address. */
  readonly symbol?: string;
  readonly module?: string;
  readonly offset: bigint;
}

/** Where a probe of these providers is. */
function placeOf({ parsed }: Probe): Place {
  return parsed as Place;
}

/** The two providers of this file; see mod.ts. */
export class KprobeProvider implements Provider {
  /** Version of the contract that it follows. */
  readonly contract = PROVIDER_CONTRACT;
  /** First word of the names of its probes. */
  readonly name: "kprobe" | "kretprobe";

  /** @param name Which of the two providers this is. */
  constructor(name: "kprobe" | "kretprobe") {
    this.name = name;
  }

  /** Functions that ftrace can change; with their module if the pattern has one. */
  *probes(pattern = "*"): Generator<ProbeSpec> {
    const functions = traceableFunctions();
    if (functions.length === 0 || cannot() !== undefined) return;
    const withModule = pattern.split(":").length > 2;
    // A perf event takes no name that several functions have.
    const shared = !isServed() && missingFeature("kprobe_multi")?.code === "EOPNOTSUPP"
      ? sharedNames(functions)
      : undefined;
    const matches = globMatcher(pattern);
    const seen = new Set<string>();
    for (const { name, module } of functions) {
      const full = withModule ? `${this.name}:${module}:${name}` : `${this.name}:${name}`;
      if (!matches(full) || seen.has(full) || shared?.has(name)) continue;
      yield this.#spec(full, { symbol: name, module, offset: 0n });
      seen.add(full);
    }
  }

  /** Describes the probe of a full name. */
  provide(name: string): ProbeSpec | undefined {
    const place = this.#parse(name);
    if (place === undefined) return undefined;
    if (this.#isReturn && place.offset !== 0n) {
      throw new DtError("EINVAL", `Cannot probe ${name}: ${NO_RETURN}`, { operation: "enable" });
    }
    const spec = this.#spec(name, place);
    if (place.symbol === undefined) return { ...spec, danger: BY_ADDRESS };
    const known = knownFunction(place.symbol, place.module);
    if (known === undefined) return undefined;
    return known === "traceable" ? spec : {
      ...spec,
      warning: `${place.symbol} is not traceable (either non-existing, inlined, or marked as ` +
        `"notrace"); attaching to it will likely fail`,
    };
  }

  /** Makes one PCB, which fires on all CPUs. */
  alloc(probe: Probe, request: EnableRequest, session: ProviderSession): Pcb[] {
    const pcbs = kernelPcb(probe, request, session, "functions of the kernel");
    const reason = cannot();
    if (reason !== undefined) throw reason;
    const { symbol, module = VMLINUX, offset } = placeOf(probe);
    if (!isServed()) return pcbs;
    if (symbol !== undefined && offset === 0n && functionType(symbol, module) !== undefined) {
      return pcbs;
    }
    throw new DtError(
      "EOPNOTSUPP",
      `Cannot probe ${probe.name}: this kernel has no kprobes, and fentry is for whole functions ` +
        "that BTF describes",
      { operation: "enable", probe: probe.name },
    );
  }

  /** Whole functions are one program, places another; served by fentry one each. */
  attachments(pcbs: readonly Pcb[]): Attachment[] {
    if (isServed()) return pcbs.map((pcb) => this.#fentryAttachment(pcb));
    const multi = missingFeature("kprobe_multi") === undefined;
    const isWhole = ({ probe }: Pcb) => {
      const { symbol, offset } = placeOf(probe);
      return multi && symbol !== undefined && offset === 0n;
    };
    const whole = pcbs.filter(isWhole);
    const places = pcbs.filter((pcb) => !isWhole(pcb));
    return [
      ...(whole.length > 0 ? [this.#wholeFunctions(whole)] : []),
      ...(places.length > 0 ? [this.#placesWithin(places)] : []),
    ];
  }

  /** The program of one whole function, where fentry stands in for kprobes. */
  #fentryAttachment(pcb: Pcb): KernelAttachment {
    const { symbol, module = VMLINUX } = placeOf(pcb.probe);
    const place = { symbol: symbol!, module };
    return fentryAttachment(pcb, place, functionType(symbol!, module)!, this.#isReturn);
  }

  /** One program at the starts or ends of many functions, by links that take many. */
  #wholeFunctions(pcbs: readonly Pcb[]): KernelAttachment {
    return {
      ...this.#shared(pcbs),
      program: { type: "KPROBE", expectedAttachType: BPF_TRACE_KPROBE_MULTI },
      attach: (program) => {
        using stack = new DisposableStack();
        for (const names of distinct(pcbs)) stack.use(this.#attachAll(program, names, pcbs));
        return stack.move();
      },
    };
  }

  /** One program at places that each have a link of their own. */
  #placesWithin(pcbs: readonly Pcb[]): KernelAttachment {
    return {
      ...this.#shared(pcbs),
      program: { type: "KPROBE" },
      attach: (program) => {
        using stack = new DisposableStack();
        pcbs.forEach(({ probe }, key) => {
          const place = { ...placeOf(probe), cookie: BigInt(key) };
          stack.use(explained(probe, () => attachKprobe(program, place, this.#isReturn)));
        });
        return stack.move();
      },
    };
  }

  /** What both kinds of attachment have in common: a cookie tells which PCB is meant. */
  #shared(pcbs: readonly Pcb[]) {
    return {
      plane: "kernel",
      name: `dt_${this.name}`,
      pcbs,
      layout: { id: "pt_regs", locations: LOCATIONS },
      skipFrames: 0,
      select: {
        emit: (asm: Assembler, context: Register) =>
          void asm.emit(mov64(R1, context), callHelper(BPF_FUNC.get_attach_cookie)),
        keys: pcbs.map((_, key) => key),
      },
    } as const;
  }

  /** One link; where the kernel refuses it, it is found out for which of them. */
  #attachAll(program: AttachableProgram, names: readonly KprobeSymbol[], own: readonly Pcb[]) {
    try {
      return attachKprobes(program, names, this.#isReturn);
    } catch (error) {
      if (errorCode(error) !== "ESRCH") throw error;
      for (const one of names) {
        const { probe } = own[Number(one.cookie)];
        explained(probe, () => attachKprobes(program, [one], this.#isReturn))[Symbol.dispose]();
      }
      throw error;
    }
  }

  get #isReturn(): boolean {
    return this.name === "kretprobe";
  }

  #parse(name: string): Place | undefined {
    const parts = name.split(":").slice(1);
    if (parts.length < 1 || parts.length > 2) return undefined;
    const [where] = parts.slice(-1);
    const module = parts.length === 2 ? parts[0] : undefined;
    if (/^(0x[0-9a-f]+|\d+)$/i.test(where)) {
      return module === undefined ? { offset: BigInt(where) } : undefined;
    }
    const match = /^([\w.]+)(?:\+(0x[0-9a-f]+|\d+))?$/i.exec(where);
    return match === null ? undefined : { symbol: match[1], module, offset: BigInt(match[2] ?? 0) };
  }

  #spec(name: string, parsed: Place): ProbeSpec {
    const { symbol, module = VMLINUX } = parsed;
    const isReturn = this.#isReturn;
    if (!isServed()) {
      return isReturn
        ? { name, args: [], retval: RESULT, locations: REGISTER_NAMES, parsed }
        : { name, args: ARGUMENTS, locations: REGISTER_NAMES, parsed };
    }
    const kind = isReturn ? "fexit" : "fentry";
    const note = `${name} is served by ${kind}: this kernel has no kprobes`;
    const type = () => functionType(symbol!, module);
    if (isReturn) {
      return {
        name,
        args: [],
        note,
        parsed,
        get retval() {
          return type()?.retval === undefined ? undefined : RESULT;
        },
      };
    }
    return {
      name,
      note,
      parsed,
      get args() {
        return ARGUMENTS.slice(0, type()?.args.length ?? 0);
      },
    };
  }
}

const NO_RETURN = "a kretprobe is of a whole function, not of a place in it";
const BY_ADDRESS = "A probe at an address is put wherever that is";

/** Names that more than one function has; the list is sorted. */
function sharedNames(functions: readonly { name: string }[]): Set<string> {
  return new Set(
    functions.filter(({ name }, i) => functions[i + 1]?.name === name).map(({ name }) => name),
  );
}

/** True where fentry stands in for kprobes. */
function isServed(): boolean {
  return missingFeature("kprobe")?.code === "EOPNOTSUPP";
}

/** Why this kernel has neither. */
function cannot(): DtError | undefined {
  if (!isServed()) return undefined;
  const missing = missingFeature("fentry");
  if (missing?.code !== "EOPNOTSUPP") return undefined;
  return new UnsupportedError(
    "kprobe",
    "4.17",
    `it was built without CONFIG_KPROBES, and fentry, which could stand in: ${missing.message}`,
  );
}

/** What the kernel answers to a place that it does not want to be probed. */
const REFUSALS: Readonly<Record<string, string>> = {
  EILSEQ: "no instruction starts there",
  ENOENT: "there is no such function",
  EINVAL: "the kernel does not allow it there",
  ESRCH: "it cannot be traced: notrace, inlined, or not there",
  EADDRNOTAVAIL: "its name is not unique, or there is no code",
};

/** Says of which probe the kernel speaks. */
function explained<T>(probe: Probe, attach: () => T): T {
  try {
    return attach();
  } catch (error) {
    const code = errorCode(error) ?? "";
    if (!Object.hasOwn(REFUSALS, code)) throw error;
    throw new DtError(code, `Cannot attach ${probe.name}: ${REFUSALS[code]} (${code})`, {
      operation: "start",
      probe: probe.name,
      cause: error,
    });
  }
}

/** Symbols with cookies, in lists that have each name once: a link takes no name twice. */
function distinct(pcbs: readonly Pcb[]): KprobeSymbol[][] {
  const lists: Map<string, KprobeSymbol>[] = [];
  pcbs.forEach(({ probe }, key) => {
    const name = placeOf(probe).symbol!;
    let list = lists.find((one) => !one.has(name));
    if (list === undefined) lists.push(list = new Map());
    list.set(name, { name, cookie: BigInt(key) });
  });
  return lists.map((list) => [...list.values()]);
}
