// Tests of ktrace's command line: changing running traces, credentials, files that cannot be
// written.

import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { processes } from "../marked_processes.ts";
import {
  asNobody,
  assertNothingLeft,
  buildCaller,
  buildProgram,
  kernelObjects,
  kernelTest,
  nobodyCommand,
  output,
  ROOT,
  testWith,
  tool,
  toolCommand,
  until,
} from "../helpers.ts";
import { type JsonRecord, record, recordsOf } from "../traces.ts";

/** A program in the background that reads a file again and again. */
class Busy implements Disposable {
  readonly #child: Deno.ChildProcess;
  readonly pid: number;

  constructor(command: readonly string[] = [buildProgram("reader")]) {
    this.#child = new Deno.Command(command[0], {
      args: command.slice(1),
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    this.pid = this.#child.pid;
  }

  [Symbol.dispose](): void {
    this.#child.kill("SIGKILL");
  }
}

function size(file: string): number {
  try {
    return Deno.statSync(file).size;
  } catch {
    return 0;
  }
}

function backgroundRecorders(): string[] {
  return output("pgrep", ["-f", "ktrace.ts --background-recorder"]).stdout.split("\n")
    .filter((line) => line !== "");
}

function ktrace(...args: string[]): { code: number; stderr: string } {
  const { code, stderr } = tool("ktrace", args);
  return { code, stderr };
}

const DONE = { code: 0, stderr: "" };

kernelTest("ktrace sets and clears points of running processes", ["gcc"], async () => {
  const folder = Deno.makeTempDirSync();
  const [one, two] = [`${folder}/one`, `${folder}/two`];
  {
    using a = new Busy();
    using b = new Busy();
    assertEquals(ktrace("-t", "cn", "-f", one, "-p", `${a.pid}`), DONE);
    assertEquals(ktrace("-t", "c", "-f", two, "-p", `${b.pid}`), DONE);
    assertEquals(backgroundRecorders().length, 1);
    await until("records", () => size(one) > 100_000 && size(two) > 100_000);
    assertEquals(ktrace("--request-pool", "200"), DONE);
    // System calls are not recorded any more, path names still are.
    assertEquals(ktrace("-c", "-t", "c", "-p", `${a.pid}`), DONE);
    const isPath = ({ type }: { type: string }) => type === "namei";
    await until("nothing but paths", () => recordsOf(one).slice(-100).every(isPath));
    const then = recordsOf(one).length;
    await until("more records", () => size(one) > 300_000);
    assert(recordsOf(one).slice(then).every(isPath));
    // From here on nothing more goes into the first file.
    assertEquals(ktrace("-c", "-f", one), DONE);
    const rest = size(one);
    const before = size(two);
    await until("records of the other", () => size(two) > before + 100_000);
    assertEquals(size(one), rest);
    assertEquals(ktrace("-c", "-f", one).code, 1);
    assertEquals(ktrace("-c", "-p", `${a.pid}`), {
      code: 1,
      stderr: `ERROR: Process ${a.pid} is not recorded\n`,
    });
    // From here on nothing is recorded at all, so the recorder ends.
    assertEquals(ktrace("-C"), DONE);
    await until("end of the recorder", () => backgroundRecorders().length === 0);
    assert(recordsOf(two).every(({ pid }) => pid === b.pid));
    assertEquals(tool("kdump", ["-f", two]).stderr, "");
  }
  Deno.removeSync(folder, { recursive: true });
});

kernelTest("ktrace's recorder in the background says what it has lost", ["gcc"], async () => {
  const file = Deno.makeTempFileSync();
  {
    using busy = new Busy([buildCaller(), "1000000000"]);
    const started = ktrace("-t", "c", "--ring-size", "65536", "-f", file, "-p", `${busy.pid}`);
    assertEquals(started.code, 0);
    // On a busy machine records are lost before the command has ended.
    assertMatch(started.stderr, /^(ktrace: \d+ records lost\n)?$/);
    await until("a loss", () => recordsLost(file));
    const { code, stderr } = ktrace("-c", "-p", `${busy.pid}`);
    assertEquals(code, 0);
    assertMatch(stderr, /^ktrace: \d+ records lost\n$/);
    await until("end of the recorder", () => backgroundRecorders().length === 0);
  }
  Deno.removeSync(file);
});

