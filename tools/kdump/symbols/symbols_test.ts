// All constants are compared with the system's headers.

import { assert, assertEquals } from "@std/assert";
import { syscalls } from "../../../core/sources/syscalls/mod.ts";
import { output, testWith } from "../../../tests/helpers.ts";
import { isFd, isMode, isUnused, symbolOf } from "./arguments.ts";
import { CALLS } from "./calls.ts";
import * as control from "./control.ts";
import * as events from "./events.ts";
import * as files from "./files.ts";
import { constantsOf, enumeration, flags, nameOf, type SymbolSet } from "./flags.ts";
import * as memory from "./memory.ts";
import * as network from "./network.ts";
import * as processes from "./processes.ts";

/** The C library's, and the kernel's: some of them cannot be included together. */
const HEADERS: readonly (readonly string[])[] = [
  [
    ...["fcntl.h", "poll.h", "sched.h", "signal.h", "time.h", "unistd.h"],
    ...["epoll", "eventfd", "fanotify", "file", "inotify", "ioctl", "ipc", "mman", "mount", "msg"]
      .map((name) => `sys/${name}.h`),
    ...["prctl", "ptrace", "random", "resource", "sem", "shm", "signalfd", "socket", "stat", "time"]
      .map((name) => `sys/${name}.h`),
    ...["timerfd", "uio", "wait", "xattr"].map((name) => `sys/${name}.h`),
    ...["netinet/in.h", "netinet/tcp.h", "netinet/udp.h", "asm/prctl.h", "linux/falloc.h"],
  ],
  [
    ...["asm/fcntl.h", "asm/ioctls.h", "asm/mman.h", "asm/poll.h", "asm/prctl.h", "linux/signal.h"],
    ...["asm/socket.h", "asm/termbits.h"],
    ...["bpf", "close_range", "eventpoll", "fanotify", "fcntl", "fiemap", "fs", "futex", "in"]
      .map((name) => `linux/${name}.h`),
    ...["inotify", "io_uring", "ioprio", "ipc", "kcmp", "landlock", "membarrier", "memfd"]
      .map((name) => `linux/${name}.h`),
    ...["mempolicy", "mman", "mount", "msg", "netlink", "perf_event", "pidfd", "prctl", "ptrace"]
      .map((name) => `linux/${name}.h`),
    ...["random", "reboot", "resource", "rseq", "sched", "seccomp", "sem", "shm", "sockios"]
      .map((name) => `linux/${name}.h`),
    ...["stat", "tcp", "time", "timerfd", "udp", "wait", "xattr"].map((name) => `linux/${name}.h`),
  ],
];
/** Zero in the C library, which always sets it. */
const NOT_OF_LIBC: ReadonlySet<string> = new Set(["O_LARGEFILE"]);
/** Of the names, these many percent must be in the headers: new ones are not in old headers. */
const KNOWN_PERCENT = 90;

const arch = Deno.build.arch === "aarch64" ? "aarch64" : "x86_64";

/** Every constant of the running architecture's tables. */
function tables(): Map<string, number> {
  const all = new Map<string, number>();
  for (const module of [control, events, files, memory, network, processes]) {
    for (const [key, table] of Object.entries(module)) {
      // x86-64's alone.
      if (key === "ARCH_PRCTL" && arch !== "x86_64") continue;
      const set = "kind" in table ? table : table[arch];
      for (const [name, value] of constantsOf(set as SymbolSet)) {
        assertEquals(all.get(name) ?? value, value, `${name} has two values`);
        all.set(name, value);
      }
    }
  }
  return all;
}

