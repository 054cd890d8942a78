// Each tool does its main job for whoever runs it: as root by BPF, in a user namespace, where root's
// capabilities are there and bpf(2) refuses, and as an ordinary user. What is not permitted is replaced.

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { openDevice } from "../../core/mod.ts";
import { kernelPlaneRefusal } from "../../core/bpf/mod.ts";
import { openMonitor } from "../../providers/proc-events/mod.ts";
import { HeldProcess } from "../../core/sys/spawn.ts";
import {
  buildProgram,
  kernelTest,
  nobodyCommand,
  output,
  testWith,
  toolCommand,
} from "../helpers.ts";

/** How a tool's command line is run, and the plane that it must then take. */
const USERS = [
  { user: "root", command: toolCommand, plane: "kernel" },
  {
    user: "root of a user namespace",
    command: (tool: string, args: readonly string[]) => [
      ...["unshare", "-U", "-r"],
      ...toolCommand(tool, args),
    ],
    plane: "user",
  },
  {
    user: "uid 65534 without capabilities",
    command: (tool: string, args: readonly string[]) => nobodyCommand(args, [], tool),
    plane: "user",
  },
];

for (const { user, command, plane } of USERS) {
  const run = (tool: string, ...args: string[]) => {
    const [program, ...rest] = command(tool, args);
    const { code, stdout, stderr } = output(program, rest, { cwd: "/" });
    assertEquals(code, 0, `${tool} as ${user}: ${stderr}`);
    return { stdout, stderr };
  };
  const test = (tool: string, fn: () => void) =>
    testWith(`${tool} does its main job as ${user}`, ["root", "setpriv", "unshare", "gcc"], fn);

  test("btrace", () => {
    const script = 'syscall:execve:return { printf("%d\\n", retval); }';
    const { stdout, stderr } = run("btrace", "-v", "-q", "-c", "sh -c /bin/true", "-e", script);
    assertStringIncludes(stderr, `Plane: ${plane}`);
    assertMatch(stdout, /^0$/m);
  });

  test("ktrace", () => {
    const folder = Deno.makeTempDirSync();
    Deno.chmodSync(folder, 0o777);
    try {
      run("ktrace", "-f", `${folder}/out`, "sh", "-c", "exit 0");
      const { stdout } = run("kdump", "-f", `${folder}/out`);
      assertMatch(stdout, / sh +NAMI +"/);
      assertMatch(stdout, / sh +CALL +exit_group\(0\)/);
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  });

  test("kmonitor", () => {
    const { stdout } = run("kmonitor", "-f", "-c", "sh -c '/bin/true one; exit 0'");
    // Names and arguments included, however short they live.
    assertMatch(stdout, / exec .* true \/bin\/true one$/m);
    assertMatch(stdout, / exit .* sh status 0, /m);
  });

  test("profile", () => {
    const hot = buildProgram("hot");
    const { stdout } = run("profile", "-q", "-F", "199", "-c", `${hot} 400 '' hot`);
    assertMatch(stdout, / hot \(hot\)$/m);
  });
}

kernelTest(
  "a session without a wish takes the kernel plane, with a target the user plane",
  [],
  () => {
    assertEquals(kernelPlaneRefusal(), undefined);
    using session = openDevice({ providers: [] }).open();
    assertEquals(session.plane, "kernel");
    using looking = openDevice({ providers: [] }).open({
      plane: "auto",
      target: { pid: Deno.pid },
    });
    assertEquals(looking.plane, "user");
  },
);

kernelTest("a monitor tells which source it took, and runs its child", [], async () => {
  for (const source of ["auto", "kernel", "connector", "ptrace", "pidfd"] as const) {
    using child = new HeldProcess("sh -c 'exit 3'");
    using monitor = openMonitor({ source, child });
    monitor.register(child.pid, ["process:exit"]);
    assertEquals(monitor.source, source === "auto" ? "kernel" : source);
    for await (const { pid, code } of monitor) {
      assertEquals([pid, code], [child.pid, 3], source);
      break;
    }
    monitor.close();
    assertEquals(monitor.source, undefined);
  }
});