/** True if a record in the file says that records before it were lost. */
function recordsLost(file: string): boolean {
  const bytes = Deno.readFileSync(file);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at + 64 <= bytes.length; at += 64 + view.getInt32(at, true)) {
    if ((view.getUint16(at + 4, true) & 0x8000) !== 0) return true;
  }
  return false;
}

kernelTest("ktrace -g and -d mean groups and descendants, -a keeps a file", ["gcc"], async () => {
  const file = Deno.makeTempFileSync();
  const reader = buildProgram("reader");
  const command = ["setsid", "bash", "-c", `${reader} & ${reader} & wait`];
  {
    using leader = new Busy(command);
    const members = () => output("pgrep", ["-g", `${leader.pid}`]).stdout.trim().split("\n");
    await until("children", () => members().length === 3);
    try {
      assertEquals(ktrace("-t", "n", "-f", file, "-g", `${leader.pid}`), DONE);
      const seen = () => new Set(recordsOf(file).map(({ pid }) => pid));
      await until("both children", () => size(file) > 10_000 && seen().size === 2);
      assertEquals(ktrace("-c", "-g", `${leader.pid}`), DONE);
      await until("end of the recorder", () => backgroundRecorders().length === 0);
      const before = recordsOf(file).length;
      assertEquals(ktrace("-t", "n", "-d", "-a", "-f", file, "-p", `${leader.pid}`), DONE);
      await until("more records", () => recordsOf(file).length > before + 100);
      assertEquals(seen().size, 2);
      assertEquals(ktrace("-C"), DONE);
      await until("end of the recorder", () => backgroundRecorders().length === 0);
    } finally {
      output("pkill", ["-KILL", "-g", `${leader.pid}`]);
    }
  }
  Deno.removeSync(file);
});

kernelTest("ktrace records children with -i alone, and what they are", [], () => {
  const script = "cat /etc/hostname; true";
  const alone = record(["-t", "+x"], ["bash", "-c", script]);
  assertEquals(new Set(alone.records.map(({ pid }) => pid)).size, 1);
  const { records } = record(["-i", "-t", "+x"], ["bash", "-c", script]);
  assertEquals(new Set(records.map(({ pid }) => pid)).size, 2);
  const programs = records.filter(({ type }) => type === "args").map(({ values }) => values);
  assertEquals(programs, [["bash", "-c", script], ["cat", "/etc/hostname"]]);
  const data = records.filter(({ type, data }) => type === "genio" && data !== undefined);
  const host = Deno.readTextFileSync("/etc/hostname");
  assertEquals(data.filter((one) => one.data === host).length, 2); // once read, once written
});

testWith(
  "ktrace needs no privilege for own commands and processes",
  ["setpriv", "root"],
  async () => {
    const folder = Deno.makeTempDirSync();
    Deno.chownSync(folder, 65534, 65534);
    const file = `${folder}/trace`;
    const run = (...args: string[]) => {
      const [command, ...rest] = nobodyCommand(args, [], "ktrace");
      return output(command, rest, { cwd: "/" });
    };
    const own = run("-i", "-f", file, "sh", "-c", "cat /etc/hostname; exit 3");
    assertEquals({ code: own.code, stderr: own.stderr }, { code: 3, stderr: "" });
    assertEquals(own.stdout, Deno.readTextFileSync("/etc/hostname"));
    const { uid, mode } = Deno.statSync(file);
    assertEquals([uid, (mode ?? 0) & 0o777], [65534, 0o600]);
    assert(recordsOf(file).some(({ path }) => path === "/etc/hostname"));
    const foreign = run("-f", file, "-p", "1");
    assertEquals(foreign.code, 1);
    assertMatch(foreign.stderr, /^ERROR: Cannot trace process 1: /);
    const many = run("-t", "w", "-f", file, "true");
    assertEquals(many.code, 1);
    assertMatch(many.stderr, /^ERROR: Cannot record context switches or page faults \(w, f\)/);
    // A running program is traced by the recorder in the background, which is the user's.
    {
      using busy = new Busy([...nobodyCommand([]).slice(0, 12), buildProgram("reader")]);
      assertEquals(run("-t", "cn", "-f", file, "-p", `${busy.pid}`), {
        code: 0,
        stdout: "",
        stderr: "",
      });
      await until("records", () => size(file) > 100_000);
      assertEquals(run("-c", "-p", `${busy.pid}`).code, 0);
      await until("end of the recorder", () => backgroundRecorders().length === 0);
      assert(recordsOf(file).every(({ pid }) => pid === busy.pid));
      Deno.kill(busy.pid, 0); // throws unless the program still runs
    }
    Deno.removeSync(folder, { recursive: true });
  },
);

