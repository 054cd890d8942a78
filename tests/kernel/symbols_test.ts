// Tests of naming addresses in real programs, in every way in which a file may keep its symbols.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { statusField } from "../../core/sys/thread.ts";
import { openBinary, staticProbes, Symbolizer } from "../../core/symbols/mod.ts";
import { openSymbolizer } from "../../language/names/open_symbolizer.ts";
import { cpuMs } from "../cpu_time.ts";
import {
  btrace,
  btraceCommand,
  buildProgram,
  kernelTest,
  output,
  RunningBtrace,
  testWith,
} from "../helpers.ts";

/** A program that waits, and the words that it has printed. */
class Waiting implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #words: string[];

  private constructor(child: Deno.ChildProcess, words: string[]) {
    this.#child = child;
    this.#words = words;
  }

  static async start(command: string, args: readonly string[] = []): Promise<Waiting> {
    const child = new Deno.Command(command, {
      args: [...args],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.getReader();
    const { value } = await reader.read();
    reader.releaseLock();
    return new Waiting(child, new TextDecoder().decode(value).trim().split(/\s+/));
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Address that the program has printed as its word number `index`. */
  address(index: number): bigint {
    return BigInt(`0x${this.#words[index]}`);
  }

  /** Lets the program go on: it calls shown(). */
  async go(): Promise<void> {
    const writer = this.#child.stdin.getWriter();
    await writer.write(new Uint8Array([10]));
    writer.releaseLock();
  }

  async end(): Promise<void> {
    await this.#child.stdin.close();
    await this.#child.stdout.cancel();
    await this.#child.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      return; // the program has ended already
    }
    await this.end();
  }
}

/** Copies a program to a folder of its own, which is removed on disposal. */
function copyOf(program?: string): { path: string; folder: string } & Disposable {
  const folder = Deno.makeTempDirSync();
  const path = `${folder}/program`;
  if (program !== undefined) Deno.copyFileSync(program, path);
  return { path, folder, [Symbol.dispose]: () => Deno.removeSync(folder, { recursive: true }) };
}

function run(command: string, ...args: string[]): void {
  const { code, stderr } = output(command, args);
  assertEquals(code, 0, stderr);
}

/** Names two of the addresses that places.c prints. */
function names(symbolizer: Symbolizer, program: Waiting) {
  return [0, 1].map((index) => symbolizer.user(program.pid, program.address(index) + 2n).name);
}

/** Finds the only child of a process. */
function childOf(parent: number): number {
  for (const { name } of Deno.readDirSync("/proc")) {
    const pid = Number(name);
    if (pid > 0 && Number(statusField(pid, "PPid")) === parent) return pid;
  }
  throw new Error(`${parent} has no child`);
}

const BOTH = ["hidden", "shown"];

for (
  const [what, flags] of [
    ["position-independent", ["-pie", "-fPIE", "-rdynamic"]],
    ["fixed", ["-no-pie"]],
    ["static", ["-static"]],
    ["position-independent static", ["-static-pie", "-fPIE"]],
  ] as const
) {
  testWith(`Symbolizer names functions of a ${what} program`, ["gcc"], async () => {
    using copy = copyOf();
    run("gcc", "-O1", ...flags, "-o", copy.path, "tests/testdata/places.c");
    await using program = await Waiting.start(copy.path);
    using symbolizer = new Symbolizer();
    assertEquals(names(symbolizer, program), BOTH);
    const frame = symbolizer.user(program.pid, program.address(0) + 2n);
    assertEquals([frame.offset, frame.module, frame.generated], [2, copy.path, false]);
    assertEquals(symbolizer.address(program.pid, "answer"), {
      address: program.address(2),
      size: 4,
    });
    assertEquals(symbolizer.address(program.pid, "no such thing"), undefined);
  });
}

testWith(
  "Symbolizer names functions of a library that has an address of its own",
  ["gcc"],
  async () => {
    using copy = copyOf(buildProgram("places"));
    const library = `${copy.folder}/library.so`;
    const base = ["-Wl,-Ttext-segment=0x7a0000000"];
    run("gcc", "-O1", "-shared", "-fPIC", ...base, "-o", library, "tests/testdata/places.c");
    await using program = await Waiting.start(copy.path, [library]);
    using symbolizer = new Symbolizer();
    const frame = symbolizer.user(program.pid, program.address(3) + 1n);
    assertEquals([frame.name, frame.offset, frame.module], ["shown", 1, library]);
  },
);

testWith("Symbolizer finds separate debug files by their link", ["gcc"], async () => {
  for (const place of ["", ".debug/"]) {
    for (const id of ["-Wl,--build-id", "-Wl,--build-id=none"]) {
      using copy = copyOf();
      run("gcc", "-O1", "-g", "-rdynamic", id, "-o", copy.path, "tests/testdata/places.c");
      if (place !== "") Deno.mkdirSync(`${copy.folder}/${place}`);
      const debug = `${copy.folder}/${place}program.debug`;
      run("objcopy", "--only-keep-debug", copy.path, debug);
      run("strip", copy.path);
      Deno.chmodSync(copy.path, 0o755);
      await using program = await Waiting.start(copy.path);
      {
        using symbolizer = new Symbolizer();
        assertEquals(names(symbolizer, program), [undefined, "shown"]);
      }
      run("objcopy", `--add-gnu-debuglink=${debug}`, copy.path, `${copy.path}.linked`);
      await using linked = await Waiting.start(`${copy.path}.linked`);
      using symbolizer = new Symbolizer();
      assertEquals(names(symbolizer, linked), BOTH, `${place} ${id}`);
      // A debug file of another program must not be believed.
      run("objcopy", "--strip-all", "--only-keep-debug", "/bin/true", debug);
      using distrustful = new Symbolizer();
      assertEquals(names(distrustful, linked), [undefined, "shown"]);
    }
  }
});

testWith("Symbolizer finds debug files by build id", ["gcc", "root"], async () => {
  using copy = copyOf();
  run("gcc", "-O1", "-g", "-rdynamic", "-o", copy.path, "tests/testdata/places.c");
  Deno.chmodSync(copy.path, 0o755);
  const id = /Build ID: (\w+)/.exec(output("readelf", ["-n", copy.path]).stdout)![1];
  const folder = `/usr/lib/debug/.build-id/${id.slice(0, 2)}`;
  Deno.mkdirSync(folder, { recursive: true });
  const debug = `${folder}/${id.slice(2)}.debug`;
  run("objcopy", "--only-keep-debug", copy.path, debug);
  try {
    run("strip", copy.path);
    await using program = await Waiting.start(copy.path);
    using symbolizer = new Symbolizer();
    assertEquals(names(symbolizer, program), BOTH);
    assertEquals(symbolizer.buildId(program.pid, program.address(0)), id);
  } finally {
    Deno.removeSync(debug);
  }
});

testWith("openSymbolizer() reads .gnu_debugdata", ["gcc", "xz"], async () => {
  using copy = copyOf();
  run("gcc", "-O1", "-rdynamic", "-o", copy.path, "tests/testdata/places.c");
  const mini = `${copy.folder}/mini`;
  run("objcopy", "--only-keep-debug", copy.path, mini);
  run("xz", mini);
  run("strip", copy.path);
  run("objcopy", "--add-section", `.gnu_debugdata=${mini}.xz`, copy.path, `${copy.path}.mini`);
  Deno.chmodSync(`${copy.path}.mini`, 0o755);
  await using program = await Waiting.start(`${copy.path}.mini`);
  using symbolizer = await openSymbolizer();
  assertEquals(names(symbolizer, program), BOTH);
  using plain = new Symbolizer();
  assertEquals(names(plain, program), [undefined, "shown"]);
});

/** Runs btrace with a command whose stacks are named; returns its output and its greatest memory. */
async function namingOf(program: string): Promise<{ stdout: string; peakMiB: number; ms: number }> {
  // A shell asks for its parent, too.
  const script = 'syscall:getppid:entry /comm == "x"/ { @[ustack] = count(); exit(); }';
  const [command, ...args] = btraceCommand(["-q", "-c", program, "-e", script]);
  const start = performance.now();
  const child = new Deno.Command(command, { args, stdout: "piped", stderr: "null" }).spawn();
  let peak = 0;
  const timer = setInterval(() => {
    try {
      const status = Deno.readTextFileSync(`/proc/${child.pid}/status`);
      peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0));
    } catch {
      // The tool has ended.
    }
  }, 10);
  const { stdout } = await child.output();
  clearInterval(timer);
  const ms = performance.now() - start;
  return { stdout: new TextDecoder().decode(stdout), peakMiB: peak / 1024, ms };
}

