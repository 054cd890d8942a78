/**
 * BTF, the kernel's own type information.
 *
 * @example
 * ```ts
 * import { BTF_KIND, kernelBtf } from "./mod.ts";
 *
 * const id = kernelBtf()?.find(BTF_KIND.STRUCT, "task_struct");
 * console.log(id);
 * ```
 *
 * @see {@link https://docs.kernel.org/bpf/btf.html}
 * @module
 */

export { Btf } from "./parse.ts";
export { BTF_KIND, type BtfKind } from "./types.ts";
export { kernelBtf } from "./kernel.ts";
export { moduleBtf } from "./module.ts";
export { btfTypeName } from "./type_name.ts";