testWith("ktrace lets a program go that gains rights", ["setpriv", "root", "gcc"], () => {
  const folder = Deno.makeTempDirSync();
  Deno.chownSync(folder, 65534, 65534);
  const file = `${folder}/trace`;
  const program = `${folder}/set_id`;
  Deno.copyFileSync(buildProgram("set_id"), program);
  Deno.chownSync(program, 0, 0);
  Deno.chmodSync(program, 0o4755);
  const plain = `${folder}/plain`;
  Deno.copyFileSync(program, plain);
  Deno.chmodSync(plain, 0o755);
  const { code, stdout } = asNobody(["-f", file, plain, program], [], "ktrace");
  assertEquals({ code, stdout }, { code: 0, stdout: "euid 0\n" });
  const inside = (records: readonly JsonRecord[]) =>
    records.some(({ path }) => path === "/in/the/program");
  assert(!inside(recordsOf(file)));
  // A trace that root makes goes on, although the exec changes the user.
  assert(inside(record([], [plain, program]).records));
  assert(inside(record(["--sync"], [plain, program]).records));
  Deno.removeSync(folder, { recursive: true });
});

/** A file system in memory with room for a given number of bytes. */
class SmallDisk implements Disposable {
  readonly path = Deno.makeTempDirSync();

  constructor(bytes: number) {
    const { code, stderr } = output("mount", [
      "-t",
      "tmpfs",
      "-o",
      `size=${bytes}`,
      "none",
      this.path,
    ]);
    assertEquals(code, 0, stderr);
  }

  [Symbol.dispose](): void {
    output("umount", [this.path]);
    Deno.removeSync(this.path);
  }
}

for (const [name, way] of [["the kernel plane", []], ["--sync", ["--sync"]]] as const) {
  kernelTest(
    `ktrace by ${name} stops at a full disk, and the program goes on`,
    ["root", "gcc"],
    () => {
      using disk = new SmallDisk(1 << 18);
      const file = `${disk.path}/trace`;
      const { code, stdout, stderr } = tool("ktrace", [...way, "-f", file, buildCaller(), "20000"]);
      assertEquals(code, 0);
      assertMatch(stdout, /^\d+\.\d\n$/);
      assertEquals(stderr, `ktrace: ${file}: write: No space left on device; tracing stopped\n`);
      assert(size(file) > 200_000);
      // The file ends with a whole record.
      const dump = tool("kdump", ["-f", file]);
      assertEquals([dump.code, dump.stderr], [0, ""]);
    },
  );
}

testWith("ktrace -n stops tracing rather than waiting for a reader", ["gcc"], async () => {
  const folder = Deno.makeTempDirSync();
  const fifo = `${folder}/pipe`;
  output("mkfifo", [fifo]);
  const [command, ...args] = toolCommand("ktrace", [
    "--sync",
    "-n",
    "-f",
    fifo,
    buildCaller(),
    "20000",
  ]);
  const child = new Deno.Command(command, { args, stdout: "piped", stderr: "piped" }).spawn();
  using pipe = await Deno.open(fifo);
  // ktrace ends although nobody reads the pipe.
  const { code, stderr } = await child.output();
  assertEquals(code, 0);
  assertEquals(
    new TextDecoder().decode(stderr),
    `ktrace: ${fifo}: its reader is too slow; tracing stopped\n`,
  );
  await Deno.writeFile(`${folder}/out`, pipe.readable);
  const dump = tool("kdump", ["-f", `${folder}/out`, "--summary"]);
  assertEquals([dump.code, dump.stderr], [0, ""]);
  Deno.removeSync(folder, { recursive: true });
});

