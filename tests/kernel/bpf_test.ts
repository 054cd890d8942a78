// Tests of core/bpf on the running kernel: maps, programs, links, the ring, features.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  add64,
  Assembler,
  BPF_FUNC,
  callHelper,
  exit,
  imm,
  jeq,
  load,
  loadMap,
  loadMapValue,
  mov64,
  R0,
  R1,
  R10,
  R2,
  R3,
  store,
} from "../../core/asm/mod.ts";
import {
  attachPerfEvent,
  attachRawTracepoint,
  attachTracepoint,
  BPF_EXIST,
  BPF_F_MMAPABLE,
  BPF_NOEXIST,
  BPF_TRACE_FENTRY,
  BPF_TRACE_RAW_TP,
  BpfMap,
  BpfProgram,
  type MapType,
  missingFeature,
  RingBuffer,
  sumCpus,
  VerifierError,
} from "../../core/bpf/mod.ts";
import { BTF_KIND, kernelBtf } from "../../core/btf/mod.ts";
import { possibleCpuCount } from "../../core/sys/cpu.ts";
import { codeOf, kernelTest, until } from "../helpers.ts";

function u32(value: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new Uint32Array([value]).buffer);
}

function u64(...values: bigint[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new BigUint64Array(values).buffer);
}

const returnZero = () => new Assembler().emit(mov64(R0, imm(0)), exit()).assemble();

for (const type of ["HASH", "LRU_HASH", "ARRAY"] as MapType[]) {
  kernelTest(`BpfMap ${type} stores, lists and removes`, [], () => {
    // Each CPU keeps some free entries for itself, so an LRU map evicts entries before it is full.
    const maxEntries = type === "LRU_HASH" ? 4096 : 100;
    using map = new BpfMap({ type, name: "test", keySize: 4, valueSize: 8, maxEntries });
    for (let i = 0; i < 100; i++) map.update(u32(i), u64(BigInt(i) * 3n));
    assertEquals(map.lookup(u32(7)), u64(21n));
    assertEquals(map.lookup(u32(100)), undefined);
    const entries = [...map.entries()];
    assertEquals(entries.length, 100);
    const sum = entries.reduce((total, [, value]) => total + Number(value[0] | value[1] << 8), 0);
    assertEquals(sum, 3 * 4950);
    if (type === "ARRAY") return;
    assertEquals(map.delete(u32(7)), true);
    assertEquals(map.delete(u32(7)), false);
    map.clear();
    assertEquals([...map.entries()], []);
  });
}

for (const type of ["PERCPU_HASH", "PERCPU_ARRAY", "LRU_PERCPU_HASH"] as MapType[]) {
  kernelTest(`BpfMap ${type} sums the CPUs' values`, [], () => {
    using map = new BpfMap({ type, name: "test", keySize: 4, valueSize: 16, maxEntries: 8 });
    assertEquals(map.perCpu, true);
    const cpus = possibleCpuCount();
    map.update(u32(1), u64(...Array.from({ length: cpus * 2 }, (_, i) => BigInt(i))));
    const entry = [...map.entries()].find(([key]) => key[0] === 1)!;
    const even = BigInt(cpus * (cpus - 1));
    assertEquals([...sumCpus(entry[1], map.cpuStride)], [even, even + BigInt(cpus)]);
  });
}

kernelTest(
  "BpfMap reads ten thousand entries in batches, over buckets larger than a batch",
  [],
  () => {
    using map = new BpfMap({
      type: "HASH",
      name: "big",
      keySize: 8,
      valueSize: 8,
      maxEntries: 10000,
    });
    for (let i = 0; i < 10000; i++) map.update(u64(BigInt(i)), u64(BigInt(i)));
    const seen = new Set<bigint>();
    for (const [key, value] of map.entries()) {
      assertEquals(key, value);
      seen.add(new DataView(key.buffer, key.byteOffset).getBigUint64(0, true));
    }
    assertEquals(seen.size, 10000);
  },
);

kernelTest("BpfMap says why an update fails", [], () => {
  using map = new BpfMap({ type: "HASH", name: "small", keySize: 4, valueSize: 8, maxEntries: 1 });
  map.update(u32(1), u64(1n), BPF_NOEXIST);
  assertEquals(codeOf(() => map.update(u32(1), u64(1n), BPF_NOEXIST)), "EEXIST");
  assertEquals(codeOf(() => map.update(u32(2), u64(1n), BPF_EXIST)), "ENOENT");
  assertEquals(codeOf(() => map.update(u32(2), u64(1n))), "E2BIG");
  assertEquals(
    codeOf(() =>
      new BpfMap({ type: "HASH", name: "bad", keySize: 0, valueSize: 8, maxEntries: 1 })
    ),
    "EINVAL",
  );
});

