// The recorder by itself: what FreeBSD's kernel does with its requests.

import { assert, assertEquals } from "@std/assert";
import { codeOf, testWith } from "../../../tests/helpers.ts";
import { KTR } from "../formats/types.ts";
import { RecordReader } from "../formats/reader.ts";
import { ALL_POINTS, DEFAULT_POINTS, INHERIT, ROOT } from "../formats/points.ts";
import type { KtrRecord } from "../formats/record.ts";
import { Recorder, type RecorderOptions, type TracedProcess } from "./recorder.ts";
import type { TraceFile } from "./trace_file.ts";

/** A recorder with one file and one process. */
class Bench implements Disposable {
  readonly path = Deno.makeTempFileSync();
  readonly warnings: string[] = [];
  readonly recorder: Recorder;
  readonly file: TraceFile;
  readonly process: TracedProcess;

  constructor(options: RecorderOptions = {}, points = DEFAULT_POINTS | INHERIT) {
    this.recorder = new Recorder({ warn: (message) => this.warnings.push(message), ...options });
    this.file = this.recorder.open(this.path);
    this.process = this.recorder.set(77, 1000, points, this.file);
  }

  /** Makes a user record; "lost" if it is. */
  note(text: string, how: "submit" | "enqueue", process = this.process, maySleep = false): string {
    const lwp = { tid: process.pid + 1, startNs: 5, comm: new TextEncoder().encode("bench") };
    const request = this.recorder.request(process, lwp, maySleep);
    if (request === undefined) return "lost";
    request.seconds = 1700000000;
    request.raw(KTR.user, new TextEncoder().encode(text));
    this.recorder[how](process, request);
    return how;
  }

  /** What is in the file, without the processes' first records. */
  records(): KtrRecord[] {
    const reader = new RecordReader();
    const items = [...reader.push(Deno.readFileSync(this.path)), ...reader.end()];
    return items.map((item) => {
      assert("record" in item);
      return item.record;
    }).filter(({ kind }) => kind !== "procctor");
  }

  notes(): string[] {
    return this.records().map((record) =>
      record.kind === "user" ? new TextDecoder().decode(record.data) : record.kind
    );
  }

  [Symbol.dispose](): void {
    this.recorder[Symbol.dispose]();
    Deno.removeSync(this.path);
  }
}

Deno.test("submit() writes what waits first, enqueue() lets records wait", () => {
  using bench = new Bench();
  bench.note("1", "enqueue");
  bench.note("2", "enqueue");
  assertEquals(bench.notes(), []);
  assertEquals(bench.process.pending, 2);
  bench.note("3", "submit");
  assertEquals(bench.notes(), ["1", "2", "3"]);
  bench.note("4", "enqueue");
  bench.recorder.drain(bench.process);
  assertEquals(bench.notes(), ["1", "2", "3", "4"]);
  assertEquals(bench.process.pending, 0);
});

Deno.test("each process has a queue of its own", () => {
  using bench = new Bench();
  const other = bench.recorder.set(99, 1, DEFAULT_POINTS, bench.file);
  bench.note("other 1", "enqueue", other);
  bench.note("1", "submit");
  assertEquals(bench.notes(), ["1"]);
  bench.note("other 2", "submit", other);
  assertEquals(bench.notes(), ["1", "other 1", "other 2"]);
});

Deno.test("a record that finds no request is lost, warned of once, told by the next", () => {
  using bench = new Bench({ pool: 3 });
  for (const text of ["1", "2", "3"]) assertEquals(bench.note(text, "enqueue"), "enqueue");
  assertEquals(bench.note("4", "enqueue"), "lost");
  assertEquals(bench.note("5", "enqueue"), "lost");
  assertEquals(bench.warnings, ["Out of ktrace request objects."]);
  assertEquals(bench.recorder.lost, 2);
  bench.recorder.drain(bench.process);
  bench.note("6", "submit");
  bench.note("7", "submit");
  assertEquals(bench.notes(), ["1", "2", "3", "6", "7"]);
  assertEquals(bench.records().map(({ dropped }) => dropped), [false, false, false, true, false]);
});