kernelTest("ktrace ends at SIGTERM with the program, and leaves nothing", ["gcc"], async () => {
  const before = kernelObjects();
  for (const way of [[], ["--sync"]]) {
    const file = Deno.makeTempFileSync();
    const [command, ...args] = toolCommand("ktrace", [...way, "-f", file, buildProgram("reader")]);
    const child = new Deno.Command(command, { args, stdout: "null", stderr: "piped" }).spawn();
    await until("records", () => size(file) > 50_000);
    child.kill("SIGTERM");
    const { code, stderr } = await child.output();
    assertEquals([code, new TextDecoder().decode(stderr)], [143, ""]);
    // The end of the program is part of the trace.
    assertEquals(recordsOf(file).at(-1)?.type, "procdtor");
    const [{ pid }] = recordsOf(file);
    assertThrows(() => Deno.statSync(`/proc/${pid}`), Deno.errors.NotFound);
    const dump = tool("kdump", ["-f", file]);
    assertEquals([dump.code, dump.stderr], [0, ""]);
    Deno.removeSync(file);
  }
  await assertNothingLeft(before);
});

kernelTest("ktrace -i records children whose parents end at once", ["gcc"], () => {
  const file = Deno.makeTempFileSync();
  for (const way of [[], ["--sync"]]) {
    assertEquals(ktrace(...way, "-i", "-f", file, buildProgram("double_fork"), "50"), DONE);
    const dump = tool("kdump", ["-f", file, "-t", "c"]).stdout;
    assertEquals(dump.match(/CALL +getppid/g)?.length, 50, way.join());
  }
  Deno.removeSync(file);
});

kernelTest(
  "every way of recording has the same signals: not those that do nothing",
  ["gcc"],
  () => {
    const file = Deno.makeTempFileSync();
    for (const way of [[], ["--sync"]]) {
      const { stdout } = tool("ktrace", [
        ...way,
        "-t",
        "s",
        "-f",
        file,
        buildProgram("signal_actions"),
      ]);
      const signals = tool("kdump", ["--json", "-f", file]).stdout.trim().split("\n")
        .map((line) => JSON.parse(line)).filter(({ type }) => type === "psig")
        .map(({ signal, action }) => [signal, action]);
      assertEquals(signals, [["SIGUSR2", stdout.trim()], ["SIGTERM", "0x0"]], way.join());
    }
    Deno.removeSync(file);
  },
);

testWith("each tool says why a command or a process cannot be had", [], async () => {
  const folder = Deno.makeTempDirSync();
  const files: Readonly<Record<string, string>> = {
    plain: "text\n",
    script: "#!/no/interpreter\n",
    damaged: "\x7fELF, but no more",
  };
  for (const [name, text] of Object.entries(files)) {
    Deno.writeTextFileSync(`${folder}/${name}`, text);
    if (name !== "plain") Deno.chmodSync(`${folder}/${name}`, 0o755);
  }
  const reasons: Readonly<Record<string, string>> = {
    [`${folder}/plain`]: "Permission denied",
    [`${folder}/script`]: "its interpreter '/no/interpreter': No such file or directory",
    [`${folder}/damaged`]: "Exec format error",
    [folder]: "Permission denied",
    [`${folder}/missing`]: "No such file or directory",
    "no-such-program": "No such file or directory",
  };
  for (const [command, reason] of Object.entries(reasons)) {
    const outputs = [
      ktrace("-f", "/dev/null", command),
      ktrace("--sync", "-f", "/dev/null", command),
      tool("btrace", ["-c", command, "-e", "BEGIN { }"]),
      tool("kmonitor", ["-c", command]),
      tool("profile", ["-c", command]),
    ];
    for (const { code, stderr } of outputs) {
      assertEquals(code, 1);
      assert(stderr.endsWith(`ERROR: Failed to run '${command}': ${reason}\n`), stderr);
    }
  }
  Deno.removeSync(folder, { recursive: true });
  // A thread that is not the first of its process, and a zombie.
  const child = new Deno.Command("sh", { args: ["-c", "sleep 0 & exec sleep 5"] }).spawn();
  const zombie = () =>
    processes().find((pid) => {
      try {
        return Deno.readTextFileSync(`/proc/${pid}/stat`).includes(`(sleep) Z ${child.pid} `);
      } catch {
        return false;
      }
    });
  await until("a zombie", () => zombie() !== undefined);
  assertMatch(ktrace("-f", "/dev/null", "-p", `${zombie()}`).stderr, /has ended .* is a zombie\n$/);
  const threads = [...Deno.readDirSync("/proc/self/task")].map(({ name }) => Number(name));
  const thread = threads.find((tid) => tid !== Deno.pid);
  assertEquals(
    ktrace("-f", "/dev/null", "-p", `${thread}`).stderr,
    `ERROR: ${thread} is a thread of process ${Deno.pid}: use -p ${Deno.pid}\n`,
  );
  child.kill("SIGKILL");
  await child.status;
});