kernelTest("an mmapable array is shared memory, a frozen one is not writable", [], () => {
  using map = new BpfMap({
    type: "ARRAY",
    name: "shared",
    keySize: 4,
    valueSize: 8,
    maxEntries: 4,
    flags: BPF_F_MMAPABLE,
  });
  const words = new BigUint64Array(map.mmap());
  map.update(u32(2), u64(77n));
  assertEquals(Atomics.load(words, 2), 77n);
  using frozen = new BpfMap({
    type: "ARRAY",
    name: "cold",
    keySize: 4,
    valueSize: 8,
    maxEntries: 1,
  });
  frozen.freeze();
  assertEquals(codeOf(() => frozen.update(u32(0), u64(1n))), "EPERM");
});

kernelTest("a program array leads a tail call to its program", [], () => {
  using table = new BpfMap({
    type: "PROG_ARRAY",
    name: "t",
    keySize: 4,
    valueSize: 4,
    maxEntries: 2,
  });
  using target = new BpfProgram({
    type: "RAW_TRACEPOINT",
    name: "target",
    code: new Assembler().emit(mov64(R0, imm(42)), exit()).assemble(),
  });
  table.update(u32(1), u32(target.fd));
  using caller = new BpfProgram({
    type: "RAW_TRACEPOINT",
    name: "caller",
    code: new Assembler().emit(
      loadMap(R2, table),
      mov64(R3, imm(1)),
      callHelper(BPF_FUNC.tail_call),
      mov64(R0, imm(7)),
      exit(),
    ).assemble(),
  });
  assertEquals(caller.testRun(), 42);
});

kernelTest("a stack trace map keeps the stack under its id", [], () => {
  using stacks = new BpfMap({
    type: "STACK_TRACE",
    name: "stacks",
    keySize: 4,
    valueSize: 127 * 8,
    maxEntries: 64,
  });
  using program = new BpfProgram({
    type: "RAW_TRACEPOINT",
    name: "stack",
    code: new Assembler().emit(
      loadMap(R2, stacks),
      mov64(R3, imm(0)),
      callHelper(BPF_FUNC.get_stackid),
      exit(),
    ).assemble(),
  });
  const id = program.testRun();
  const stack = new BigUint64Array(stacks.lookup(u32(id))!.buffer);
  assert(stack[0] > 0xffff_0000_0000_0000n);
  assertEquals([...stacks.entries()].length, 1);
});

kernelTest("a refused program is one line, with the whole log kept", [], () => {
  const code = new Assembler().emit(load(8, R0, R1, 8), load(8, R0, R0, 0), exit()).assemble();
  let error: unknown;
  try {
    new BpfProgram({ type: "RAW_TRACEPOINT", name: "bad", code });
  } catch (caught) {
    error = caught;
  }
  assert(error instanceof VerifierError);
  assertEquals(error.code, "EACCES");
  assertEquals(error.message.includes("\n"), false);
  assertStringIncludes(error.message, "R0 invalid mem access 'scalar'");
  assertStringIncludes(error.message, "at instruction 1: r0 = *(u64 *)(r0 +0)");
  assertStringIncludes(error.log, "processed 2 insns");
});

kernelTest("RingBuffer hands records out in order, in place, across its end", [], () => {
  using ring = new RingBuffer(4096, "ring");
  const asm = new Assembler();
  const full = asm.label("full");
  asm.emit(
    store(8, R10, -8, R1),
    load(8, R1, R1, 0),
    store(8, R10, -16, R1),
    loadMap(R1, ring.map),
    mov64(R2, R10),
    add64(R2, imm(-16)),
    mov64(R3, imm(16)),
    mov64(4, imm(0)),
    callHelper(BPF_FUNC.ringbuf_output),
    jeq(R0, imm(0), full),
    mov64(R0, imm(1)),
  );
  asm.bind(full);
  asm.emit(exit());
  using program = new BpfProgram({ type: "RAW_TRACEPOINT", name: "ring", code: asm.assemble() });
  let next = 0n;
  let expected = 0n;
  const view = new DataView(ring.bytes.buffer, ring.bytes.byteOffset);
  for (let round = 0; round < 20; round++) {
    // A record takes 24 bytes, so 170 records fit.
    for (let i = 0; i < 100; i++) assertEquals(program.testRun(u64(next++)), 0);
    assertEquals(ring.available, 2400);
    let stopped = false;
    const first = ring.drain((offset, length) => {
      if (expected % 100n === 50n && !stopped) {
        stopped = true;
        return false;
      }
      assertEquals(length, 16);
      assertEquals(view.getBigUint64(offset, true), expected++);
    });
    assertEquals(first, 50);
    stopped = true;
    ring.drain((offset) => {
      assertEquals(view.getBigUint64(offset, true), expected++);
    });
    assertEquals(ring.available, 0);
  }
  let written = 0;
  while (program.testRun(u64(0n)) === 0) written++;
  assertEquals(written, 170);
  assertEquals(ring.drain(() => {}), 170);
});