kernelTest("a bomb in .gnu_debugdata is given up", ["gcc", "xz"], async () => {
  using copy = copyOf();
  const source = buildProgram("named", "-O1");
  const bomb = `${copy.folder}/bomb`;
  run("sh", "-c", `head -c 800000000 /dev/zero | xz -0 > ${bomb}`);
  run("objcopy", "--strip-all", "--add-section", `.gnu_debugdata=${bomb}`, source, copy.path);
  Deno.chmodSync(copy.path, 0o755);
  const harmless = await namingOf(`${source} x`);
  assertStringIncludes(harmless.stdout, "main");
  const { stdout, peakMiB, ms } = await namingOf(`${copy.path} x`);
  assertStringIncludes(stdout, "@[");
  assert(peakMiB < harmless.peakMiB + 250, `${peakMiB} MiB, without ${harmless.peakMiB} MiB`);
  assert(ms < 20_000, `${ms} ms`);
});

kernelTest("a perf map that is a FIFO, or too large, is not read", ["gcc"], async () => {
  using copy = copyOf();
  const named = buildProgram("named", "-O1");
  const makeMap = {
    fifo: "mkfifo /tmp/perf-$$.map",
    // Lines of 30 bytes, 90 MB of them.
    large: "yes '7f0000000000 10 a_name_of_this' | head -c 90000000 > /tmp/perf-$$.map",
  };
  for (const [kind, command] of Object.entries(makeMap)) {
    const program = `${copy.folder}/${kind}.sh`;
    Deno.writeTextFileSync(
      program,
      `#!/bin/sh\n${command}\necho /tmp/perf-$$.map\nexec ${named} x\n`,
    );
    Deno.chmodSync(program, 0o755);
    const { stdout, peakMiB, ms } = await namingOf(program);
    const map = /^\/tmp\/perf-\d+\.map$/m.exec(stdout)![0];
    Deno.removeSync(map);
    assertStringIncludes(stdout, "@[");
    assert(ms < 10_000, `${kind}: ${ms} ms`);
    assert(peakMiB < 400, `${kind}: ${peakMiB} MiB`);
  }
});