kernelTest("ktrace --rotate loses no record, and each file can be read alone", ["gcc"], () => {
  const folder = Deno.makeTempDirSync();
  const file = `${folder}/trace`;
  const calls = 20_000;
  for (const way of [[], ["--sync"]]) {
    const rotation = ["--rotate", "256k,50", "-t", "c", "-f", file];
    assertEquals(ktrace(...way, ...rotation, buildCaller(), `${calls}`), DONE);
    const files = [...Deno.readDirSync(folder)].map(({ name }) => `${folder}/${name}`);
    assert(files.length > 5, files.join());
    let found = 0;
    for (const one of files) {
      assert(size(one) < 900_000, `${one}: ${size(one)}`);
      const { code, stdout, stderr } = tool("kdump", [one]);
      assertEquals([code, stderr], [0, ""]);
      // The numbers of calls have names: the file knows whose they are.
      assert(!/CALL +\[/.test(stdout) && !/linux_|#\d+\(/.test(stdout), stdout.slice(0, 500));
      found += stdout.match(/ CALL +getppid\n/g)?.length ?? 0;
      Deno.removeSync(one);
    }
    assertEquals(found, calls, way.join());
  }
  // Of three files, the former ones are thrown away.
  ktrace("--rotate", "64K,2", "-t", "c", "-f", file, buildCaller(), `${calls}`);
  assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name).sort(), [
    ...["trace", "trace.1", "trace.2"],
  ]);
  assertMatch(ktrace("--rotate", "1k", "true").stderr, /^ERROR: --rotate wants SIZE/);
  Deno.removeSync(folder, { recursive: true });
});