/** Makes the code of a program that counts its runs in an mmapable array. */
function counter(): { map: BpfMap; code: Uint8Array; count: () => bigint } {
  const map = new BpfMap({
    type: "ARRAY",
    name: "runs",
    keySize: 4,
    valueSize: 8,
    maxEntries: 1,
    flags: BPF_F_MMAPABLE,
  });
  const words = new BigUint64Array(map.mmap());
  const code = new Assembler().emit(
    loadMapValue(R1, map, 0),
    mov64(R2, imm(1)),
    { opcode: 0xdb, dst: 1, src: 2, offset: 0, imm: 0 },
    mov64(R0, imm(0)),
    exit(),
  ).assemble();
  return { map, code, count: () => Atomics.load(words, 0) };
}

kernelTest("each kind of link fires and stops firing", ["tracefs"], async () => {
  const id = Number(Deno.readTextFileSync("/sys/kernel/tracing/events/raw_syscalls/sys_enter/id"));
  const typedef = kernelBtf()!.find(BTF_KIND.TYPEDEF, "btf_trace_sys_enter");
  const kinds = [
    {
      spec: { type: "RAW_TRACEPOINT" },
      attach: (p: BpfProgram) => attachRawTracepoint(p, "sys_enter"),
    },
    {
      spec: { type: "TRACING", expectedAttachType: BPF_TRACE_RAW_TP, attachBtfId: typedef },
      attach: (p: BpfProgram) => attachRawTracepoint(p),
    },
    { spec: { type: "TRACEPOINT" }, attach: (p: BpfProgram) => attachTracepoint(p, id) },
    {
      spec: { type: "PERF_EVENT" },
      attach: (p: BpfProgram) =>
        attachPerfEvent(p, { type: 1, config: 0n, period: 1_000_000n }, { pid: -1, cpu: 0 }),
    },
  ] as const;
  for (const { spec, attach } of kinds) {
    const { map, code, count } = counter();
    using _map = map;
    using program = new BpfProgram({ ...spec, name: "count", code });
    {
      using _link = attach(program);
      Deno.statSync("/");
      await until(`${spec.type} runs`, () => count() > 0n);
    }
    const after = count();
    Deno.statSync("/");
    await new Promise((resolve) => setTimeout(resolve, 20));
    assertEquals(count(), after, spec.type);
  }
});

kernelTest("attaching to what is not there says so", [], () => {
  using program = new BpfProgram({ type: "RAW_TRACEPOINT", name: "none", code: returnZero() });
  assertEquals(codeOf(() => attachRawTracepoint(program, "no_such_tracepoint")), "ENOENT");
});

kernelTest("missingFeature() names what this kernel lacks, in one line", [], () => {
  assertEquals(missingFeature("ringbuf"), undefined);
  assertEquals(missingFeature("btf"), undefined);
  assertEquals(missingFeature("tp_btf"), undefined);
  const fentry = missingFeature("fentry");
  if (fentry === undefined) {
    // If the kernel allows fentry, a program of that type must load.
    const attachBtfId = kernelBtf()!.find(BTF_KIND.FUNC, "vfs_read");
    new BpfProgram({
      type: "TRACING",
      expectedAttachType: BPF_TRACE_FENTRY,
      attachBtfId,
      name: "f",
      code: returnZero(),
    })[Symbol.dispose]();
    return;
  }
  assertEquals(fentry.code, "EOPNOTSUPP");
  assertMatch(fentry.message, /^Cannot use fentry on this kernel: [^\n]+$/);
});
