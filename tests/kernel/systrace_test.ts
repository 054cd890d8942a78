// Tests of systrace: its lines are strace's, whose own output is the oracle.

import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  asNobody,
  buildProgram,
  kernelTest,
  output,
  ROOT,
  testWith,
  tool,
  toolCommand,
  until,
} from "../helpers.ts";

/** What strace says and records do not hold, as systrace leaves it out. */
const LEFT_OUT: readonly (readonly [RegExp, string])[] = [
  // The address of the environment, and the signal mask that a handler's return restores.
  [/^(execve\(.*\], )0x\w+ (\/\* \d+ vars \*\/)/, "$1$2"],
  [/^rt_sigreturn\(\{mask=[^)]*\)(.*)/, "rt_sigreturn()$1"],
  // Who has sent a signal.
  [/^(--- .* \{si_signo=\w+, si_code=\w+), .*\} ---/, "$1} ---"],
  // The kernel reports signals that are ignored to a tracer by ptrace alone.
  [/^--- SIGCHLD .*/, ""],
];

/** Lines without what differs from run to run: addresses, ids, random bytes, columns. */
function comparable(lines: string): string[] {
  return lines.split("\n").map((line) => {
    for (const [pattern, text] of LEFT_OUT) line = line.replace(pattern, text);
    return line.replace(/0x[0-9a-f]{5,}/g, "0xADDRESS").replace(/(\\x[0-9a-f]{2})+/g, "RANDOM")
      .replace(/\b\d{2,7}\b(?=(, SIGUSR1|, \[\{WIF|, NULL\) +=))/g, "PID")
      .replace(/^(getpid|getppid|vfork|set_tid_address|wait4|kill)(.*) = \d{2,7}$/, "$1$2 = PID")
      .replace(/^(kill|wait4)\(\d+/, "$1(PID").replace(/ +=/, " =");
  }).filter((line) => line !== "");
}

function systrace(...args: string[]) {
  return tool("systrace", args);
}

const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  "of many kinds of calls": [],
  "of a class": ["-e", "trace=%file"],
  "of named calls, with long data": ["-s", "100", "-e", "read,write,writev"],
  "of all calls but some": ["-e", "trace=!mmap,munmap,mprotect"],
  "of calls that match": ["-e", "trace=/^epoll"],
  "of failed calls": ["-Z"],
  "of successful calls": ["-z", "-e", "trace=%network"],
  "with what descriptors stand for": ["-y", "-e", "trace=/^(open|read|write|pread|close)"],
  "of memory and signals": ["-e", "trace=%memory,%signal", "-e", "signal=USR1"],
};

for (const [what, options] of Object.entries(COMMANDS)) {
  kernelTest(`systrace has strace's lines ${what}`, ["root", "strace", "gcc"], () => {
    const program = buildProgram("many_calls", "-w");
    const folder = Deno.makeTempDirSync();
    const cwd = { cwd: folder };
    const theirs = output("strace", [...options, program], cwd);
    const ours = tool("systrace", [...options, program], cwd);
    Deno.removeSync(folder, { recursive: true });
    assertEquals([theirs.code, ours.code], [5, 5]);
    assert(comparable(theirs.stderr).length > 2, theirs.stderr);
    assertEquals(comparable(ours.stderr), comparable(theirs.stderr));
  });
}

testWith("systrace has strace's lines without privilege, by ptrace", [
  "root",
  "setpriv",
  "strace",
  "gcc",
], () => {
  const program = buildProgram("many_calls", "-w");
  const options = ["-e", "trace=!mmap,munmap"];
  const folder = Deno.makeTempDirSync();
  Deno.chmodSync(folder, 0o777);
  const theirs = output("setpriv", [
    ...["--reuid", "65534", "--regid", "65534", "--clear-groups"],
    ...["strace", ...options, program, folder],
  ], { cwd: "/" });
  const ours = asNobody([...options, program, folder], [], "systrace");
  Deno.removeSync(folder, { recursive: true });
  assertEquals(ours.code, 5);
  const from = (lines: string[]) => lines.slice(lines.findIndex((line) => /^chdir/.test(line)));
  // ptrace(2) tells of ignored signals, too, but they do nothing.
  assertEquals(from(comparable(ours.stderr)), from(comparable(theirs.stderr)));
});

kernelTest("systrace -f shows children, and what takes long as unfinished", ["root"], () => {
  const command = ["sh", "-c", "sleep 0.6 & wait $!; kill -TERM $$"];
  const { code, stderr } = systrace("-f", "-T", "-e", "trace=%process,clock_nanosleep", ...command);
  assertEquals(code, 128 + 15);
  assertMatch(
    stderr,
    /^\[pid +\d+\] execve\("\S+sleep", \["sleep", "0.6"\], 0x\w+ \/\* \d+ vars \*\/\) = 0 <0\.\d{6}>$/m,
  );
  assertMatch(
    stderr,
    /^\[pid +(\d+)\] clock_nanosleep\(CLOCK_REALTIME, 0, \{tv_sec=0, tv_nsec=600000000\}, 0x\w+ <unfinished \.\.\.>\n[^]*^\[pid +\1\] <\.\.\. clock_nanosleep resumed>.* = 0 <0\.6\d{5}>$/m,
  );
  assertMatch(
    stderr,
    /^\[pid +\d+\] exit_group\(0\) += \?\n\[pid +\d+\] \+\+\+ exited with 0 \+\+\+$/m,
  );
  assertMatch(stderr, /wait4\(-1, \[\{WIFEXITED\(s\) && WEXITSTATUS\(s\) == 0\}\]/);
  assertMatch(
    stderr,
    /--- SIGTERM \{si_signo=SIGTERM, si_code=SI_USER\} ---\n\+\+\+ killed by SIGTERM \+\+\+\n$/,
  );
});

kernelTest("systrace -p shows where a process waits, and lets it run on", ["root"], async () => {
  const sleeper = new Deno.Command("sleep", { args: ["60"] }).spawn();
  const [command, ...args] = toolCommand("systrace", ["-p", `${sleeper.pid}`]);
  const child = new Deno.Command(command, { args, stderr: "piped", stdout: "null" }).spawn();
  let text = "";
  const reading = (async () => {
    for await (const part of child.stderr.pipeThrough(new TextDecoderStream())) text += part;
  })();
  await until("the call is shown", () => text.includes("<unfinished"));
  child.kill("SIGINT");
  assertEquals((await child.status).code, 0);
  await reading;
  sleeper.kill("SIGTERM");
  assertEquals((await sleeper.status).signal, "SIGTERM");
  assertMatch(
    text,
    /^systrace: Process \d+ attached\nclock_nanosleep\(CLOCK_REALTIME, 0, .* <unfinished \.\.\.>\nsystrace: Process \d+ detached\n$/,
  );
});

kernelTest("systrace -c counts as strace -c does", ["root", "strace", "gcc"], () => {
  const program = buildProgram("many_calls", "-w");
  const folder = Deno.makeTempDirSync();
  const counts = (table: string) =>
    table.split("\n").map((line) => /^ *[\d.]+ +[\d.]+ +\d+ +(\d+) +(\d*) +(\w+)$/.exec(line))
      .filter((match) => match !== null)
      .map(([, calls, errors, name]) => `${name} ${calls} ${errors}`)
      .filter((line) => !/^(total|execve|exit_group|vfork) /.test(line)).sort();
  const theirs = output("strace", ["-c", program], { cwd: folder });
  const ours = tool("systrace", ["-c", program], { cwd: folder });
  Deno.removeSync(folder, { recursive: true });
  assert(counts(theirs.stderr).length > 40, theirs.stderr);
  assertEquals(counts(ours.stderr), counts(theirs.stderr));
});

kernelTest("systrace's lines have times, go to a file, and can be of one path", ["root"], () => {
  const folder = Deno.makeTempDirSync();
  const file = `${folder}/out`;
  const run = (...options: string[]) => {
    const { code, stdout, stderr } = systrace("-o", file, ...options, "cat", "/etc/hostname");
    assertEquals([code, stderr, stdout], [0, "", Deno.readTextFileSync("/etc/hostname")]);
    return Deno.readTextFileSync(file);
  };
  const last = (text: string) => text.trimEnd().split("\n").at(-1)!;
  assertMatch(last(run("-t")), /^\d\d:\d\d:\d\d \+\+\+ exited with 0 \+\+\+$/);
  assertMatch(last(run("-tt")), /^\d\d:\d\d:\d\d\.\d{6} \+\+\+/);
  const text = last(run("-ttt"));
  assert(Math.abs(Number(text.split(" ")[0]) * 1000 - Date.now()) < 60_000, text);
  assertMatch(last(run("-r")), /^ +0\.\d{6} \+\+\+/);
  assertMatch(last(run("-f")), /^\d+ +\+\+\+ exited/);
  const lines = run("-P", "/etc/hostname").trimEnd().split("\n");
  assertMatch(lines[0], /^openat\(AT_FDCWD, "\/etc\/hostname", O_RDONLY\) = \d$/);
  assertMatch(lines.at(-2)!, /^close\(\d\) += 0$/);
  assertEquals(lines.filter((line) => /mmap|ld\.so/.test(line)), []);
  Deno.removeSync(folder, { recursive: true });
});

kernelTest("what systrace loses is told, and --lossless loses nothing", ["root", "gcc"], () => {
  const caller = buildProgram("caller", "-O2");
  const many = (text: string) =>
    text.split("\n").filter((line) => /^getppid\(\) /.test(line)).length;
  const lossless = systrace("--lossless", "-e", "getppid", caller, "3000");
  assertEquals([lossless.code, many(lossless.stderr)], [0, 3000]);
  // Other calls do not get into the ring.
  const filtered = systrace("-e", "exit_group", caller, "1000000");
  assertMatch(filtered.stderr, /^exit_group\(0\) += \?\n\+\+\+ exited with 0 \+\+\+\n$/);
  const folder = Deno.makeTempDirSync();
  const flood = systrace("-o", `${folder}/out`, "-e", "getppid", caller, "400000");
  const lost = Number(/^systrace: (\d+) records lost$/m.exec(flood.stderr)?.[1] ?? 0);
  const shown = many(Deno.readTextFileSync(`${folder}/out`));
  Deno.removeSync(folder, { recursive: true });
  // A call is an entry and a return: either may be lost.
  assert(shown <= 400_000 && shown + lost >= 400_000, `${shown} shown, ${lost} lost`);
});

testWith("a wrong option of systrace is one line", ["root"], () => {
  const errors: Readonly<Record<string, RegExp>> = {
    "-e nonsense ls": /no system call is named nonsense/,
    "-e trace=%nonsense ls": /no class of system calls is named %nonsense \(classes: file, /,
    "-e trace=/[/ ls": /no regular expression: \/\[\//,
    "-e signal=FOO ls": /no signal is named FOO/,
    "-e status=odd ls": /-e status= is successful, failed or unfinished: odd/,
    "-e inject=open:error=ENOENT ls": /-e inject= is not possible: programs are not stopped/,
    "-s x ls": /-s wants a number from 0 to 1048576: x/,
    "-p x": /-p wants numbers of processes: x/,
    "-p 4194303": /Cannot attach to 4194303: no such process/,
    "-o /nonsense/out ls": /\/nonsense\/out/,
    "./nonsense": /Failed to run '.\/nonsense': No such file or directory/,
  };
  for (const [args, expected] of Object.entries(errors)) {
    const { code, stdout, stderr } = systrace(...args.split(" "));
    assertEquals([args, code, stdout], [args, 1, ""]);
    assertMatch(stderr, /^ERROR: [^\n]+\n$/);
    assertMatch(stderr, expected);
  }
  const { stdout } = systrace("--help");
  assertEquals(stdout.split("\n").filter((line) => line.length > 80), []);
  assertMatch(stdout, new RegExp(`%network`));
  assert(Deno.statSync(`${ROOT}tools/systrace.ts`).isFile);
});