Deno.test("the pool changes its size while it is in use", () => {
  using bench = new Bench({ pool: 2 });
  bench.note("1", "enqueue");
  bench.note("2", "enqueue");
  assertEquals(bench.note("3", "enqueue"), "lost");
  assertEquals(codeOf(() => bench.recorder.resizePool(1)), "ENOSPC");
  assertEquals(codeOf(() => bench.recorder.resizePool(0)), "EINVAL");
  bench.recorder.resizePool(3);
  assertEquals(bench.recorder.poolSize, 3);
  assertEquals(bench.note("4", "enqueue"), "enqueue");
  assertEquals(bench.note("5", "enqueue"), "lost");
  // Again: the pool has another size.
  assertEquals(bench.warnings.length, 2);
  bench.recorder.drain(bench.process);
  bench.recorder.resizePool(1);
  bench.note("6", "enqueue");
  assertEquals(bench.note("7", "enqueue"), "lost");
  assertEquals(bench.warnings.length, 3);
});

Deno.test("makers that may wait make room instead of losing", () => {
  using bench = new Bench({ pool: 2 });
  for (let i = 0; i < 100; i++) bench.note(`${i}`, "enqueue", bench.process, true);
  bench.recorder.drain(bench.process);
  assertEquals(bench.notes(), Array.from({ length: 100 }, (_, i) => `${i}`));
  assertEquals(bench.recorder.lost, 0);
});

Deno.test("a drain writes what waits at that moment", () => {
  // A file whose writing makes records: only those of before are written.
  using bench = new Bench();
  bench.note("1", "enqueue");
  bench.note("2", "enqueue");
  const { file } = bench;
  const append = file.append.bind(file);
  let made = 0;
  file.append = (request) => {
    append(request);
    // In the trace, nothing is recorded.
    if (made++ === 0) assertEquals(bench.note("within", "enqueue"), "lost");
  };
  bench.recorder.drain(bench.process);
  assertEquals(bench.notes(), ["1", "2"]);
  assertEquals(bench.process.pending, 0);
  assertEquals(bench.recorder.lost, 0); // it was none
});

Deno.test("data keeps its place among its thread's records", () => {
  using bench = new Bench();
  const lwp = { tid: 77, startNs: 5, comm: new Uint8Array() };
  const { recorder, process } = bench;
  bench.note("before", "enqueue");
  const request = recorder.request(process, lwp)!;
  request.genio(3, true, new TextEncoder().encode("data"));
  recorder.submit(process, request);
  bench.note("after", "enqueue");
  recorder.drain(process);
  assertEquals(bench.notes(), ["before", "genio", "after"]);
});

Deno.test("a record that waits stays its thread's, whoever has the number then", () => {
  using bench = new Bench();
  const { recorder, process } = bench;
  const lwp = { tid: 500, startNs: 5, comm: new TextEncoder().encode("first") };
  const waiting = recorder.request(process, lwp)!;
  waiting.raw(KTR.user, new TextEncoder().encode("1"));
  recorder.enqueue(process, waiting);
  // The thread has died, and its number is another's.
  Object.assign(lwp, { startNs: 9, comm: new TextEncoder().encode("other") });
  const next = recorder.request(process, lwp)!;
  next.raw(KTR.user, new TextEncoder().encode("2"));
  assertEquals([waiting.startNs, next.startNs], [5, 9]);
  recorder.submit(process, next);
  assertEquals(
    bench.records().map(({ tid, comm }) => [tid, comm]),
    [[500, "first"], [500, "other"]],
  );
});

Deno.test("a process's end writes the rest; its number is another's then", () => {
  using bench = new Bench();
  bench.note("last", "enqueue");
  bench.recorder.exit(bench.process);
  assertEquals(bench.notes(), ["last"]);
  assertEquals(bench.recorder.process(77), undefined);
  // One whose end was not seen: the number with another start is another process.
  const first = bench.recorder.set(88, 1, DEFAULT_POINTS, bench.file);
  bench.note("first's", "enqueue", first);
  assertEquals(bench.recorder.process(88, 2), undefined);
  assertEquals(bench.notes(), ["last", "first's"]);
  assertEquals(first.points, 0);
});

