// Runs the tools with the C library of Debian 11, glibc 2.31, which has dlsym() in a library of its
// own.

import { assertEquals, assertMatch } from "@std/assert";
import { Archive } from "../debian.ts";
import { output, ROOT, testWith } from "../helpers.ts";
import { cached } from "../vm/cache.ts";

/** Runs a tool by the dynamic loader of the old library. */
function tool(name: string, args: readonly string[]) {
  const folder = cached("libc-bullseye-amd64", (made) => {
    using archive = new Archive("bullseye", "amd64");
    archive.unpack(["libc6", "libgcc-s1"], made);
  });
  const libraries = `${folder}/lib/x86_64-linux-gnu`;
  return output(`${libraries}/ld-2.31.so`, [
    ...["--library-path", libraries, Deno.execPath(), "run", "-A", "--no-check"],
    ...[`${ROOT}tools/${name}.ts`, ...args],
  ]);
}

testWith("the tools work with glibc 2.31", ["root", "bpf", "apt-get"], () => {
  const script = "syscall:execve:return { print(retval); }";
  for (const plane of ["kernel", "user"]) {
    const { code, stdout, stderr } = tool("btrace", ["--plane", plane, "-c", "true", "-e", script]);
    assertEquals([code, stdout.trim()], [0, "0"], stderr);
  }
  const monitor = tool("kmonitor", ["--source", "ptrace", "-c", "true"]);
  assertEquals(monitor.code, 0, monitor.stderr);
  assertMatch(monitor.stdout, /exit .*status 0/);
  const file = Deno.makeTempFileSync();
  assertEquals(tool("ktrace", ["-s", "-f", file, "true"]).code, 0);
  assertMatch(tool("kdump", ["-f", file]).stdout, /true +CALL +exit_group\(0\)/);
  Deno.removeSync(file);
});
