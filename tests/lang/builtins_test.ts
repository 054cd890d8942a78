// Every builtin value in every kind of probe, on both planes: the script compiles and the interpreter
// takes it, or both refuse with diagnostics of ours.

import { assert } from "@std/assert";
import { DtError, openDevice } from "../../core/mod.ts";
import { allProviders } from "../../providers/mod.ts";
import { compile, ScriptError } from "../../language/mod.ts";
import { generate } from "../../language/kernel/generate.ts";
import { interpret } from "../../language/user/interpret.ts";
import { BUILTINS } from "../../language/model/builtins.ts";
import { kernelTest } from "../helpers.ts";

const PROBES = [
  ...["BEGIN", "syscall:read:entry", "syscall:read:return", "profile:hz:9", "interval:s:1"],
  ...["uprobe:/usr/bin/bash:main", "uretprobe:/usr/bin/bash:main", "kprobe:vfs_read"],
  ...["kretprobe:vfs_read", "fentry:vfs_read", "fexit:vfs_read", "software:cpu-clock:1000000"],
  ...["tracepoint:syscalls:sys_enter_read", "rawtracepoint:sys_enter", "iter:task", "proc:exec"],
  ...["self:signal:SIGUSR1", "watchpoint:0x1000:8:w"],
];
const OTHERS = [
  "kstack",
  "ustack",
  "args",
  "retval",
  "arg0",
  "probe",
  "probetype",
  "usermode",
  "$1",
];

const USES: readonly ((value: string) => string)[] = [
  (value) => `print(${value});`,
  (value) => `printf("%s", ${value});`,
  (value) => `@[${value}] = count();`,
  (value) => `$x = ${value}; print(($x, 1));`,
  (value) => `if (${value} == ${value}) { @a = ${value}; }`,
];

const device = openDevice({ providers: allProviders() });

kernelTest("each builtin in each kind of probe is taken or refused in words of ours", [], () => {
  let taken = 0;
  for (const probe of PROBES) {
    for (const name of [...Object.keys(BUILTINS), ...OTHERS]) {
      for (const use of USES) {
        const text = `${probe} { ${use(name)} }`;
        for (const plane of ["kernel", "user"] as const) {
          try {
            const script = compile({ name: "stdin", text }, device, { plane });
            if (plane === "user") interpret(script);
            else generate(script);
            taken++;
          } catch (error) {
            if (error instanceof ScriptError || error instanceof DtError) continue;
            throw new Error(`${plane}: ${text}`, { cause: error });
          }
        }
      }
    }
  }
  assert(taken > 1000, `${taken}`);
});