Deno.test("who has ended is not told of as stopped: the number may be another's", () => {
  const stopped: number[] = [];
  using bench = new Bench({ stopped: ({ pid }) => stopped.push(pid) });
  bench.recorder.exit(bench.process);
  assertEquals(stopped, []);
  bench.recorder.set(78, 1, DEFAULT_POINTS, bench.file);
  bench.recorder.clear(78, DEFAULT_POINTS);
  assertEquals(stopped, [78]);
});

Deno.test("children are recorded if their parent's is inherited", () => {
  using bench = new Bench();
  const child = bench.recorder.fork(bench.process, 78, 2000)!;
  assertEquals([child.points, child.file], [bench.process.points, bench.file]);
  const lonely = bench.recorder.set(90, 1, DEFAULT_POINTS, bench.file);
  assertEquals(bench.recorder.fork(lonely, 91, 2), undefined);
});

Deno.test("a program that gains rights throws away what waits, unless root records", () => {
  using bench = new Bench();
  bench.note("secret", "enqueue");
  assertEquals(bench.recorder.executedSetId(bench.process), false);
  assertEquals(bench.notes(), []);
  assertEquals(bench.recorder.process(77), undefined);
  const roots = bench.recorder.set(80, 1, DEFAULT_POINTS | ROOT, bench.file);
  bench.note("kept", "enqueue", roots);
  assertEquals(bench.recorder.executedSetId(roots), true);
  bench.recorder.drain(roots);
  assertEquals(bench.notes(), ["kept"]);
});

Deno.test("records of points that are off, and of those who have ended, are not written", () => {
  using bench = new Bench({ pool: 4 }, DEFAULT_POINTS);
  bench.note("before", "submit");
  bench.note("waits", "enqueue");
  bench.recorder.clear(77, 1 << KTR.user);
  for (let i = 0; i < 10; i++) {
    bench.note("off", "submit");
    bench.note("off", "enqueue");
  }
  assertEquals([bench.recorder.lost, bench.process.pending], [0, 1]);
  const lwp = { tid: 78, startNs: 5, comm: new Uint8Array(0) };
  const late = bench.recorder.request(bench.process, lwp)!;
  late.raw(KTR.user, new Uint8Array(1));
  bench.recorder.exit(bench.process);
  // What was made before the end and comes after it leaves no ghost, and its request is free again.
  bench.recorder.enqueue(bench.process, late);
  assertEquals(bench.recorder.request(bench.process, lwp), undefined);
  assertEquals(bench.recorder.lost, 0);
  bench.recorder.flush();
  assertEquals(bench.notes(), ["before", "waits"]);
  // All of the pool is there.
  const other = bench.recorder.set(79, 1000, DEFAULT_POINTS, bench.file);
  for (let i = 0; i < 4; i++) assertEquals(bench.note("all", "enqueue", other), "enqueue");
});

Deno.test("a request is recorded once", () => {
  using bench = new Bench();
  const lwp = { tid: 78, startNs: 5, comm: new Uint8Array(0) };
  for (const first of ["submit", "enqueue"] as const) {
    const request = bench.recorder.request(bench.process, lwp)!;
    request.raw(KTR.user, new Uint8Array(1));
    bench.recorder[first](bench.process, request);
    for (const second of ["submit", "enqueue"] as const) {
      assertEquals(codeOf(() => bench.recorder[second](bench.process, request)), "EINVAL");
    }
  }
  bench.recorder.drain(bench.process);
  assertEquals(bench.records().length, 2);
});

Deno.test("set() to another file leaves what was recorded in the former one", () => {
  using bench = new Bench({ commit: "round" });
  const path = Deno.makeTempFileSync();
  bench.note("former", "submit");
  bench.note("waits", "enqueue");
  bench.recorder.set(77, 1000, DEFAULT_POINTS, bench.recorder.open(path));
  assertEquals(bench.notes(), ["former", "waits"]);
  assertEquals(Deno.statSync(path).size, 0);
  Deno.removeSync(path);
});

