// The least that a job can cost: programs written by hand with core/asm that do the job and nothing else: no
// guard, no counters, one script's work hard-wired. Each owns what it has in the kernel.

import { add64, and64, imm, mov64, rsh64 } from "../core/asm/alu.ts";
import { Assembler } from "../core/asm/assembler.ts";
import { BPF_FUNC } from "../core/asm/generated/helpers.ts";
import { callHelper, exit, ja, jeq, jne } from "../core/asm/jump.ts";
import { load, loadMap, store, storeImm } from "../core/asm/load_store.ts";
import { R0, R1, R10, R2, R3, R4, R6 } from "../core/asm/register.ts";
import { attachRawTracepoint } from "../core/bpf/link.ts";
import { BpfMap } from "../core/bpf/map.ts";
import { BPF_TRACE_RAW_TP, BpfProgram } from "../core/bpf/program.ts";
import { BTF_KIND, kernelBtf } from "../core/btf/mod.ts";
import { offsetOf } from "../core/kernel_plane/task_offsets.ts";

const KEY = -16;
const VALUE = -40;
const GETPPID = 110;

/** Loads a program for one side of all system calls and attaches it. */
function attach(stack: DisposableStack, side: "enter" | "exit", asm: Assembler): void {
  const program = stack.use(
    new BpfProgram({
      name: `floor_${side}`,
      code: asm.assemble(),
      type: "TRACING",
      expectedAttachType: BPF_TRACE_RAW_TP,
      attachBtfId: kernelBtf()!.find(BTF_KIND.TYPEDEF, `btf_trace_sys_${side}`),
    }),
  );
  stack.use(attachRawTracepoint(program));
}

function hash(stack: DisposableStack, keySize: number, perCpu: boolean): BpfMap {
  return stack.use(
    new BpfMap({
      type: perCpu ? "PERCPU_HASH" : "HASH",
      name: "floor",
      keySize,
      valueSize: 8,
      maxEntries: 4096,
    }),
  );
}

/** R2 becomes the address of a place on the stack. */
function place(asm: Assembler, at: number): void {
  asm.emit(mov64(R2, R10), add64(R2, imm(at)));
}

/** Adds one to the value of the key on the stack, which is made if there is none. */
function emitCount(asm: Assembler, map: BpfMap, key: number): void {
  const missing = asm.label("missing");
  const done = asm.label("done");
  asm.emit(loadMap(R1, map));
  place(asm, key);
  asm.emit(callHelper(BPF_FUNC.map_lookup_elem), jeq(R0, imm(0), missing));
  asm.emit(load(8, R1, R0, 0), add64(R1, imm(1)), store(8, R0, 0, R1), ja(done));
  asm.bind(missing);
  asm.emit(storeImm(8, R10, VALUE, 1), loadMap(R1, map));
  place(asm, key);
  asm.emit(mov64(R3, R10), add64(R3, imm(VALUE)), mov64(R4, imm(0)));
  asm.emit(callHelper(BPF_FUNC.map_update_elem));
  asm.bind(done);
}

function end(asm: Assembler): void {
  asm.emit(mov64(R0, imm(0)), exit());
}

/** Counts every call by the name of the thread. */
export function countByName(): Disposable {
  const stack = new DisposableStack();
  const map = hash(stack, 16, true);
  const comm = offsetOf("task_struct", "comm");
  const asm = new Assembler();
  asm.emit(callHelper(BPF_FUNC.get_current_task_btf));
  asm.emit(load(8, R1, R0, comm), load(8, R2, R0, comm + 8));
  asm.emit(store(8, R10, KEY, R1), store(8, R10, KEY + 8, R2));
  emitCount(asm, map, KEY);
  end(asm);
  attach(stack, "enter", asm);
  return stack;
}

/** Counts one system call in an array. */
export function countOneCall(): Disposable {
  const stack = new DisposableStack();
  const map = stack.use(
    new BpfMap({ type: "PERCPU_ARRAY", name: "floor", keySize: 4, valueSize: 8, maxEntries: 1 }),
  );
  const asm = new Assembler();
  const out = asm.label("out");
  asm.emit(load(8, R0, R1, 8), jne(R0, imm(GETPPID), out));
  asm.emit(storeImm(4, R10, KEY, 0), loadMap(R1, map));
  place(asm, KEY);
  asm.emit(callHelper(BPF_FUNC.map_lookup_elem), jeq(R0, imm(0), out));
  asm.emit(load(8, R1, R0, 0), add64(R1, imm(1)), store(8, R0, 0, R1));
  asm.bind(out);
  end(asm);
  attach(stack, "enter", asm);
  return stack;
}

/** Asks for the process, which is another one. */
export function missPredicate(): Disposable {
  const stack = new DisposableStack();
  const asm = new Assembler();
  const out = asm.label("out");
  asm.emit(callHelper(BPF_FUNC.get_current_pid_tgid), rsh64(R0, imm(32)), jne(R0, imm(1), out));
  asm.bind(out);
  end(asm);
  attach(stack, "enter", asm);
  return stack;
}

/** Counts by process, thread and CPU. */
export function countByThree(): Disposable {
  const stack = new DisposableStack();
  const map = hash(stack, 24, true);
  const asm = new Assembler();
  asm.emit(callHelper(BPF_FUNC.get_current_pid_tgid), mov64(R6, R0));
  asm.emit(rsh64(R0, imm(32)), store(8, R10, KEY - 8, R0));
  asm.emit(and64(R6, imm(0x7fffffff)), store(8, R10, KEY, R6));
  asm.emit(callHelper(BPF_FUNC.get_smp_processor_id), store(8, R10, KEY + 8, R0));
  emitCount(asm, map, KEY - 8);
  end(asm);
  attach(stack, "enter", asm);
  return stack;
}

/** Keeps the time of each entry by thread; adds up the time at the return by its power of two. */
export function latency(): Disposable {
  const stack = new DisposableStack();
  const starts = hash(stack, 8, false);
  const buckets = hash(stack, 8, true);
  const enter = new Assembler();
  enter.emit(callHelper(BPF_FUNC.ktime_get_boot_ns), store(8, R10, VALUE, R0));
  enter.emit(
    callHelper(BPF_FUNC.get_current_pid_tgid),
    store(8, R10, KEY, R0),
    loadMap(R1, starts),
  );
  place(enter, KEY);
  enter.emit(mov64(R3, R10), add64(R3, imm(VALUE)), mov64(R4, imm(0)));
  enter.emit(callHelper(BPF_FUNC.map_update_elem));
  end(enter);
  const asm = new Assembler();
  const out = asm.label("out");
  asm.emit(callHelper(BPF_FUNC.get_current_pid_tgid), store(8, R10, KEY, R0), loadMap(R1, starts));
  place(asm, KEY);
  asm.emit(callHelper(BPF_FUNC.map_lookup_elem), jeq(R0, imm(0), out), load(8, R6, R0, 0));
  asm.emit(callHelper(BPF_FUNC.ktime_get_boot_ns));
  // The logarithm costs a few instructions without a helper; a division by 64 stands for it here.
  asm.emit(mov64(R1, R0), rsh64(R1, imm(6)), rsh64(R6, imm(6)));
  asm.emit(and64(R1, imm(63)), store(8, R10, KEY + 8, R1));
  emitCount(asm, buckets, KEY + 8);
  asm.emit(loadMap(R1, starts));
  place(asm, KEY);
  asm.emit(callHelper(BPF_FUNC.map_delete_elem));
  asm.bind(out);
  end(asm);
  attach(stack, "enter", enter);
  attach(stack, "exit", asm);
  return stack;
}
