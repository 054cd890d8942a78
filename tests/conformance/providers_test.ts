import * as core from "../../core/plugin/mod.ts";
import makeLogProvider from "../../examples/log_provider.ts";
import {
  interval,
  procEvents,
  profile,
  rawtracepoint,
  software,
  staticPoints,
  syscall,
  tracepoint,
  uprobe,
  uretprobe,
  usdt,
} from "../../providers/mod.ts";
import { tracepoints } from "../../providers/static/mod.ts";
import { buildProgram, hasProgram, output } from "../helpers.ts";
import { providerTests } from "./provider_tests.ts";

const openFile = () => Deno.openSync("/dev/null").close();

providerTests({
  make: syscall,
  kernelProbe: "syscall:openat:entry",
  otherProbe: "syscall:openat:return",
  fire: openFile,
  userProbe: "syscall:exit_group:entry",
  userCommand: "true",
  nonsense: ["syscall:no_such_call:entry", "syscall:openat", "syscall:openat:exit", "syscall:"],
});

providerTests({
  make: tracepoint,
  kernelProbe: "tracepoint:syscalls:sys_enter_openat",
  otherProbe: "tracepoint:raw_syscalls:sys_exit",
  fire: openFile,
  userProbe: "tracepoint:raw_syscalls:sys_exit",
  userCommand: "true",
  nonsense: ["tracepoint:syscalls:sys_enter_no_such_call", "tracepoint:syscalls", "tracepoint:"],
});

providerTests({
  make: interval,
  kernelProbe: "interval:ms:2",
  otherProbe: "interval:hz:100",
  fire: () => {},
  userProbe: "interval:ms:5",
  nonsense: ["interval:", "interval:parsec:1", "interval:s:many"],
});

providerTests({
  make: profile,
  kernelProbe: "profile:ms:2",
  otherProbe: "profile:hz:99",
  fire: () => {},
  userProbe: "profile:hz:997",
  userCommand: "sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done'",
  nonsense: ["profile:", "profile:parsec:1", "profile:s:many"],
});

providerTests({
  make: software,
  kernelProbe: "software:page-faults:1",
  otherProbe: "software:context-switches:1",
  fire: () => void new Deno.Command("true").outputSync(),
  userProbe: "software:faults:1",
  userCommand: "true",
  nonsense: [
    "software:",
    "software:no-such-event:1",
    "software:faults:many",
    "software:faults:1:2",
  ],
});

providerTests({
  make: procEvents,
  kernelProbe: "proc:process:exit",
  otherProbe: "proc:process:exec",
  fire: () => void new Deno.Command("true").outputSync(),
  userProbe: "proc:process:fork",
  nonsense: ["proc:process:create", "proc:thread", "proc:"],
});

providerTests({
  make: rawtracepoint,
  kernelProbe: "rawtracepoint:vmlinux:sched_process_fork",
  otherProbe: "rawtracepoint:vmlinux:sched_process_exit",
  fire: () => void new Deno.Command("true").outputSync(),
  nonsense: ["rawtracepoint:no_such_event", "rawtracepoint:module:sched_switch", "rawtracepoint:"],
});

for (const make of [uprobe, uretprobe]) {
  const { name } = make();
  providerTests({
    make,
    pattern: `${name}:libc:*`,
    kernelProbe: `${name}:libc:getenv`,
    otherProbe: `${name}:libc:malloc`,
    fire: () => void new Deno.Command("ls").outputSync(),
    nonsense: [
      `${name}:libc:no_such_function`,
      `${name}:/no/such/file:f`,
      `${name}:libc`,
      `${name}:`,
    ],
  });
}

if (hasProgram("gcc")) {
  const program = buildProgram("static_probes");
  providerTests({
    make: usdt,
    pattern: `usdt:${program}:*`,
    kernelProbe: `usdt:${program}:demo:start`,
    otherProbe: `usdt:${program}:demo:twice`,
    fire: () => void output(program, ["3"]),
    nonsense: [`usdt:${program}:demo:nothing`, "usdt:/no/such/file:demo:start", "usdt:"],
  });
}

const suite = tracepoints("suite", { one: ["string", "u32"], other: ["i64"] });

providerTests({
  make: staticPoints,
  pattern: "static:suite:*",
  kernelProbe: "static:suite:one",
  otherProbe: "static:suite:other",
  fire() {
    suite.one("text", 1);
    suite.other(2n);
  },
  userProbe: "static:suite:one",
  nonsense: ["static:suite:nothing", "static:suite", "static:"],
});

const log = Deno.makeTempFileSync();
globalThis.addEventListener("unload", () => Deno.removeSync(log));

// The example provider is tested as the author of any provider would test it.
providerTests({
  make: () => makeLogProvider(core),
  pattern: "",
  userProbe: `log:${log}:line`,
  fire: () => Deno.writeTextFileSync(log, "a line\n", { append: true }),
  nonsense: ["log:/no/such/file:line", `log:${log}`, `log:${log}:word`, "log:"],
});