testWith("openSymbolizer() makes names of C++ and Rust readable", ["gcc"], async () => {
  using copy = copyOf();
  const source = `${copy.folder}/program.c`;
  // The names are spelled as compilers mangle them, so that no C++ or Rust compiler is needed.
  Deno.writeTextFileSync(
    source,
    Deno.readTextFileSync("tests/testdata/places.c")
      .replaceAll("shown", "_ZN3app6server6handleERKSs")
      .replaceAll("hidden", "_RNvNtCs1234_3app6server4poll"),
  );
  run("gcc", "-O1", "-o", copy.path, source);
  Deno.chmodSync(copy.path, 0o755);
  await using program = await Waiting.start(copy.path);
  using symbolizer = await openSymbolizer();
  assertEquals(names(symbolizer, program), [
    "app::server::poll",
    "app::server::handle(std::string const&)",
  ]);
  // These names of C functions only look mangled.
  const c = Deno.readTextFileSync("tests/testdata/places.c").replaceAll("shown", "_ReadFile")
    .replaceAll("hidden", "__Reset");
  Deno.writeTextFileSync(source, c);
  run("gcc", "-O1", "-o", `${copy.path}_c`, source);
  await using ofC = await Waiting.start(`${copy.path}_c`);
  assertEquals(names(symbolizer, ofC), ["__Reset", "_ReadFile"]);
  using plain = await openSymbolizer({ demangle: false });
  assertEquals(names(plain, program)[1], "_ZN3app6server6handleERKSs");
});

