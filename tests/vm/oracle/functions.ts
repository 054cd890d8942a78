// Asks bpftrace about functions of the kernel, which this machine's kernel may not have: btrace must
// print the same. Its own scripts that probe functions must load.

import { assert, assertEquals } from "@std/assert";
import { openDevice } from "../../../core/mod.ts";
import { kernelSymbols } from "../../../core/symbols/mod.ts";
import { compile } from "../../../language/mod.ts";
import { loadScript } from "../../../language/run.ts";
import { allProviders } from "../../../providers/mod.ts";
import { btrace, kernelTest, output } from "../../helpers.ts";
import { findOracle, type Oracle } from "../../oracle/oracle.ts";

const { command: [program, ...first] } = findOracle() as Oracle;

/** Lines of a text, sorted: entries of maps come in any order. */
const lines = (text: string) => text.split("\n").map((line) => line.trim()).filter(Boolean).sort();

/** Runs both tracers; they must print the same and end alike. Returns the lines, or those of maps. */
function same(args: readonly string[]): string[] {
  const theirs = output(program, [...first, ...args]);
  const ours = btrace(args);
  assertEquals(lines(ours.stdout), lines(theirs.stdout), `${theirs.stderr}\n${ours.stderr}`);
  assertEquals(ours.code, theirs.code, ours.stderr);
  if (args.includes("-c")) assertEquals(ours.code, 0, ours.stderr);
  return lines(ours.stdout).filter((line) => !args.includes("-c") || line.startsWith("@"));
}

/** Selects the reads of cat alone: of the file, and of its end. */
const READ = `/comm == "cat" && arg2 > 65536/`;

kernelTest("kprobe, kretprobe, fentry, fexit and wildcards print what bpftrace prints", [], () => {
  const printed = same([
    ...["-q", "-c", "cat /etc/hosts", "-e"],
    `kprobe:vfs_read ${READ} { @kprobe[func, probe, arg2] = count(); }
     kretprobe:vfs_read /comm == "cat" && retval == 20/ { @kretprobe[func, probe, retval] = count(); }
     fentry:vfs_read /comm == "cat" && args.count > 65536/ {
       @fentry[func, probe, args.count, str(args.file->f_path.dentry->d_name.name)] = count();
     }
     fexit:vfs_read /comm == "cat" && args.count > 65536/ { @fexit[func, probe, retval] = count(); }
     kprobe:vfs_rea* ${READ} { @wildcard[probe] = count(); }
     kprobe:vfs_read, kprobe:vfs_write ${READ} { @list[probe] = sum(arg2); }
     fentry:vmlinux:vfs_rea* /comm == "cat"/ { @typed[probe] = count(); }`,
  ]);
  assertEquals(printed.length, 8, printed.join("\n"));
});

kernelTest("probes of modules print what bpftrace prints", [], () => {
  const file = new URL("../../../deno.json", import.meta.url).pathname;
  const printed = same([
    ...["-q", "-c", `cat ${file}`, "-e"],
    `kprobe:9p:v9fs_file_open /comm == "cat"/ { @kprobe[func, probe] = count(); }
     fentry:9p:v9fs_file_open /comm == "cat"/ { @fentry[func, probe] = count(); }`,
  ]);
  assertEquals(printed.length, 2, printed.join("\n"));
});

kernelTest("probes are listed as by bpftrace", [], () => {
  for (const pattern of ["kprobe:vfs_rea*", "fexit:vmlinux:vfs_rea*", "fentry:9p:v9fs_file_*"]) {
    assert(same(["-l", pattern]).length > 1);
  }
});

kernelTest("mistakes are refused as by bpftrace", [], () => {
  for (const probe of ["kprobe:no_such_function", "fentry:no_such_function"]) {
    same(["-e", `${probe} { print(1); }`]);
  }
});

kernelTest("bpftrace's own scripts with functions of the kernel load", [], async () => {
  const folder = `${first.at(-1)!.replace(/\/usr\/bin\/.*/, "")}/usr/sbin`;
  const device = openDevice({ providers: allProviders() });
  const failures: string[] = [];
  let loaded = 0;
  for (const { name } of Deno.readDirSync(folder)) {
    if (!name.endsWith(".bt")) continue;
    const text = Deno.readTextFileSync(`${folder}/${name}`);
    if (!/^(kprobe|kretprobe|fentry|fexit|k|kr|kfunc|kretfunc):/m.test(text)) continue;
    try {
      using _script = await loadScript(compile({ name, text }, device), device, {});
      loaded++;
    } catch (error) {
      const [reason] = (error as Error).message.split("\n");
      // Some are about modules that this machine has not loaded.
      const [, missing] = /No matches for \w+ (\w+)\./.exec(reason) ?? [];
      if (missing !== undefined && kernelSymbols().address(missing) === undefined) continue;
      failures.push(`${name}: ${reason}`);
    }
  }
  console.log(`${loaded} scripts`);
  assertEquals(failures, []);
  assert(loaded > 10);
});
