// The two planes are each other's oracle: one script with one command must print the same on both.

import { assert, assertEquals } from "@std/assert";
import { btrace, buildProgram, kernelTest } from "../helpers.ts";

/** One script, and the command that it watches. */
interface Row {
  readonly script: string;
  /** Command line to run; default: the program of testdata/calls.c. */
  readonly command?: string;
  readonly options?: readonly string[];
}

const ROWS: readonly Row[] = [
  { script: 'syscall:openat:entry { printf("%s %x\\n", str(args.filename), args.flags); }' },
  { script: "syscall:*:return /retval < 0/ { @errors[probe, retval] = count(); }" },
  { script: "syscall:getppid:entry { @[comm] = count(); @t[tid == pid, pid == cpid] = count(); }" },
  { script: "syscall:getppid:entry { @[uid, gid, username] = count(); }" },
  { script: 'syscall:getppid:return { @[comm, retval == ppid] = count(); print("r"); }' },
  { script: 'syscall:execve:entry { printf("%s|%s\\n", comm, str(args.filename, 6)); }' },
  { script: 'syscall:execve:return { printf("%s %d\\n", comm, retval); }' },
  {
    script: "struct timespec64 { uint64 sec; uint64 nsec; } " +
      "syscall:nanosleep:entry { $t = (struct timespec64 *)args.rqtp; print($t->nsec); print(*$t); }",
  },
  {
    script: "#include <sys/uio.h>\nsyscall:writev:entry /args.vlen == 2/ { " +
      "$v = (struct iovec *)uptr(args.vec); for ($i : 0..2) { " +
      "print(str((uint8 *)$v[$i].iov_base, $v[$i].iov_len + 1)); } }",
  },
  {
    script: "struct in { uint16 family; uint16 port; uint8 address[4]; } " +
      "syscall:connect:entry { $a = (struct in *)args.uservaddr; " +
      'printf("%d %d %s\\n", $a->family, bswap($a->port), ntop($a->address)); }',
  },
  { script: 'syscall:write:entry { printf("%d %r\\n", args.count, buf(args.buf, args.count)); }' },
  {
    script: "syscall:lseek:entry { print((args.fd > 0, args.offset, args.whence)); print(args); }",
  },
  { script: "syscall:lseek:return { @ = stats(retval); @h = hist(retval); @m = min(retval); }" },
  {
    script: "syscall:close:entry { @[(int32)args.fd < 0] = count(); @arg[arg0 == -1] = count(); }",
  },
  { script: "syscall:openat:entry { @[args.dfd] = count(); @raw[arg0 < 0] = count(); }" },
  {
    script: "syscall:getpgid:entry { print(len(ustack(5))); @[ustack(1) == ustack(1)] = count(); }",
  },
  {
    script: "syscall:tgkill:entry { @[args.sig] = count(); } syscall:rt_sigreturn:entry { @s++; }",
  },
  { script: "syscall:exit_group:entry { @[comm, args.error_code] = count(); }" },
  { script: "syscall:getppid:* { @[probe] = count(); } END { @end = 1; exit(3); }" },
  { script: 'syscall:openat:entry { exit(4); printf("behind\\n"); } END { printf("end\\n"); }' },
  { script: "syscall:getppid:entry { @n++; if (@n > 2) { @[comm] = @n; exit(); } }" },
  { script: 'syscall:getpriority:return { print(strerror(-retval)); printf("%d\\n", -retval); }' },
  {
    script: 'syscall:openat:entry /strcontains(str(args.filename), "/no/")/ { @open[tid] = 1; } ' +
      "syscall:openat:return /@open[tid]/ { print(retval); delete(@open, tid); }",
  },
  { script: "syscall:read:entry { @size = lhist(args.count, 0, 1000, 100); }" },
  { script: "syscall:openat:entry { @[str(args.filename)] = count(); }", options: ["-f", "json"] },
  {
    script: 'syscall:read:entry { print(*(uint64 *)8); printf("%s|\\n", str(8)); }',
    options: ["-k"],
  },
  { script: "syscall:* { @[probe] = count(); } END { print(len(@) > 20); clear(@); }" },
  {
    script: "tracepoint:syscalls:sys_enter_openat { @[args.flags] = count(); } " +
      "tracepoint:raw_syscalls:sys_enter { @raw[args.id] = count(); @arg[args.args[0] == 0]++; } " +
      "tracepoint:raw_syscalls:sys_exit { @failed[args.id] = sum(args.ret < 0); } " +
      "syscall:openat:entry { @both = count(); } tracepoint:syscalls:sys_exit_* { @[0] = count(); }",
  },
  {
    command: "sh -c 'cat /etc/hostname; ls /no-such-folder; true'",
    script: "syscall:openat:entry { @[comm] = count(); } syscall:close:return { @c[comm]++; }",
  },
  {
    command: "sh -c 'for i in 1 2 3; do /bin/true; done'",
    script: "syscall:execve:return { @[comm] = count(); } syscall:exit_group:entry { @e[comm]++; }",
  },
  {
    command: "sh -c 'for j in 1 2 3 4; do (i=0; while [ $i -lt 60 ]; do /bin/true; i=$((i+1)); " +
      "done) & done; wait'",
    script:
      "syscall:*fork:return, syscall:clone*:return { @forks[probe, retval == 0] = count(); } " +
      "syscall:execve:return { @execs[comm, retval] = count(); }",
  },
  {
    command: "head -c 3000000 /dev/zero",
    script: "syscall:write:return { @ = sum(retval); } syscall:read:return { @r = sum(retval); }",
    options: ["-o", "/dev/stderr"],
  },
  { command: "true", script: "BEGIN { print(has_cpid); print(cpid > 1); } END { print(ncpus); }" },
];

kernelTest("scripts print the same on both planes", ["gcc"], () => {
  const calls = buildProgram("calls", "-pthread");
  const wrong: string[] = [];
  for (const { script, command = calls, options = [] } of ROWS) {
    const [kernel, user] = (["kernel", "user"] as const).map((plane) =>
      btrace(["--plane", plane, ...options, "-c", command, "-e", script])
    );
    const show = ({ code, stdout, stderr }: typeof kernel) => `${code}\n${stdout}${stderr}`;
    if (show(kernel) !== show(user) || kernel.stdout + kernel.stderr === "") {
      wrong.push(`${script}\n--- kernel\n${show(kernel)}\n--- user\n${show(user)}`);
    }
  }
  assert(ROWS.length > 25);
  assertEquals(wrong.join("\n\n"), "", `${wrong.length} of ${ROWS.length}`);
});

kernelTest("tests end with what they return on both planes, loops or not", [], () => {
  const script = "test:range { for ($i : 0..3) { if ($i == 1) { return 3; } } } " +
    "test:each { @m[1] = 1; for ($kv : @m) { return 1; } } test:passes { return 0; } " +
    "test:while { while (1) { $x = { return 2; 1 }; } }";
  for (const plane of ["kernel", "user"]) {
    const { code, stdout } = btrace(["--plane", plane, "--test", "-f", "json", "-e", script]);
    const passed = [...stdout.matchAll(/"(\w+)": \{"duration": \d+, "passed": (\w+)/g)];
    const expected = ["range false", "each false", "passes true", "while false"];
    assertEquals(passed.map(([, name, result]) => `${name} ${result}`), expected, plane);
    assertEquals(code, 1);
  }
});