testWith("Symbolizer names functions of the vdso", [], async () => {
  await using program = await Waiting.start(buildProgram("places"));
  const maps = Deno.readTextFileSync(`/proc/${program.pid}/maps`);
  const start = BigInt(`0x${/^(\w+)-.*\[vdso\]$/m.exec(maps)![1]}`);
  using symbolizer = new Symbolizer();
  const found = new Set<string>();
  for (let at = 0n; at < 8192n; at += 16n) {
    const { name, module } = symbolizer.user(program.pid, start + at);
    if (name !== undefined) found.add(`${module} ${name}`);
  }
  assert(found.has("[vdso] __vdso_clock_gettime"), [...found].join());
});

testWith(
  "Symbolizer names functions of a file that has been unlinked",
  ["gcc", "root"],
  async () => {
    using copy = copyOf(buildProgram("places"));
    const library = `${copy.folder}/library.so`;
    run("gcc", "-O1", "-shared", "-fPIC", "-o", library, "tests/testdata/places.c");
    await using program = await Waiting.start(copy.path, [library]);
    Deno.removeSync(copy.path);
    Deno.removeSync(library);
    // Another file under the old path must not be taken for the deleted library.
    Deno.copyFileSync("/bin/true", copy.path);
    using symbolizer = new Symbolizer();
    assertEquals(names(symbolizer, program), BOTH);
    const frame = symbolizer.user(program.pid, program.address(3) + 1n);
    assertEquals([frame.name, frame.module], ["shown", library]);
  },
);

testWith(
  "Symbolizer knows a file that was replaced while its process lives",
  ["gcc", "root"],
  async () => {
    using copy = copyOf(buildProgram("places"));
    await using program = await Waiting.start(copy.path);
    // The file is replaced as an installer does.
    Deno.writeTextFileSync(
      `${copy.folder}/other.c`,
      Deno.readTextFileSync("tests/testdata/places.c").replaceAll("hidden", "wrong_name")
        .replaceAll("shown", "wrong_too"),
    );
    run("gcc", "-O1", "-o", `${copy.folder}/new`, `${copy.folder}/other.c`);
    Deno.renameSync(`${copy.folder}/new`, copy.path);
    using symbolizer = new Symbolizer();
    assertEquals(names(symbolizer, program), BOTH);
  },
);

testWith("Symbolizer survives files that vanish, and damaged ones", ["gcc"], async () => {
  using copy = copyOf(buildProgram("places"));
  {
    await using program = await Waiting.start(copy.path);
    using symbolizer = new Symbolizer();
    assert(symbolizer.buildId(program.pid, program.address(0)) !== undefined);
    Deno.removeSync(copy.path);
    symbolizer.user(program.pid, program.address(0)); // with or without a name, but no exception
  }
  // Headers, notes, tables: a hostile user can change every byte of them.
  const good = Deno.readFileSync(buildProgram("places"));
  const view = new DataView(good.buffer);
  const notes = 0x338 < good.length ? good.subarray(0x300, 0x400).indexOf(0x47) + 0x300 - 12 : 0;
  let seed = 1;
  const random = (below: number) => (seed = seed * 1103515245 + 12345 & 0x7fffffff) % below;
  const path = `${copy.folder}/damaged`;
  const before = cpuMs();
  for (let round = 0; round < 400; round++) {
    const bytes = good.slice(0, round % 5 === 0 ? random(good.length) : good.length);
    const tables = Number(view.getBigUint64(40, true));
    for (let i = 0; i < 8 && bytes.length > 64; i++) {
      const at = [random(1024), notes + random(64), tables + random(2048)][i % 3];
      if (at < bytes.length) bytes[at] = [0, 0xff, 0xf4, random(256)][random(4)];
    }
    Deno.writeFileSync(path, bytes);
    const binary = openBinary(path);
    binary?.table.resolve(0x1000);
    binary?.find("nothing");
    if (binary !== undefined) { for (const _ of staticProbes(binary.elf)); }
  }
  assert(cpuMs() - before < 20_000);
});

testWith("Symbolizer tells namespaces apart whose numbers are used again", [
  "gcc",
  "root",
  "unshare",
], async () => {
  using symbolizer = new Symbolizer();
  for (const name of ["first", "second", "third"]) {
    const script = `mount -t tmpfs dt /mnt && cp ${buildProgram("generated")} /mnt/g && ` +
      `mount -t tmpfs dt /tmp && exec /mnt/g`;
    await using program = await Waiting.start("unshare", ["-m", "sh", "-c", script]);
    const map = `/proc/${program.pid}/root/tmp/perf-${program.pid}.map`;
    Deno.writeTextFileSync(map, `${program.address(0).toString(16)} 10 ${name}\n`);
    assertEquals(symbolizer.user(program.pid, program.address(0)).name, name);
  }
});