Deno.test("a queue has a limit, and is drained every so many records", () => {
  using limited = new Bench({ mostPending: 3 });
  for (let i = 0; i < 5; i++) limited.note(`${i}`, "enqueue");
  assertEquals([limited.process.pending, limited.recorder.lost], [3, 2]);
  limited.note("last", "submit");
  assertEquals(limited.notes(), ["0", "1", "2", "last"]);
  assertEquals(limited.records().map(({ dropped }) => dropped), [false, false, false, true]);
  using drained = new Bench({ drainEvery: 3 });
  for (let i = 0; i < 7; i++) drained.note(`${i}`, "enqueue");
  assertEquals([drained.process.pending, drained.notes().length], [1, 6]);
  for (const bad of [0, -1, 1.5, NaN]) {
    assertEquals(codeOf(() => new Recorder({ mostPending: bad })), "EINVAL");
    assertEquals(codeOf(() => new Recorder({ drainEvery: bad })), "EINVAL");
  }
});

Deno.test("set() refuses what is not allowed, clear() takes points away", () => {
  using bench = new Bench();
  const { recorder, file } = bench;
  assertEquals(codeOf(() => recorder.set(5, 0, INHERIT, file)), "EINVAL");
  assertEquals(codeOf(() => recorder.set(Deno.pid, 0, ALL_POINTS, file)), "EPERM");
  recorder.set(80, 1, DEFAULT_POINTS | ROOT, file);
  assertEquals(codeOf(() => recorder.set(80, 1, DEFAULT_POINTS, file)), "EPERM");
  assertEquals(recorder.clear(4711, DEFAULT_POINTS), false);
  assertEquals(recorder.clear(77, DEFAULT_POINTS), true);
  assertEquals(recorder.process(77), undefined);
  recorder.clearFile(file);
  assertEquals(recorder.processes, []);
});

Deno.test("a file that cannot be written is given up with one message", () => {
  const warnings: string[] = [];
  const stopped: number[] = [];
  using recorder = new Recorder({
    warn: (message) => warnings.push(message),
    stopped: ({ pid }) => stopped.push(pid),
  });
  const file = recorder.open("/dev/full");
  const process = recorder.set(77, 0, DEFAULT_POINTS, file);
  for (let i = 0; i < 3; i++) {
    const request = recorder.request(process, { tid: 1, startNs: 0, comm: new Uint8Array() });
    // After the failure nothing of the process is recorded.
    assertEquals(request === undefined, i > 0);
    request?.raw(KTR.user, new Uint8Array(10));
    if (request !== undefined) recorder.submit(process, request);
  }
  assertEquals(warnings, ["/dev/full: write: No space left on device; tracing stopped"]);
  assertEquals(stopped, [77]);
  assertEquals(codeOf(() => recorder.open("/no/such/file")), "ENOENT");
  assertEquals(codeOf(() => recorder.open("/")), "EISDIR");
});

testWith("files are opened and written as the requester", ["root"], () => {
  const folder = Deno.makeTempDirSync();
  const nobody = { uid: 65534, gid: 65534 };
  using recorder = new Recorder();
  const open = (name: string) => recorder.open(`${folder}/${name}`, { credentials: nobody });
  assertEquals(codeOf(() => open("not/there")), "EACCES");
  assertEquals(codeOf(() => open("closed")), "EACCES");
  Deno.chmodSync(folder, 0o777);
  const file = open("open");
  const { uid, gid } = Deno.statSync(`${folder}/open`);
  assertEquals([uid, gid], [65534, 65534]);
  // Its quota and limits count, not root's; and this process is root again.
  const process = recorder.set(77, 0, DEFAULT_POINTS, file);
  const request = recorder.request(process, { tid: 1, startNs: 0, comm: new Uint8Array() })!;
  request.raw(KTR.user, new Uint8Array(10));
  recorder.submit(process, request);
  assert(Deno.statSync(`${folder}/open`).size > 0);
  assertEquals(
    Deno.readTextFileSync("/proc/self/status").match(/^Uid:.*$/m)?.[0].split("\t")[4],
    "0",
  );
  Deno.removeSync(folder, { recursive: true });
});
