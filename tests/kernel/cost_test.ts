// What scripts cost, in numbers that need no clock: instructions and calls of helpers of the programs that are
// loaded, bytes that a printed event takes in the ring, system calls of the reader. The first three are a
// golden (`deno task golden`): nothing becomes dearer unseen.

import { assert, assertEquals } from "@std/assert";
import { decode } from "../../core/asm/instruction.ts";
import { HELPERS } from "../../core/asm/generated/helpers.ts";
import type { BpfProgram } from "../../core/bpf/program.ts";
import { openDevice } from "../../core/mod.ts";
import { compile } from "../../language/mod.ts";
import { load } from "../../language/kernel/load_script.ts";
import { allProviders } from "../../providers/mod.ts";
import { buildCaller, kernelTest, output, ROOT, RunningBtrace } from "../helpers.ts";

const GOLDEN = `${ROOT}tests/testdata/cost.txt`;
const ENTER = "tracepoint:raw_syscalls:sys_enter";

const SCRIPTS: readonly string[] = [
  `${ENTER} { @[comm] = count(); }`,
  `${ENTER} /pid == 1/ { @ = count(); }`,
  `${ENTER} { @[pid, tid, cpu] = count(); }`,
  `${ENTER} { @ = hist(args.id); }`,
  `${ENTER} { @ = lhist(args.id, 0, 400, 10); }`,
  `${ENTER} { @[probe] = sum(args.id); @a = avg(args.id); @m = max(args.id); }`,
  `${ENTER} { @s[tid] = nsecs; } tracepoint:raw_syscalls:sys_exit /@s[tid]/ ` +
  "{ @h = hist(nsecs - @s[tid]); delete(@s, tid); }",
  "tracepoint:syscalls:sys_enter_getppid { @ = count(); }",
  "tracepoint:syscalls:sys_enter_getppid { @++; }",
  "tracepoint:syscalls:sys_enter_openat { @[str(args.filename)] = count(); }",
  'tracepoint:syscalls:sys_enter_openat { printf("%s %s\\n", comm, str(args.filename)); }',
  'syscall:openat:entry /comm == "cat"/ { printf("%s\\n", str(args.filename, 64)); }',
  "syscall:read:return, syscall:write:return { @[probe] = sum(retval); if (retval < 0) { @e++; } }",
  "tracepoint:syscalls:sys_enter_getppid { @[kstack] = count(); }",
  "tracepoint:syscalls:sys_enter_getppid { @[ustack(5), comm] = count(); }",
  "tracepoint:sched:sched_switch { @[args.prev_comm, args.next_pid] = count(); }",
  "rawtracepoint:sched_wakeup { @[cpu] = count(); }",
  "profile:hz:99 { @[kstack, ustack] = count(); }",
  "interval:s:1 { print(@); clear(@); } software:page-faults:1 { @ = count(); }",
  'tracepoint:syscalls:sys_enter_* { printf("%d %s %d\\n", pid, comm, nsecs); }',
];

/** Prints one event each: what the ring's reader reads for it. */
const PRINTING: readonly string[] = [
  'printf("%d\\n", pid);',
  'printf("%d %s %d\\n", pid, comm, nsecs);',
  'printf("%s\\n", str("/etc/passwd"));',
  "print((pid, comm));",
];

const device = openDevice({ providers: allProviders() });

function programsOf(text: string) {
  using loaded = load(compile({ name: "stdin", text }, device), device);
  return loaded.session.programs.map((program) => {
    const code = decode((program as BpfProgram).spec.code);
    const helpers = code.filter(({ opcode, src }) => opcode === 0x85 && src === 0)
      .map(({ imm }) => HELPERS[imm]);
    return { instructions: (program as BpfProgram).spec.code.length / 8, helpers };
  });
}

/** Bytes of the ring that one event of a body takes, its header included. */
function bytesOf(body: string): number {
  using loaded = load(compile({ name: "stdin", text: `BEGIN { ${body} }` }, device), device);
  loaded.fire("begin");
  let bytes = 0;
  loaded.onRecord = (memory, at) => {
    bytes += memory.u32(at - 8) & 0x3fffffff;
  };
  loaded.drain();
  return bytes + 8;
}

function counted(names: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => count === 1 ? name : `${count} ${name}`).join(", ");
}

kernelTest("programs and records are no longer than the checked-in list says", ["tracefs"], () => {
  const lines = SCRIPTS.flatMap((text) => [
    text,
    ...programsOf(text).map(({ instructions, helpers }) =>
      `    ${instructions} instructions; ${counted(helpers)}`
    ),
  ]);
  for (const body of PRINTING) lines.push(`BEGIN { ${body} }`, `    ${bytesOf(body)} bytes`);
  const actual = lines.map((line) => `${line}\n`).join("");
  if (Deno.env.get("UPDATE_GOLDENS") === "1") Deno.writeTextFileSync(GOLDEN, actual);
  assertEquals(actual, Deno.readTextFileSync(GOLDEN));
});

kernelTest("a flood of lines is read with few system calls", ["gcc", "strace"], async () => {
  const events = 300_000;
  const caller = buildCaller();
  await using running = new RunningBtrace([
    ...["-o", "/dev/null", "-e"],
    'syscall:getppid:entry /comm == "caller"/ { printf("%d %s\\n", pid, comm); }',
  ]);
  await running.attached();
  const file = Deno.makeTempFileSync();
  try {
    const strace = new Deno.Command("strace", {
      args: ["-f", "-c", "-U", "calls,name", "-o", file, "-p", `${running.pid}`],
      stderr: "piped",
    }).spawn();
    await strace.stderr.getReader().read(); // "Process … attached"
    output(caller, [`${events}`]);
    await running.stop();
    await strace.status;
    const calls = Number(/(\d+) total/.exec(Deno.readTextFileSync(file))![1]);
    assert(calls > 10 && calls < events / 100, `${calls} system calls for ${events} events`);
  } finally {
    Deno.removeSync(file);
  }
});