kernelTest("a trace that somebody empties has no hole, and its names again", ["gcc"], async () => {
  const file = Deno.makeTempFileSync();
  for (const way of [[], ["--sync"]]) {
    const [command, ...args] = toolCommand("ktrace", [
      ...[...way, "-t", "c", "-f", file, buildProgram("reader")],
    ]);
    const child = new Deno.Command(command, { args, stdout: "null", stderr: "null" }).spawn();
    await until("records", () => size(file) > 200_000);
    Deno.truncateSync(file, 0);
    await until("more records", () => size(file) > 100_000);
    child.kill("SIGTERM");
    await child.status;
    const { code, stdout, stderr } = tool("kdump", [file]);
    assertEquals([code, stderr], [0, ""]);
    assertMatch(stdout, / (CALL|RET) +\w+/);
    assert(!/(CALL|RET) +\[/.test(stdout), stdout.slice(0, 300));
    assertEquals(recordsOf(file)[0].type, "procctor");
  }
  Deno.removeSync(file);
});

kernelTest("kdump --tree knows the parents of processes in a pid namespace", ["unshare"], () => {
  const file = Deno.makeTempFileSync();
  const inner = "unshare -p -f --mount-proc sh -c 'sh -c \"sleep 0.1; true\" & wait'";
  for (const way of [[], ["--sync"]]) {
    assertEquals(ktrace(...way, "-i", "-f", file, "sh", "-c", `${inner}; true`), DONE);
    const lines = tool("kdump", [file, "--tree"]).stdout.trimEnd().split("\n");
    const depths = lines.map((
      line,
    ) => [/^ */.exec(line)![0].length / 2, line.trim().split(" ")[1]]);
    assertEquals(depths, [[0, "sh"], [1, "unshare"], [2, "sh"], [3, "sh"], [4, "sleep"]]);
  }
  Deno.removeSync(file);
});

kernelTest("utrace() adds records of a TypeScript program", [], () => {
  for (const way of [[], ["--sync"]]) {
    const program = `
      import { utrace } from "${ROOT}providers/static/mod.ts";
      utrace("a note");
      utrace(new Uint8Array([0, 1, 255]));
      try { utrace(new Uint8Array(2049)); } catch (error) { console.log(error.code); }
      utrace("x".repeat(2048));`;
    const { stdout, records } = record([...way, "-t", "u"], [
      ...[Deno.execPath(), "eval", "--ext=ts", program],
    ]);
    assertEquals(stdout, "EINVAL\n");
    assertEquals(
      records.map(({ type, data, hex }) => [type, data ?? hex]),
      [
        ["procctor", undefined],
        ["user", "a note"],
        ["user", "0001ff"],
        ["user", "x".repeat(2048)],
        ["procdtor", undefined],
      ],
    );
  }
});

kernelTest("ktrace's other points: switches, faults, environment, refusals", [], () => {
  const script = "sleep 0.05; read x < /proc/1/mem; kill -USR1 $$";
  const { records } = record(["-t", "wfvpsx"], [
    "setpriv",
    "--bounding-set=-all",
    "--reuid=65534",
    "--clear-groups",
    "bash",
    "-c",
    script,
  ], {
    env: { KTRACE_TEST: "here" },
  });
  const of = (type: string) => records.filter((one) => one.type === type);
  assert(of("csw").length >= 2);
  assert(of("fault").length > 10);
  assert(of("env").some(({ values }) => values!.includes("KTRACE_TEST=here")));
  assert(of("capfail").some(({ name }) => name === "openat"));
  assertEquals(of("psig").at(-1)?.signal, "SIGUSR1");
});

testWith("ktrace refuses what makes no sense", [], () => {
  const first = (...args: string[]) => {
    const { code, stderr } = ktrace(...args);
    assertEquals(code, 1);
    return stderr.split("\n")[0];
  };
  assertEquals(first(), "ERROR: a command, -p or -g is wanted: see ktrace --help");
  assertEquals(
    first("-p", "1", "true"),
    "ERROR: a command, -p or -g: one of them: see ktrace --help",
  );
  assertEquals(
    first("-t", "q", "true"),
    "ERROR: no trace points: q (letters: cinstuwfxvp + A)",
  );
  assertEquals(first("-c"), "ERROR: -c wants -p, -g or -f: see ktrace --help");
  assertEquals(
    first("--request-pool", "0", "true"),
    "ERROR: --request-pool wants a number from 1 to 1000000: 0",
  );
  assertEquals(first("--request-pool", "50"), "ERROR: No recorder is running");
  assertEquals(first("-p", "4194000"), "ERROR: No process has number 4194000");
  assertEquals(first("-x", "true"), "ERROR: unknown option -x: see ktrace --help");
  assertEquals(
    first("-f", "/no/such/folder/trace", "true"),
    "ERROR: Cannot write '/no/such/folder/trace': No such file or directory",
  );
  assertEquals(
    first("/no/such/program"),
    "ERROR: Failed to run '/no/such/program': No such file or directory",
  );
});

testWith(
  "ktrace -C trusts no folder that others have made, and waits for nobody",
  ["root"],
  async () => {
    const folder = Deno.makeTempDirSync();
    Deno.writeTextFileSync(`${folder}/b.sock`, "not a socket");
    Deno.symlinkSync(folder, "/tmp/dt-ktrace-54321");
    const other = "/tmp/dt-ktrace-54322";
    Deno.mkdirSync(other, { mode: 0o700 });
    Deno.chownSync(other, 54322, 54322);
    const silent = Deno.listen({ transport: "unix", path: `${other}/silent.sock` });
    try {
      const [command, ...args] = toolCommand("ktrace", ["-C"]);
      const { code, stderr } = await new Deno.Command(command, { args, stderr: "piped" }).output();
      assertEquals(code, 1);
      assertMatch(
        new TextDecoder().decode(stderr),
        /^ERROR: The recorder at .*silent.sock does not answer/,
      );
      assertEquals(Deno.readTextFileSync(`${folder}/b.sock`), "not a socket");
    } finally {
      silent.close();
      for (const path of ["/tmp/dt-ktrace-54321", other, folder]) {
        Deno.removeSync(path, { recursive: true });
      }
    }
  },
);

/** What another user's recorder may answer to root. */
const ANSWERS = [
  "null",
  "[]",
  '{"count":-1}',
  '{"count":"1"}',
  '{"count":1,"messages":7}',
  '{"count":1,"messages":["\\u001b]0;title\\u0007 \\u009b31m \\u202e\\nktrace: forged"]}',
  '{"error":{},"code":"EIO"}',
  '{"error":"\\u001b[2J\\nforged","code":"EIO"}',
  "{",
];

testWith("ktrace -C believes no answer of other users' recorders", ["root"], async () => {
  const folder = "/tmp/dt-ktrace-54323";
  Deno.mkdirSync(folder, { mode: 0o700 });
  const listeners = ANSWERS.map((answer, i) => {
    const listener = Deno.listen({ transport: "unix", path: `${folder}/${i}.sock` });
    (async () => {
      for await (const connection of listener) {
        await connection.read(new Uint8Array(1000));
        await connection.write(new TextEncoder().encode(`${answer}\n`));
        connection.close();
      }
    })();
    return listener;
  });
  // Some never answer, and one never ends its answer.
  for (let i = 0; i < 5; i++) {
    listeners.push(Deno.listen({ transport: "unix", path: `${folder}/silent${i}.sock` }));
  }
  Deno.chownSync(folder, 54323, 54323);
  try {
    const start = performance.now();
    const [command, ...args] = toolCommand("ktrace", ["-C"]);
    const { code, stderr } = await new Deno.Command(command, { args, stderr: "piped" }).output();
    assert(performance.now() - start < 6000, `${performance.now() - start} ms`);
    const said = new TextDecoder().decode(stderr);
    assertEquals(code, 1);
    assert(!/^forged|internal error|at file:|[^\n -~]/m.test(said), said);
    assertMatch(said, /^ktrace: \\x1b\]0;title/m);
  } finally {
    for (const listener of listeners) listener.close();
    Deno.removeSync(folder, { recursive: true });
  }
});