testWith("Symbolizer believes a map of its owner only", ["gcc", "root"], async () => {
  await using program = await Waiting.start(buildProgram("generated"));
  const map = `/tmp/perf-${program.pid}.map`;
  try {
    Deno.chownSync(map, 65534, 65534);
    using symbolizer = new Symbolizer();
    assertEquals(symbolizer.user(program.pid, program.address(0)).name, undefined);
  } finally {
    Deno.removeSync(map);
  }
});

testWith("Symbolizer reads the maps that runtimes write", ["gcc"], async () => {
  await using program = await Waiting.start(buildProgram("generated"));
  const map = `/tmp/perf-${program.pid}.map`;
  try {
    using symbolizer = new Symbolizer();
    const name = (at: bigint) => symbolizer.user(program.pid, program.address(0) + at).name;
    assertEquals(name(0x10n), "LazyCompile:~add /app.js:1");
    assertEquals(name(0x90n), "LazyCompile:~later function");
    assertEquals(name(0x210n), "LazyCompile:*add /app.js:1");
    assertEquals(name(0x300n), undefined);
    assert(symbolizer.user(program.pid, program.address(0)).generated);
    // The runtime writes more lines to its perf map.
    const more = `${(program.address(0) + 0x300n).toString(16)} 10 new\n`;
    Deno.writeTextFileSync(map, more, { append: true });
    await new Promise((resolve) => setTimeout(resolve, 1100));
    symbolizer.update();
    assertEquals(name(0x300n), "new");
  } finally {
    Deno.removeSync(map);
  }
});

testWith("Symbolizer names what has ended, if it watched", ["gcc", "root"], async () => {
  const before = await Waiting.start(buildProgram("places"));
  using symbolizer = new Symbolizer();
  using _watch = symbolizer.watch();
  await new Promise((resolve) => setTimeout(resolve, 100)); // time for the look at all processes
  const after = await Waiting.start("sh", ["-c", `exec ${buildProgram("places")}`]);
  await before.end();
  await after.end();
  assertEquals(names(symbolizer, before), BOTH);
  assertEquals(names(symbolizer, after), BOTH);
  assertEquals(symbolizer.lost, 0n);
});

testWith("Symbolizer sees files of other mount namespaces, also afterwards", [
  "gcc",
  "root",
  "unshare",
], async () => {
  const program = buildProgram("places");
  const script = `mount -t tmpfs dt /mnt && cp ${program} /mnt/inside && exec /mnt/inside`;
  using symbolizer = new Symbolizer();
  using _watch = symbolizer.watch();
  const inside = await Waiting.start("unshare", ["-m", "sh", "-c", script]);
  assertEquals(symbolizer.user(inside.pid, inside.address(0)).module, "/mnt/inside");
  assertEquals(names(symbolizer, inside), BOTH);
  const again = await Waiting.start("unshare", ["-m", "sh", "-c", script]);
  symbolizer.update();
  await inside.end();
  await again.end();
  assertEquals(names(symbolizer, again), BOTH);
});

testWith(
  "Symbolizer reads maps of runtimes in other pid namespaces",
  ["gcc", "root", "unshare"],
  async () => {
    const program = buildProgram("generated");
    // The program is process 1 in its namespace; its perf map lies in this process's /tmp or in its
    // own.
    const script = (more: string) => ["-p", "-m", "-f", "sh", "-c", `${more} exec ${program}`];
    for (
      const more of [
        "",
        "mount -t tmpfs dt /mnt && cp $0 /mnt/g && mount -t tmpfs dt /tmp && exec /mnt/g;",
      ]
    ) {
      const args = script(more.replace("$0", program));
      await using outer = await Waiting.start("unshare", args);
      const pid = childOf(outer.pid);
      using symbolizer = new Symbolizer();
      try {
        const { name } = symbolizer.user(pid, outer.address(0) + 0x90n);
        assertEquals(name, "LazyCompile:~later function", more);
      } finally {
        Deno.kill(pid, "SIGKILL");
        if (more === "") Deno.removeSync("/tmp/perf-1.map");
      }
    }
  },
);

