// Runs each tool on a kernel that is too old for the kernel plane: it says so in one line, or does
// its work on the user plane.

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { btrace, tool } from "../../helpers.ts";

const NEEDS = `Linux 5.15, and this is Linux ${Deno.osRelease()}`;
const FILE = "/etc/hosts";

/** Runs a tool that must end with one line that tells what the kernel lacks. */
function refused(name: string, args: readonly string[]): void {
  const { code, stderr } = tool(name, args);
  assertEquals(code, 1, stderr);
  const [line, ...more] = stderr.trim().split("\n").filter((one) => !one.startsWith("HINT"));
  assertStringIncludes(line, NEEDS);
  assertEquals(more, []);
}

Deno.test("btrace --plane kernel names the kernel that it needs", () => {
  refused("btrace", ["--plane", "kernel", "-e", "BEGIN { exit(); }"]);
});

Deno.test("btrace refuses probes of the kernel, and names the kernel that they need", () => {
  for (const probe of ["kprobe:vfs_read", "profile:hz:99"]) {
    refused("btrace", ["-e", `${probe} { print(1); }`]);
  }
});

Deno.test("btrace traces a command on the user plane", () => {
  const script = "syscall:openat:entry { print(str(args.filename)); } END { print(7); }";
  const { code, stdout } = btrace(["-c", `cat ${FILE}`, "-e", script]);
  assertEquals(code, 0);
  assertMatch(stdout, /^\/etc\/hosts\n/m);
  assertMatch(stdout, /^7$/m);
});

Deno.test("btrace --info says what the kernel plane needs", () => {
  assertStringIncludes(btrace(["--info"]).stdout, `kernel plane: no: it needs ${NEEDS}`);
});

Deno.test("ktrace records a command, and kdump shows it", () => {
  const file = Deno.makeTempFileSync();
  assertEquals(tool("ktrace", ["-f", file, "cat", FILE]).code, 0);
  const { stdout } = tool("kdump", ["-f", file]);
  assertMatch(stdout, /cat +NAMI +"\/etc\/hosts"/);
  Deno.removeSync(file);
});

Deno.test("ktrace -t w names the kernel that it needs", () => {
  refused("ktrace", ["-t", "w", "-f", "/tmp/none", "true"]);
});

Deno.test("profile samples a command, and for the machine names the kernel that it needs", () => {
  const command = "sh -c 'i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done'";
  const { code, stdout } = tool("profile", ["-c", command]);
  assertEquals(code, 0);
  assertMatch(stdout, /\d+ samples/);
  refused("profile", ["-a", "-d", "1"]);
});

Deno.test("kmonitor tells of a command", () => {
  const { code, stdout } = tool("kmonitor", ["-c", "true"]);
  assertEquals(code, 0);
  assertMatch(stdout, /exec .*true\n.*exit .*status 0/);
});
