// What a traced event costs the traced program, beside bpftrace and beside the floor: programs written by
// hand for the same job.
//
//   deno run -A bench/events.ts [rounds] [pattern]
//
// Needs root and gcc. Rounds of all tracers alternate, pinned to one CPU; figures are medians with half the
// distance of the quartiles, in nanoseconds of CPU time that a call takes more than untraced.

import * as floor from "./floor.ts";
import {
  bpftrace,
  btrace,
  compileC,
  median,
  numberOf,
  peerVersion,
  ROOT,
  under,
  withSpread,
} from "./measure.ts";

const ROUNDS = Number(Deno.args[0] ?? 5);
const PATTERN = new RegExp(Deno.args[1] ?? "");
const CALLS = 1_000_000;

const folder = await Deno.makeTempDir();
const caller = await compileC(folder, `${ROOT}bench/caller.c`);

/** One row: what is traced, what the caller does, and the floor if there is one. */
interface Row {
  readonly name: string;
  readonly script: string;
  readonly what?: "access" | "function";
  readonly floor?: () => Disposable;
}

const ENTRY = "tracepoint:raw_syscalls:sys_enter";
const ONE = "tracepoint:syscalls:sys_enter_getppid";

const ROWS: readonly Row[] = [
  { name: "count by comm", script: `${ENTRY} { @[comm] = count(); }`, floor: floor.countByName },
  { name: "count one call", script: `${ONE} { @ = count(); }`, floor: floor.countOneCall },
  {
    name: "a call that is not traced",
    script: "tracepoint:syscalls:sys_enter_openat { @ = count(); }",
  },
  {
    name: "predicate that misses",
    script: `${ENTRY} /pid == 1/ { @ = count(); }`,
    floor: floor.missPredicate,
  },
  {
    name: "entry/exit latency histogram",
    script: `${ENTRY} { @s[tid] = nsecs; } tracepoint:raw_syscalls:sys_exit /@s[tid]/ ` +
      "{ @h = hist(nsecs - @s[tid]); delete(@s, tid); }",
    floor: floor.latency,
  },
  {
    name: "three-integer key",
    script: `${ENTRY} { @[pid, tid, cpu] = count(); }`,
    floor: floor.countByThree,
  },
  {
    name: "string key from user memory",
    script: "tracepoint:syscalls:sys_enter_access { @[str(args.filename)] = count(); }",
    what: "access",
  },
  { name: "kstack key", script: `${ONE} { @[kstack] = count(); }` },
  { name: "ustack key", script: `${ONE} { @[ustack] = count(); }` },
  {
    name: "four clauses on one probe",
    script: `${ONE} { @a = count(); } ${ONE} { @b = sum(pid); } ${ONE} { @c = max(tid); } ` +
      `${ONE} /cpu == 0/ { @d = count(); }`,
  },
  {
    name: "uprobe of a hot function",
    script: `uprobe:${caller}:traced_function { @ = count(); }`,
    what: "function",
  },
];

/** Nanoseconds of one repetition, pinned. */
function one(what: string, count = CALLS): Promise<number> {
  return numberOf("taskset", "-c", "1", caller, what, `${count}`);
}

console.log(`ns added a call: btrace, bpftrace ${peerVersion()}, floor; median of ${ROUNDS}`);
for (const { name, script, what = "getppid", floor } of ROWS) {
  if (!PATTERN.test(name)) continue;
  const found: Record<"plain" | "ours" | "theirs" | "floor", number[]> = {
    ...{ plain: [], ours: [], theirs: [], floor: [] },
  };
  for (let i = 0; i < ROUNDS; i++) {
    found.plain.push(await one(what));
    found.ours.push((await under(btrace("-e", script), () => one(what))).result);
    found.theirs.push((await under(bpftrace("-e", script), () => one(what))).result);
    if (floor === undefined) continue;
    using _floor = floor();
    found.floor.push(await one(what));
  }
  const plain = median(found.plain);
  const added = (values: readonly number[]) => values.map((value) => value - plain);
  const ratio = median(added(found.ours)) / median(added(found.theirs));
  console.log(
    name.padEnd(32) + withSpread(added(found.ours)).padStart(10) +
      withSpread(added(found.theirs)).padStart(12) + `  ratio ${ratio.toFixed(2)}` +
      (floor === undefined ? "" : `  floor ${withSpread(added(found.floor))}`) +
      `  (untraced ${plain.toFixed(1)})`,
  );
}
await Deno.remove(folder, { recursive: true });