testWith("Symbolizer names 100,000 stacks of 127 frames in seconds, in bounded memory", [], () => {
  using symbolizer = new Symbolizer();
  const { pid } = Deno;
  const maps = [...Deno.readTextFileSync("/proc/self/maps").matchAll(/^(\w+)-(\w+) r-xp .*\.so/gm)];
  const places = maps.map(([, from, to]) => [BigInt(`0x${from}`), BigInt(`0x${to}`)] as const);
  // 20,000 addresses in code, each looked up many times, as samples do.
  const addresses = Array.from({ length: 20_000 }, (_, i) => {
    const [from, to] = places[i % places.length];
    return from + BigInt(i * 7919) % (to - from);
  });
  const stacks = 100_000;
  const before = cpuMs();
  let named = 0;
  for (let stack = 0; stack < stacks; stack++) {
    for (let frame = 0; frame < 127; frame++) {
      const { name } = symbolizer.user(pid, addresses[(stack * 31 + frame * 173) % 20_000]);
      if (name !== undefined) named++;
    }
  }
  const seconds = (cpuMs() - before) / 1000;
  assert(named > stacks * 127 / 2);
  assert(seconds < 10, `${seconds} s`);
  assert(Deno.memoryUsage().rss < 1 << 30);
});

testWith(
  "btrace prints names of what has ended, and of user stacks in every mode",
  ["root", "gcc"],
  async () => {
    const program = buildProgram("spin", "-rdynamic");
    const script = 'profile:hz:499 /comm == "spin"/ { ' +
      "@a[ustack(2)] = count(); @b[ustack(perf, 1)] = count(); @c[ustack(build_id, 1)] = count(); " +
      '@d[ustack(raw, 1)] = count(); @e[usym(reg("ip")), usermode] = count(); }';
    await using running = new RunningBtrace(["-e", script]);
    await running.attached();
    run(program);
    const { stdout } = await running.stop();
    const id = /Build ID: (\w+)/.exec(output("readelf", ["-n", program]).stdout)![1];
    assert(/@a\[\n {8}hot\+\d+\n {8}\w+\+\d+\n\]: \d+/.test(stdout), stdout);
    assert(new RegExp(`@b\\[\n\t[0-9a-f]+ hot\\+\\d+ \\(${program}\\)\n\\]: \\d+`).test(stdout));
    assert(new RegExp(`@c\\[\n${id} 0x[0-9a-f]+\n\\]: \\d+`).test(stdout));
    assert(/@d\[\n[0-9a-f]+\n\]: \d+/.test(stdout));
    assert(/@e\[hot, 1\]: \d+/.test(stdout));
  },
);

testWith("uaddr() is where a variable of the process is", ["gcc", "root"], async () => {
  await using program = await Waiting.start(buildProgram("places"));
  const path = buildProgram("places");
  const script = `uprobe:${path}:shown { printf("%p\\n", uaddr("answer")); exit(); }`;
  await using tracer = new RunningBtrace(["-p", `${program.pid}`, "-e", script]);
  await tracer.attached();
  await program.go();
  const { stdout, stderr } = await tracer.result();
  assertEquals(stdout.trim(), `0x${program.address(2).toString(16)}`, stderr);
});

testWith("uaddr() and func find their way in a command", ["gcc", "root"], () => {
  const program = buildProgram("places");
  const points = ["uprobe", "uretprobe"].map((type) => `${type}:${program}:shown`);
  points.push(`uprobe:${program}:main`);
  const script = `${points} { printf("%s %d\\n", func, *uaddr("answer")); }`;
  const { stdout, stderr } = btrace(["-q", "-c", `${program}`, "-e", script]);
  const lines = stdout.split("\n").filter((line) => /^(shown|main) /.test(line));
  assertEquals(lines, ["main 42", "shown 42", "shown 42"], stderr);
  const none = `uprobe:${program}:shown { print(uaddr("no_such")); }`;
  assertStringIncludes(
    btrace(["-c", program, "-e", none]).stderr,
    `Could not resolve symbol: ${program}:no_such`,
  );
});
