// The kernel is the oracle of the disassembler: every program that the compiler can emit is loaded,
// and the listing of the loaded code must equal bpftool's.

import { assert, assertEquals } from "@std/assert";
import { disassemble } from "../../core/asm/mod.ts";
import { openDevice } from "../../core/mod.ts";
import { kernelSymbols } from "../../core/symbols/mod.ts";
import { allProviders } from "../../providers/mod.ts";
import { compile, ScriptError } from "../../language/mod.ts";
import { load } from "../../language/kernel/load_script.ts";
import { kernelTest, output, ROOT } from "../helpers.ts";
import { optionsOf } from "../lang/options.ts";

const device = openDevice({ providers: allProviders() });

/** Lists a loaded program with bpftool's names for what the kernel has rewritten. */
function listing(xlated: Uint8Array): string {
  const base = kernelSymbols().address("__bpf_call_base")!;
  return disassemble(xlated, {
    call(one) {
      if (one.src === 1) return `pc+${one.offset}`;
      const symbol = kernelSymbols().resolve(base + BigInt(one.imm));
      return symbol?.offset === 0 ? `${symbol.name}#${one.imm}` : undefined;
    },
    imm64(one) {
      if (one.src === 1) return `map[id:${one.imm}]`;
      if (one.src === 2) return `map[id:${one.imm}][0]+${one.immHigh}`;
    },
  });
}

/**
 * Removes the known differences of bpftool 7.1, which is older than the kernel: bpftool adds the
 * callee's symbol to calls within the program, prints prototypes before functions that have BTF,
 * and does not know the per-CPU address instruction of Linux 6.10.
 */
function normalized(theirs: string): string {
  return theirs.replace(/ call pc\+(\d+)#\w+$/gm, " call pc+$1").replace(/^int f\d+\(\):\n/gm, "");
}

function withoutPerCpu(ours: string): string {
  return ours.replace(/&\(void __percpu \*\)\((r\d)\)/g, "$1");
}

/** Scripts on real probes, for the parts of the language that BEGIN does not have. */
const ON_PROBES = [
  'tracepoint:syscalls:sys_enter_openat { printf("%s %s %d\\n", comm, str(args.filename), args.flags); }',
  "tracepoint:raw_syscalls:sys_enter /pid != 0/ { @[comm, args.id] = count(); @a = hist(args.args[2]); }",
  "tracepoint:raw_syscalls:sys_exit { @[probe] = avg(args.ret); @l = lhist(args.ret, 0, 100, 10); }",
  "syscall:read:return, syscall:write:return { @[probe] = sum(retval); if (retval < 0) { @e++; } }",
  "syscall:open*:entry { @[probe, str(arg1, 32)] = min(arg2); print(@); } interval:s:1 { clear(@); }",
  "interval:ms:1 { @ = count(); } interval:hz:7 { print(@); zero(@); exit(); }",
];

kernelTest("every listing equals bpftool prog dump xlated", [], () => {
  const folder = `${ROOT}tests/lang/`;
  const goldens = [...Deno.readDirSync(folder)].map(({ name }) => name)
    .filter((name) => name.endsWith(".bt") && !name.startsWith("err."))
    .map((name) => Deno.readTextFileSync(folder + name));
  let programs = 0;
  for (const text of [...goldens, ...ON_PROBES]) {
    let script;
    try {
      script = compile({ name: "stdin", text }, device, optionsOf(text).compile);
    } catch (error) {
      throw error instanceof ScriptError ? new Error(`${text}\n${error.message}`) : error;
    }
    using loaded = load(script, device);
    loaded.fire("begin");
    loaded.fire("end");
    for (const program of loaded.session.programs) {
      const { id, xlated } = program.info();
      const { stdout } = output("bpftool", ["prog", "dump", "xlated", "id", `${id}`]);
      assertEquals(withoutPerCpu(listing(xlated)), normalized(stdout), text);
      programs++;
    }
  }
  assert(programs > goldens.length);
});
