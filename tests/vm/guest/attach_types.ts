// Runs each attach type once, in a virtual machine: what fires on this machine's kernel must fire
// there.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { kernelTest } from "../../helpers.ts";
import { openLibc, readFile, script } from "./script.ts";

const OWN = `/pid == ${Deno.pid}/`;

kernelTest("system calls, trace events and raw tracepoints fire", [], async () => {
  const { stdout } = await script(
    `syscall:openat:entry ${OWN} { @syscall = count(); }
     tracepoint:syscalls:sys_exit_openat ${OWN} { @exit = count(); }
     tracepoint:sched:sched_process_fork { @fork[args.parent_pid > 0] = count(); }
     rawtracepoint:sched_process_exec { @exec[args.old_pid > 0] = count(); }`,
    async () => {
      readFile("/etc/hosts");
      await new Deno.Command("true").output();
    },
  );
  assertMatch(stdout, /@exec\[true\]: \d+/);
  assertMatch(stdout, /@exit: \d+/);
  assertMatch(stdout, /@fork\[true\]: \d+/);
  assertMatch(stdout, /@syscall: \d+/);
});

kernelTest("clocks and software events fire", [], async () => {
  const { stdout } = await script(
    `profile:hz:99 { @profile = count(); } interval:ms:50 { @interval = count(); }
     software:cs:1 { @switches = count(); }`,
    () => new Promise((resolve) => setTimeout(resolve, 500)),
  );
  for (const name of ["profile", "interval", "switches"]) {
    assertMatch(stdout, new RegExp(`@${name}: \\d+`));
  }
});

kernelTest("uprobes fire, with links for many places and for one", [], async () => {
  using libc = openLibc();
  const { stdout } = await script(
    `uprobe:libc:getppid ${OWN} { @[func] = count(); } uretprobe:libc:getppid ${OWN} { @r[retval] = count(); }`,
    () => {
      for (let i = 0; i < 5; i++) libc.getppid();
    },
  );
  assertMatch(stdout, /@\[getppid\]: 5\n/);
  assertMatch(stdout, new RegExp(`@r\\[${Deno.ppid}\\]: 5\n`));
});

kernelTest("static tracepoints of this process fire", [], async () => {
  const { tracepoints } = await import("../../../providers/static/mod.ts");
  const points = tracepoints("guest", { hello: ["string", "u32"] });
  const { stdout } = await script(
    'static:guest:hello { printf("%s %d\\n", str(arg0), arg1); }',
    () => points.hello("world", 7),
  );
  assertEquals(stdout.trim(), "world 7");
});

kernelTest("iterators go over all threads", [], async () => {
  const { stdout } = await script(
    "iter:task { @[ctx.task->tgid] = count(); }",
    () => new Promise((resolve) => setTimeout(resolve, 2000)),
  );
  const own = Number(new RegExp(`@\\[${Deno.pid}\\]: (\\d+)`).exec(stdout)?.[1]);
  assert(own > 1, stdout);
  assertMatch(stdout, /@\[1\]: 1\n/);
});
