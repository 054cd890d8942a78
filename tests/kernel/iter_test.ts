// Tests of the iterators over objects that exist in the kernel.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { openDevice } from "../../core/mod.ts";
import { iter } from "../../providers/mod.ts";
import { btrace, kernelTest } from "../helpers.ts";

kernelTest("iter:task sees every thread once, and ends", [], () => {
  const script =
    'iter:task { printf("%d %d %s\\n", ctx.task->tgid, ctx.task->pid, ctx->task->comm); }';
  const threads = () => [...Deno.readDirSync("/proc/self/task")].map(({ name }) => name);
  const before = threads();
  const { code, stdout } = btrace(["-e", script]);
  assertEquals(code, 0);
  const lines = stdout.trimEnd().split("\n");
  assertEquals(new Set(lines).size, lines.length);
  // All threads of this process must be listed. Other threads may come and go meanwhile.
  const lasting = threads().filter((tid) => before.includes(tid));
  assert(lasting.length > 1);
  for (const tid of lasting) {
    assertEquals(lines.filter((line) => line.startsWith(`${Deno.pid} ${tid} `)).length, 1, tid);
  }
});

kernelTest("iter:task_file sees open files, iter:task_vma mappings", [], () => {
  const path = Deno.makeTempFileSync({ prefix: "dt-iter-" });
  using _file = Deno.openSync(path);
  const name = path.split("/").at(-1)!;
  const files = btrace([
    "-e",
    `iter:task_file /ctx.task->tgid == ${Deno.pid} && ctx.task->pid == ctx.task->tgid/ {
       printf("%d %s\\n", ctx.fd, str(ctx.file->f_path.dentry->d_name.name)); }`,
  ]);
  assertMatch(files.stdout, new RegExp(`^\\d+ ${name}$`, "m"));
  Deno.removeSync(path);
  const vmas = btrace([
    "-e",
    `iter:task_vma /ctx.task->pid == ${Deno.pid}/ { printf("%lx\\n", ctx.vma->vm_start); }`,
  ]);
  const seen = new Set(vmas.stdout.trim().split("\n"));
  const starts = Deno.readTextFileSync("/proc/self/maps").trim().split("\n")
    .map((line) => line.split("-")[0].replace(/^0+/, ""));
  // Mappings may change meanwhile, except those of the program itself.
  const common = starts.filter((start) => seen.has(start)).length;
  assert(common > starts.length / 2, `${common} of ${starts.length}`);
});

kernelTest("iter goes over more objects than the ring has room for", [], () => {
  // The script prints some kilobytes for each of thousands of mappings; the default ring holds 1
  // MiB of that.
  const { code, stdout, stderr } = btrace([
    "-e",
    'config = { perf_rb_pages = 16 } iter:task_vma { printf("%1000d\\n", ctx.vma->vm_start); @ = count(); }',
  ]);
  assertEquals(code, 0, stderr);
  assert(!/lost/i.test(stderr), stderr);
  const count = Number(/@: (\d+)/.exec(stdout)![1]);
  assertEquals(stdout.split("\n").filter((line) => line.length >= 1000).length, count);
  assert(count * 1000 > 16 * 4096);
});

kernelTest("iter in a session ends the events", [], async () => {
  using session = openDevice({ providers: [iter()] }).open();
  session.enable("iter:task", { states: ["comm"] });
  session.start();
  let count = 0;
  for await (const event of session) {
    assertEquals(event.probe, "iter:task");
    count++;
  }
  assert(count > 10);
  const { fired, recorded } = session.stats();
  assertEquals([fired, recorded], [BigInt(count), BigInt(count)]);
});

kernelTest("iter is listed, and alone in its script", [], () => {
  const { stdout } = btrace(["-l", "iter:task*"]);
  assertEquals(stdout, "iter:task\niter:task_file\niter:task_vma\n");
  const { code, stderr } = btrace(["-e", "iter:task, interval:s:1 { }"]);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "iter:task must be the only probe");
  assertStringIncludes(btrace(["-e", "iter:no_such { }"]).stderr, "No matches for iter no_such.");
});
