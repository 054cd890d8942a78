// Files of all systems, made by C programs from their kernels' structures, as kdump shows them.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { cpuMs } from "../../tests/cpu_time.ts";
import { buildProgram, ROOT, testWith, tool } from "../../tests/helpers.ts";
import { RecordReader } from "../ktrace/formats/reader.ts";
import { Tree } from "./tree.ts";

const GOLDENS = `${ROOT}tests/testdata/kdump`;

function fixture(which: string): Uint8Array {
  const { stdout } = new Deno.Command(buildProgram("ktrace_structs"), { args: [which] })
    .outputSync();
  return stdout;
}

/** Runs kdump on these bytes. */
function kdump(bytes: Uint8Array, args: readonly string[]) {
  const file = Deno.makeTempFileSync();
  try {
    Deno.writeFileSync(file, bytes);
    const { code, stdout, stderr } = tool("kdump", ["-f", file, ...args]);
    return { code, stdout, stderr: stderr.replaceAll(file, "FILE") };
  } finally {
    Deno.removeSync(file);
  }
}

function assertGolden(name: string, actual: string): void {
  const path = `${GOLDENS}/${name}.txt`;
  if (Deno.env.get("UPDATE_GOLDENS") === "1") Deno.writeTextFileSync(path, actual);
  assertEquals(actual, Deno.readTextFileSync(path));
}

for (const which of ["freebsd0", "freebsd1", "netbsd0", "netbsd1", "netbsd2", "openbsd"]) {
  testWith(`kdump reads the structures of ${which}`, ["gcc"], () => {
    // A header of NetBSD's version 0 looks like one of FreeBSD's.
    const from = which === "netbsd0" ? ["--from", "netbsd"] : [];
    const { code, stdout, stderr } = kdump(fixture(which), ["-HAcT", ...from]);
    assertEquals({ code, stderr }, { code: 0, stderr: "" });
    assertGolden(which, stdout);
  });
}