testWith("root's ktrace works whatever others have made in /tmp", ["root"], async () => {
  const folder = "/tmp/dt-ktrace-0";
  Deno.mkdirSync(folder);
  Deno.chownSync(folder, 54324, 54324);
  const file = Deno.makeTempFileSync();
  try {
    assertEquals(ktrace("-f", file, "true"), DONE);
    using busy = new Busy();
    assertEquals(ktrace("-t", "c", "-f", file, "-p", `${busy.pid}`), DONE);
    assertEquals(ktrace("-C"), DONE);
    await until("end of the recorders", () => backgroundRecorders().length === 0);
  } finally {
    for (const path of [folder, file]) Deno.removeSync(path, { recursive: true });
  }
});

kernelTest("ktrace has a recorder in the background for each way", ["root", "gcc"], async () => {
  const [one, two] = [Deno.makeTempFileSync(), Deno.makeTempFileSync()];
  {
    using a = new Busy();
    using b = new Busy();
    assertEquals(ktrace("-t", "c", "-f", one, "-p", `${a.pid}`), DONE);
    assertEquals(ktrace("--sync", "-t", "c", "-f", two, "-p", `${b.pid}`), DONE);
    const tracer = (pid: number) =>
      /TracerPid:\t(\d+)/.exec(Deno.readTextFileSync(`/proc/${pid}/status`))![1];
    assertEquals(tracer(a.pid), "0");
    assert(tracer(b.pid) !== "0");
    assertMatch(
      ktrace("--genio-size", "1", "-f", one, "-p", `${a.pid}`).stderr,
      /^ERROR: Cannot change the size/,
    );
    assertMatch(
      ktrace("--format", "json", "-f", one, "-p", `${a.pid}`).stderr,
      /is written in another format/,
    );
    await until("records", () => size(one) > 10_000 && size(two) > 10_000);
    assertEquals(ktrace("-C"), DONE);
    await until("end of the recorders", () => backgroundRecorders().length === 0);
    assertEquals(tracer(b.pid), "0");
    Deno.kill(b.pid, 0);
  }
  assertMatch(ktrace("-p", "2").stderr, /^ERROR: Cannot record 2: it is a thread of the kernel/);
  for (const file of [one, two]) Deno.removeSync(file);
});