/** Values of the names that these headers know. */
function headerValues(folder: string, headers: readonly string[], names: readonly string[]) {
  const source = `${folder}/constants.c`;
  const includes = headers.map((one) => `#if __has_include(<${one}>)\n#include <${one}>\n#endif\n`)
    .join("");
  const gcc = (...args: string[]) =>
    output("gcc", ["-w", "-fmax-errors=0", ...args, source], { env: { LC_ALL: "C" } });
  const write = (known: readonly string[]) =>
    Deno.writeTextFileSync(
      source,
      `#define _GNU_SOURCE\n#include <stdio.h>\n${includes}` +
        `static const struct { const char *name; long long value; } all[] = {\n${
          known.map((name) => `{"${name}", (long long)(${name})},\n`).join("")
        }};\nint main(void) {\n` +
        `for (unsigned i = 0; i < sizeof all / sizeof *all; i++)\n` +
        `printf("%s %lld\\n", all[i].name, all[i].value);\nreturn 0;\n}\n`,
    );
  // Some are of an enum, where #ifdef does not know them: the compiler says which there are.
  write(names);
  const { stderr } = gcc("-fsyntax-only");
  const lines = Deno.readTextFileSync(source).split("\n");
  const unknown = new Set(
    [...stderr.matchAll(/constants\.c:(\d+):\d+: error:/g)]
      .map(([, line]) => lines[Number(line) - 1].match(/^\{"(\w+)"/)?.[1]),
  );
  write(names.filter((name) => !unknown.has(name)));
  const program = `${folder}/constants`;
  const compiled = gcc("-o", program);
  assertEquals(compiled.code, 0, compiled.stderr);
  const pairs = output(program, []).stdout.trimEnd().split("\n").map((line) => line.split(" "));
  return new Map(pairs.map(([name, value]) => [name, BigInt(value)]));
}

testWith("all constants are the headers'", ["gcc"], () => {
  const constants = tables();
  const names = [...constants.keys()];
  const folder = Deno.makeTempDirSync();
  try {
    const [libc, kernel] = HEADERS.map((headers) => headerValues(folder, headers, names));
    const wrong: string[] = [];
    const unknown: string[] = [];
    for (const [name, value] of constants) {
      const found = [NOT_OF_LIBC.has(name) ? undefined : libc.get(name), kernel.get(name)]
        .filter((one) => one !== undefined);
      if (found.length === 0) unknown.push(name);
      // A constant with the sign bit is an int in some headers and unsigned in others.
      const same = (one: bigint) => BigInt.asIntN(32, one) === BigInt.asIntN(32, BigInt(value));
      if (!found.every(same)) wrong.push(`${name}: ${value}, in the headers ${found}`);
    }
    assertEquals(wrong, []);
    const percent = 100 * (1 - unknown.length / constants.size);
    assert(percent >= KNOWN_PERCENT, `${percent}% known; not these: ${unknown.join(" ")}`);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("bits are named, fields first, then the rest as a number", () => {
  const { x86_64: open, aarch64: armOpen } = files.OPEN_FLAGS;
  assertEquals(nameOf(open, 0n, 32), "O_RDONLY");
  assertEquals(nameOf(open, 0x80000n, 32), "O_RDONLY|O_CLOEXEC");
  assertEquals(nameOf(open, 0x40000000n, 32), "O_RDONLY|0x40000000");
  assertEquals(nameOf(open, 0x40000003n, 32), undefined);
  assertEquals(nameOf(open, 0x101041n, 32), "O_WRONLY|O_CREAT|O_SYNC");
  assertEquals(nameOf(open, 0x1000n, 32), "O_RDONLY|O_DSYNC");
  assertEquals(nameOf(open, 0x410002n, 32), "O_RDWR|O_TMPFILE");
  assertEquals(nameOf(open, 0x10000n, 32), "O_RDONLY|O_DIRECTORY");
  assertEquals(nameOf(armOpen, 0x10000n, 32), "O_RDONLY|O_DIRECT");
  assertEquals(nameOf(armOpen, 0x404000n, 32), "O_RDONLY|O_TMPFILE");
  const { x86_64: map } = memory.MAP_FLAGS;
  assertEquals(nameOf(map, 0x54040022n, 64), "MAP_PRIVATE|MAP_HUGE_2MB|MAP_ANONYMOUS|MAP_HUGETLB");
  assertEquals(nameOf(memory.PROTECTION.x86_64, 0n, 64), "PROT_NONE");
  assertEquals(nameOf(memory.SHMGET_FLAGS, 0o1600n, 32), "IPC_CREAT|0600");
  assertEquals(nameOf(files.MOUNT_FLAGS, 0xc0ed0001n, 64), "MS_MGC_VAL|MS_RDONLY");
  assertEquals(nameOf(files.MOUNT_FLAGS, 0x200001n, 64), "MS_RDONLY|MS_RELATIME");
  assertEquals(nameOf(processes.CLONE_FLAGS, 0x111n, 32), "SIGCHLD|CLONE_VM");
  assertEquals(nameOf(events.FUTEX, 128n, 32), "FUTEX_WAIT|FUTEX_PRIVATE_FLAG");
  assertEquals(nameOf(flags({ A: 1 }), 0n, 32), undefined);
  assertEquals(nameOf(flags({ A: 1 }), 2n, 32), undefined);
});

Deno.test("what is above a value's width is not looked at", () => {
  const set = enumeration({ MINUS: -1, ONE: 1, HIGH: 0x80045430 });
  assertEquals(nameOf(set, 0xffffffffn, 32), "MINUS");
  assertEquals(nameOf(set, -1n, 32), "MINUS");
  assertEquals(nameOf(set, 0x7fff00000001n, 32), "ONE");
  assertEquals(nameOf(set, 0x7fff00000001n, 64), undefined);
  assertEquals(nameOf(set, 0x80045430n, 32), "HIGH");
  assertEquals(nameOf(flags({ A: 1 }), 0x100000001n, 32), "A");
  assertEquals(nameOf(flags({ A: 1 }), 0x100000001n, 64), "A|0x100000000");
});

/** Text of an argument; those that are not given are 0. */
function said(call: string, index: number, ...args: number[]): string | undefined {
  return symbolOf(call, index, Array.from({ length: 6 }, (_, i) => BigInt(args[i] ?? 0)));
}

function unused(call: string, index: number, ...args: number[]): boolean {
  return isUnused(call, index, Array.from({ length: 6 }, (_, i) => BigInt(args[i] ?? 0)));
}

Deno.test("every rule is of an argument that there is", () => {
  const tables = [syscalls("x86_64"), syscalls("aarch64")];
  for (const [call, rules] of Object.entries(CALLS)) {
    const found = tables.map((table) => table.get(call)).filter((one) => one !== undefined);
    assert(found.length > 0, call);
    for (const { args } of found) {
      for (const index of Object.keys(rules).map(Number)) {
        assert(index < args.length, `${call}.${index}`);
        assertEquals(args[index].type.includes("*"), false, `${call}.${index}`);
      }
    }
  }
});

Deno.test("arguments have their names", () => {
  assertEquals(said("openat", 0, -100), "AT_FDCWD");
  assertEquals(said("openat", 0, 0xffffff9c), "AT_FDCWD");
  assertEquals(said("openat", 0, 3), undefined);
  assertEquals(said("openat", 2, -100, 0, 0x80000), "O_RDONLY|O_CLOEXEC");
  assertEquals(said("renameat2", 2, 0, 0, -100), "AT_FDCWD");
  assertEquals(said("execveat", 0, -100), "AT_FDCWD");
  assertEquals(said("dup3", 0, -100), undefined);
  assertEquals(said("lseek", 2, 3, 0, 0), "SEEK_SET");
  assertEquals(said("access", 1, 0, 0), "F_OK");
  assertEquals(said("access", 1, 0, 6), "R_OK|W_OK");
  assertEquals(said("mmap", 2, 0, 0, 3), "PROT_READ|PROT_WRITE");
  assertEquals(said("mmap", 3, 0, 0, 3, 0x22), "MAP_PRIVATE|MAP_ANONYMOUS");
  assertEquals(said("newfstatat", 3, 3, 0, 0, 0x1000), "AT_EMPTY_PATH");
  assertEquals(said("newfstatat", 3), undefined);
  assertEquals(said("clone", 0, 0x1200011), "SIGCHLD|CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID");
  assertEquals(said("rt_sigaction", 0, 2), "SIGINT");
  assertEquals(said("rt_sigprocmask", 0, 2), "SIG_SETMASK");
  assertEquals(said("futex", 1, 0, 129), "FUTEX_WAKE|FUTEX_PRIVATE_FLAG");
  assertEquals(said("epoll_ctl", 1, 3, 1), "EPOLL_CTL_ADD");
  assertEquals(said("ioctl", 1, 0, 0x5413), "TIOCGWINSZ");
  assertEquals(said("ioctl", 1, 0, 0x80045430), "TIOCGPTN");
  assertEquals(said("fcntl", 1, 0, 2), "F_SETFD");
  assertEquals(said("fcntl", 2, 0, 2, 1), "FD_CLOEXEC");
  assertEquals(said("fcntl", 2, 0, 4, 0x802), "O_RDWR|O_NONBLOCK");
  assertEquals(said("fcntl", 2, 0, 0, 3), undefined);
  assertEquals(said("socket", 0, 10), "AF_INET6");
  assertEquals(said("socket", 1, 1, 0x80001), "SOCK_STREAM|SOCK_CLOEXEC");
  assertEquals(said("socket", 2, 2, 1, 6), "IPPROTO_TCP");
  assertEquals(said("socket", 2, 16, 3, 0), "NETLINK_ROUTE");
  assertEquals(said("socket", 2, 1, 1, 0), undefined);
  assertEquals(said("setsockopt", 1, 3, 1, 2), "SOL_SOCKET");
  assertEquals(said("setsockopt", 2, 3, 1, 2), "SO_REUSEADDR");
  assertEquals(said("setsockopt", 2, 3, 6, 1), "TCP_NODELAY");
  assertEquals(said("getsockopt", 2, 3, 99, 1), undefined);
  assertEquals(said("prctl", 1, 1, 9), "SIGKILL");
  assertEquals(said("prctl", 1, 15, 9), undefined);
  assertEquals(said("getrusage", 0, -1), "RUSAGE_CHILDREN");
  assertEquals(
    said("seccomp", 1, 1, 9),
    "SECCOMP_FILTER_FLAG_TSYNC|SECCOMP_FILTER_FLAG_NEW_LISTENER",
  );
  assertEquals(said("unshare", 0, 0x20000), "CLONE_NEWNS");
  assertEquals(said("read", 0, 3), undefined);
  assertEquals(said("nosuchcall", 0, 3), undefined);
  assertEquals(symbolOf("lseek", 2, [3n, 0n]), undefined);
});

Deno.test("modes", () => {
  for (const one of ["openat.3", "mkdir.1", "creat.1", "umask.0", "mknodat.2", "mq_open.2"]) {
    const [call, index] = one.split(".");
    if (syscalls().has(call)) assert(isMode(call, Number(index)), one);
  }
  assertEquals(isMode("openat", 2), false);
  assertEquals(isMode("access", 1), false);
  assertEquals(isMode("nosuchcall", 0), false);
});

Deno.test("arguments that the kernel does not look at", () => {
  assertEquals(unused("openat", 3, -100, 0, 0x80000), true);
  assertEquals(unused("openat", 3, -100, 0, 0x40), false);
  assertEquals(unused("openat", 3, -100, 0, 0x400000), false);
  // O_DIRECTORY alone does not create, although O_TMPFILE has it.
  assertEquals(unused("openat", 3, -100, 0, arch === "x86_64" ? 0x10000 : 0x4000), true);
  assertEquals(unused("openat", 2, -100, 0, 0), false);
  assertEquals(unused("fcntl", 2, 3, 1), true);
  assertEquals(unused("fcntl", 2, 3, 2), false);
  assertEquals(unused("ioctl", 2, 3, 0x5451), true);
  assertEquals(unused("ioctl", 2, 3, 0x5413), false);
  assertEquals(unused("mmap", 4, 0, 0, 0, 0x22, -1), true);
  assertEquals(unused("mmap", 4, 0, 0, 0, 0x02, 3), false);
  assertEquals(unused("mremap", 4, 0, 0, 0, 1), true);
  assertEquals(unused("mremap", 4, 0, 0, 0, 3), false);
  assertEquals([2, 3, 4, 5].map((i) => unused("futex", i, 0, 129)), [false, true, true, true]);
  assertEquals([2, 3, 4, 5].map((i) => unused("futex", i, 0, 0x189)), [false, false, true, false]);
  assertEquals(unused("futex", 3, 0, 99), false);
  const names = syscalls().get("clone")!.args.map(({ name }) => name);
  const shown = names.filter((_, i) => !unused("clone", i, 0x1200011));
  assertEquals(shown, ["clone_flags", "newsp", "child_tidptr"]);
  assertEquals(unused("epoll_ctl", 3, 3, 2), true);
  assertEquals(unused("waitid", 1, 0), true);
  assertEquals(unused("read", 1), false);
});

Deno.test("descriptors", () => {
  for (
    const one of [
      ...["read.0", "openat.0", "renameat2.2", "dup.0", "dup3.1", "epoll_ctl.0", "epoll_ctl.2"],
      ...["mmap.4", "sendfile64.1", "splice.2", "tee.1", "signalfd4.0", "mq_notify.0"],
      ...["perf_event_open.3", "pidfd_getfd.0", "move_mount.2", "open_by_handle_at.0"],
    ]
  ) {
    const [call, index] = one.split(".");
    assert(isFd(call, Number(index)), one);
  }
  for (const one of ["pipe2.0", "read.1", "select.0", "pidfd_getfd.1", "close_range.1", "no.0"]) {
    const [call, index] = one.split(".");
    assertEquals(isFd(call, Number(index)), false, one);
  }
  const names = new Set<string>();
  for (const { name, args } of syscalls().values()) {
    args.forEach((arg, i) => isFd(name, i) && names.add(arg.name));
  }
  assertEquals(
    [...names].sort().join(" "),
    "dfd epfd fanotify_fd fd fd_in fd_out fdin fdout fildes from_dfd fs_fd group_fd in_fd " +
      "initrd_fd kernel_fd mountdirfd mqdes newdfd newfd olddfd oldfd out_fd pidfd ruleset_fd " +
      "to_dfd ufd",
  );
});
