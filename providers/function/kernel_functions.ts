// Functions of the kernel: which there are, what BTF says of them, whether they can be probed.

import { type Btf, BTF_KIND, btfTypeName, kernelBtf, moduleBtf } from "../../core/btf/mod.ts";
import type { ArgumentSpec } from "../../core/contract/probe.ts";
import type { Location } from "../../core/contract/context.ts";
import { kernelSymbols } from "../../core/symbols/mod.ts";

/** The kernel itself, where others are modules. */
export const VMLINUX = "vmlinux";

const TRACEABLE = "/sys/kernel/tracing/available_filter_functions";

/** A function that can be probed. */
export interface KernelFunction {
  /** Name of the function in the kernel's symbol table. */
  readonly name: string;
  /** Module that has the function, or {@linkcode VMLINUX}. */
  readonly module: string;
}

let traceable: readonly KernelFunction[] | undefined;

/** All that ftrace can change, so that a probe can be put there: 40,000, sorted. Empty where it does not tell. */
export function traceableFunctions(): readonly KernelFunction[] {
  if (traceable !== undefined) return traceable;
  let text: string;
  try {
    text = Deno.readTextFileSync(TRACEABLE);
  } catch {
    return traceable = [];
  }
  const found = new Map<string, KernelFunction>();
  for (const line of text.split("\n")) {
    const [name, module] = line.split(" ");
    if (name === "" || name.startsWith("__ftrace_invalid_address__")) continue;
    // Static functions may share a name.
    if (!found.has(line)) found.set(line, { name, module: module?.slice(1, -1) ?? VMLINUX });
  }
  return traceable = [...found.values()].sort((a, b) => a.name < b.name ? -1 : 1);
}

/** What a name may be taken for: a function that can be probed, one that perhaps can, or none. */
export function knownFunction(name: string, module?: string): "traceable" | "perhaps" | undefined {
  // BTF is read in a tenth of the time.
  if (module === undefined || module === VMLINUX) {
    if (kernelBtf()?.find(BTF_KIND.FUNC, name)) return "traceable";
  }
  const isMeant = (one: KernelFunction) =>
    one.name === name && (module === undefined || one.module === module);
  if (traceableFunctions().some(isMeant)) return "traceable";
  if (module !== undefined && module !== VMLINUX) return undefined;
  return kernelSymbols().address(name) === undefined ? undefined : "perhaps";
}

/** What BTF says of a function. */
export interface FunctionType {
  /** Id of the function in its module's BTF. */
  readonly id: number;
  /** Arguments of the function, in order. */
  readonly args: readonly ArgumentSpec[];
  /** C type of the result; undefined: void. */
  readonly retval?: string;
  /** Where a program attached to the function finds arguments and result: a word each, or two. */
  readonly locations: Readonly<Record<string, Location>>;
}

/** The type of a function, or undefined where BTF does not have it. */
export function functionType(name: string, module: string): FunctionType | undefined {
  const btf = moduleBtf(module);
  const id = btf?.find(BTF_KIND.FUNC, name) ?? 0;
  return btf === null || id === 0 ? undefined : typeOf(btf, id);
}

/**
 * The same by id. Undefined for what the kernel has no trampoline for: a result that is a structure, an
 * argument of more than two words. btf_distill_func_proto()
 */
function typeOf(btf: Btf, id: number): FunctionType | undefined {
  const prototype = btf.sizeOrType(id);
  const locations: Record<string, Location> = {};
  let at = 0;
  let tooLarge = false;
  const args = btf.parameters(prototype).map(({ name, type }, i): ArgumentSpec => {
    const resolved = resolve(btf, type);
    const kind = btf.kind(resolved);
    const isStruct = kind === BTF_KIND.STRUCT || kind === BTF_KIND.UNION;
    locations[`arg${i}`] = isStruct
      ? { path: [at * 8], size: 8, address: "inline" }
      : { path: [at * 8], size: 8, pointer: kind === BTF_KIND.PTR };
    const words = isStruct ? Math.ceil(btf.sizeOrType(resolved) / 8) : 1;
    tooLarge ||= words > 2;
    at += words;
    return { name: name === "" ? `arg${i}` : name, type: btfTypeName(btf, type), at: `arg${i}` };
  });
  const result = btf.sizeOrType(prototype);
  const kind = btf.kind(resolve(btf, result));
  if (tooLarge || kind === BTF_KIND.STRUCT || kind === BTF_KIND.UNION) return undefined;
  if (result === 0) return { id, args, locations };
  locations.retval = { path: [at * 8], size: 8, pointer: kind === BTF_KIND.PTR };
  return { id, args, retval: btfTypeName(btf, result), locations };
}

/** Without names and qualifiers. */
function resolve(btf: Btf, id: number): number {
  const around: readonly number[] = [
    BTF_KIND.TYPEDEF,
    BTF_KIND.CONST,
    BTF_KIND.VOLATILE,
    BTF_KIND.RESTRICT,
    BTF_KIND.TYPE_TAG,
  ];
  let type = id;
  while (around.includes(btf.kind(type))) type = btf.sizeOrType(type);
  return type;
}