testWith("kdump's options change what is shown", ["gcc"], () => {
  const bytes = fixture("freebsd1");
  const lines = (...args: string[]) => {
    const { code, stdout } = kdump(bytes, args);
    assertEquals(code, 0);
    return stdout.split("\n");
  };
  assertEquals(
    lines("-d", "-t", "c")[0],
    "    42 prog     CALL  openat(AT_FDCWD,4096,524288<O_RDONLY|O_CLOEXEC>,<unused>0)",
  );
  assertEquals(
    lines("-n", "-t", "c")[0],
    "    42 prog     CALL  openat(0xffffffffffffff9c,0x1000,0x80000,0)",
  );
  assertEquals(lines("-n", "-t", "c")[1], "    42 prog     RET   openat -1 errno 2");
  assertMatch(lines("-S", "-t", "c")[0], /CALL {2}openat\[257\]\(/);
  assertEquals(lines("-s", "-t", "i"), ["    42 prog     GIO   fd 3 wrote 7 bytes", ""]);
  assertEquals(lines("-m", "4", "-t", "i").slice(0, 2), [
    "    42 prog     GIO   fd 3 wrote 7 bytes",
    '       "line"',
  ]);
  assertMatch(lines("-r", "-t", "t")[0], /mode=-rw-r--r--, .*mtime="1970-01-01 00:00:11"/);
  assertMatch(lines("-E", "-t", "n")[0], /prog {5}0\.000000000 NAMI/);
  assertMatch(lines("-R", "-t", "c")[1], /prog {5}0\.000002000 RET/);
  assertMatch(lines("-TER", "-t", "c")[1], / 1700000000\.000004000 0\.000002000 0\.000002000 RET/);
  assertEquals(lines("-p", "41"), [""]);
  assertEquals(lines("-p", "100042", "-t", "n"), ['    42 prog     NAMI  "/etc/motd"', ""]);
  const json = lines("--json", "-t", "n").slice(0, 1).map((line) => JSON.parse(line));
  assertEquals(json, [{
    time: 1700000000.000003,
    pid: 42,
    tid: 100042,
    cpu: 3,
    comm: "prog",
    type: "namei",
    path: "/etc/motd",
  }]);
  const summary = lines("--summary").find((line) => line.endsWith("openat"))!.trim().split(/\s+/);
  // One entry, and returns without one: of calls that were begun before.
  assertEquals(summary.slice(3), ["5", "2", "openat"]);
});

testWith("kdump --json has the bytes of a path that is not UTF-8", ["gcc"], () => {
  const bytes = fixture("freebsd1");
  const path = new TextEncoder().encode("/etc/motd");
  const at = bytes.findIndex((_, i) => path.every((byte, j) => bytes[i + j] === byte));
  bytes[at + 5] = 0xff;
  const [json] = kdump(bytes, ["--json", "-t", "n"]).stdout.split("\n");
  const { path: shown, hex } = JSON.parse(json);
  assertEquals({ shown, hex }, { shown: "/etc/\ufffdotd", hex: "2f6574632fff6f7464" });
});

testWith("kdump --json has each member once, and the kind of every record", ["gcc"], () => {
  for (const which of ["freebsd1", "netbsd2", "openbsd"]) {
    for (const line of kdump(fixture(which), ["--json"]).stdout.trimEnd().split("\n")) {
      assertEquals(JSON.stringify(JSON.parse(line)).length, line.length, line);
      assertEquals(typeof JSON.parse(line).type, "string", line);
    }
  }
});

testWith("kdump says where a file is damaged and goes on behind it", ["gcc"], () => {
  const good = fixture("freebsd1");
  const whole = kdump(good, ["-H"]);
  const view = new DataView(good.buffer, good.byteOffset);
  // The third record's length is not one.
  const second = 64 + view.getInt32(0, true);
  const third = second + 64 + view.getInt32(second, true);
  const damaged = good.slice();
  damaged.set([0xff, 0xff, 0xff, 0x7f], third);
  const after = kdump(damaged, ["-H"]);
  assertEquals(after.code, 1);
  assertMatch(
    after.stderr,
    new RegExp(`^kdump: FILE: no record at byte ${third} \\(.*\\): 73 bytes skipped\n$`),
  );
  assertEquals(after.stdout, whole.stdout.replace(/.*NAMI.*\n/, ""));
  // Cut within the last record, and within a header.
  for (const cut of [1, 40, 79]) {
    const { code, stderr, stdout } = kdump(good.subarray(0, good.length - cut), ["-H"]);
    assertEquals(code, 1);
    assertMatch(
      stderr,
      new RegExp(`no record at byte ${good.length - 80} .*: ${80 - cut} bytes skipped`),
    );
    assertEquals(stdout, whole.stdout.replace(/.*Events dropped.\n.*\n$/, ""));
  }
  // Bytes of something else in between.
  const noise = new Uint8Array(1000).fill(0x5a);
  const mixed = kdump(
    Uint8Array.of(...good.subarray(0, second), ...noise, ...good.subarray(second)),
    [],
  );
  assertStringIncludes(mixed.stderr, `no record at byte ${second} `);
  assertStringIncludes(mixed.stderr, ": 1000 bytes skipped");
  assertEquals(mixed.stdout, kdump(good, []).stdout);
});

testWith("kdump refuses what it is not asked for", ["gcc"], () => {
  const usage = (...args: string[]) => {
    const { code, stderr } = tool("kdump", args);
    assertEquals(code, 1);
    return stderr.split("\n")[0];
  };
  assertEquals(
    usage("-f", "/no/such"),
    "ERROR: cannot read /no/such: No such file or directory",
  );
  assertEquals(usage("-t", "q"), "ERROR: no trace points: q (letters: cinstuwfxvp + A)");
  assertEquals(usage("--from", "plan9"), "ERROR: --from is one of freebsd, netbsd, openbsd: plan9");
  assertEquals(usage("-x"), "ERROR: unknown option -x: see kdump --help");
  assertEquals(
    usage("--json", "--tree"),
    "ERROR: --json, --summary, --tree or --perfetto: one of them: see kdump --help",
  );
});

testWith("kdump -l goes on when the file grows", ["gcc"], async () => {
  const good = fixture("freebsd1");
  const file = Deno.makeTempFileSync();
  Deno.writeFileSync(file, good.subarray(0, 200));
  const command = [Deno.execPath(), "run", "-A", "--no-check", `${ROOT}tools/kdump.ts`];
  const child = new Deno.Command(command[0], {
    args: [...command.slice(1), "-l", "-f", file],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let seen = "";
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const until = async (text: string) => {
    while (!seen.includes(text)) {
      const { value, done } = await reader.read();
      assert(!done, `ended without ${text}: ${seen}`);
      seen += value;
    }
  };
  await until("CALL  openat");
  assert(!seen.includes("NAMI"));
  using out = Deno.openSync(file, { append: true });
  out.writeSync(good.subarray(200));
  await until("Events dropped.\n");
  child.kill("SIGINT");
  await reader.cancel();
  await child.stderr.cancel();
  assertEquals((await child.status).code, 0);
  Deno.removeSync(file);
});

/** A process that writes the same trace for ever, and a kdump that reads it. */
function kdumpForEver(args: readonly string[], most = "cat") {
  const file = Deno.makeTempFileSync();
  const once = fixture("freebsd1");
  const many = new Uint8Array(once.length * Math.ceil((1 << 20) / once.length));
  for (let at = 0; at < many.length; at += once.length) many.set(once, at);
  Deno.writeFileSync(file, many);
  const kdump = [Deno.execPath(), "run", "-A", "--no-check", `${ROOT}tools/kdump.ts`];
  const script = `file=$1; shift; while cat $file; do :; done 2> /dev/null | ${most} | "$@" -f -`;
  const child = new Deno.Command("sh", {
    args: ["-c", script, "sh", file, ...kdump, ...args],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  return { child, [Symbol.dispose]: () => Deno.removeSync(file) };
}

testWith("kdump ends when nobody reads on", ["gcc"], async () => {
  for (const args of [[], ["--json"]]) {
    using run = kdumpForEver(args);
    const reader = run.child.stdout.getReader();
    const { value } = await reader.read();
    assert(value !== undefined && value.length > 0);
    await reader.cancel();
    assertEquals(await new Response(run.child.stderr).text(), "");
    assertEquals((await run.child.status).code, 128 + 13);
  }
});

testWith("kdump takes less memory than a large trace has bytes", ["gcc"], async () => {
  const run = async (args: readonly string[], bytes: number) => {
    using run = kdumpForEver(args, `head -c ${bytes}`);
    const most = { bytes: 0 };
    const output = run.child.stdout.pipeTo(new WritableStream());
    // kdump is one of the shell's children.
    const { pid } = run.child;
    const look = () => {
      for (const child of Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`).split(" ")) {
        try {
          const status = Deno.readTextFileSync(`/proc/${child}/status`);
          most.bytes = Math.max(most.bytes, Number(/VmHWM:\s*(\d+)/.exec(status)?.[1] ?? 0) * 1024);
        } catch {
          // The child has ended.
        }
      }
    };
    const timer = setInterval(look, 50);
    await output;
    clearInterval(timer);
    await run.child.stderr.cancel();
    await run.child.status;
    return most.bytes;
  };
  for (const args of [["-t", "n"], ["--summary"]]) {
    const bytes = 256 << 20;
    const memory = await run(args, bytes);
    assert(memory > 0 && memory < bytes * 0.7, `${args}: ${memory} bytes`);
  }
});

Deno.test("RecordReader takes time in proportion to what it reads", () => {
  const reader = new RecordReader();
  const before = cpuMs();
  const items = [];
  for (let i = 0; i < 64; i++) items.push(...reader.push(new Uint8Array(1 << 18)));
  items.push(...reader.end());
  assertEquals(items.map((item) => "damage" in item && item.bytes), [1 << 24]);
  assert(cpuMs() - before < 10_000);
});

Deno.test("Tree shows every process, whatever numbers are used again", () => {
  const tree = new Tree((code) => code === 57 ? "fork" : "other");
  const header = { dropped: false, comm: "sh", timeNs: 1n };
  const fork = (pid: number, child: number) =>
    tree.add({
      ...header,
      pid,
      tid: pid,
      kind: "sysret",
      code: 57,
      error: 0,
      retval: BigInt(child),
    }, "linux");
  const end = (pid: number) => tree.add({ ...header, pid, tid: pid, kind: "procdtor" }, "linux");
  for (let pid = 1; pid < 20_000; pid++) fork(pid, pid + 1);
  end(1);
  fork(3, 1);
  fork(1, 2);
  const lines = tree.format().trimEnd().split("\n");
  assertEquals(lines.length, 20_000);
  assertEquals(lines.slice(0, 3).map((line) => line.split(" sh")[0]), ["1", "  2", "    3"]);
  assert(lines.some((line) => line.startsWith("      1 sh")));
});

Deno.test("Tree takes generations and siblings by the hundred thousand", () => {
  const count = 150_000;
  for (const isChain of [true, false]) {
    const tree = new Tree(() => "fork");
    const header = { dropped: false, comm: "sh", timeNs: 1n, kind: "sysret", code: 57, error: 0 };
    for (let i = 1; i < count; i++) {
      const pid = isChain ? i : 1;
      tree.add({ ...header, kind: "sysret", pid, tid: pid, retval: BigInt(i + 1) }, "linux");
      // The child has records before its parent's next fork returns.
      tree.add({ ...header, kind: "sysret", pid: i + 1, tid: i + 1, retval: 0n }, "linux");
    }
    const before = cpuMs();
    let lines = 0;
    let characters = 0;
    for (const line of tree.lines()) {
      lines++;
      characters += line.length;
    }
    assertEquals(lines, count);
    assert(characters < count * 400, `${characters} characters`);
    assert(cpuMs() - before < 10_000);
  }
});