kernelTest("ktrace whose reader has stalled hears signals", ["gcc"], async () => {
  const folder = Deno.makeTempDirSync();
  const fifo = `${folder}/pipe`;
  output("mkfifo", [fifo]);
  const command = ["-t", "c", "-f", fifo, buildProgram("reader")];
  const errors = `${folder}/errors`;
  const child = new Deno.Command("sh", {
    args: ["-c", `exec "$0" "$@" 2>${errors}`, ...toolCommand("ktrace", command)],
    stdout: "null",
  }).spawn();
  using pipe = await Deno.open(fifo);
  const head = new Uint8Array(64);
  await pipe.read(head);
  const pid = new DataView(head.buffer).getInt32(8, true);
  // After this time the pipe is full.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  child.kill("SIGTERM");
  assertEquals((await child.status).code, 143);
  assertMatch(
    Deno.readTextFileSync(errors),
    /: its reader is too slow, \d+ records lost; tracing stopped\n/,
  );
  assertThrows(() => Deno.statSync(`/proc/${pid}`), Deno.errors.NotFound);
  Deno.removeSync(folder, { recursive: true });
});

testWith("ktrace that cannot start leaves files as they were", ["setpriv", "root"], async () => {
  const folder = Deno.makeTempDirSync();
  Deno.chownSync(folder, 65534, 65534);
  const [file, old] = [`${folder}/trace`, `${folder}/old`];
  const noFormat = `${folder}/no_format`;
  Deno.writeFileSync(noFormat, new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 0]), { mode: 0o755 });
  const before = "a trace of before";
  Deno.writeTextFileSync(old, before);
  Deno.chownSync(old, 65534, 65534);
  const root = (...args: string[]) => tool("ktrace", args, { cwd: folder });
  const nobody = (...args: string[]) => {
    const [command, ...rest] = nobodyCommand(args, [], "ktrace");
    return output(command, rest, { cwd: folder });
  };
  for (const where of [["-f", file], ["-f", old], ["-a", "-f", old], []]) {
    for (
      const { code, stderr } of [
        root(...where, "nosuchcmd"),
        root(...where, "--sync", "nosuchcmd"),
        root(...where, "--sync", "-t", "w", "true"),
        root(...where, noFormat),
        root(...where, "-p", "2"),
        nobody(...where, "-t", "w", "true"),
        nobody(...where, "-p", "1"),
      ]
    ) {
      assertEquals(code, 1, stderr);
      assertMatch(stderr, /^ERROR: [^\n]+\n/m);
      assert(!exists(file) && !exists(`${folder}/ktrace.out`), stderr);
      assertEquals(Deno.readTextFileSync(old), before, stderr);
    }
  }
  // What starts replaces what was there, unless it is another user's.
  assertMatch(root("-f", old, "true").stderr, /it belongs to user 65534/);
  assertEquals(Deno.readTextFileSync(old), before);
  Deno.chownSync(old, 0, 0);
  assertEquals(root("-f", old, "true").code, 0);
  assertEquals(recordsOf(old)[0].type, "procctor");
  await until("end of the recorders", () => backgroundRecorders().length === 0);
  Deno.removeSync(folder, { recursive: true });
});

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
