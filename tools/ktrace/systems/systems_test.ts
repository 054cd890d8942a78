import { assertEquals } from "@std/assert";
import { ERRNO } from "../../../core/sys/generated/errno.ts";
import { bsdSystem } from "./bsd.ts";
import { freebsdErrno, freebsdSignal, linuxErrno, linuxSignal } from "./translate.ts";

Deno.test("bsdSystem() knows FreeBSD's numbers", () => {
  const system = bsdSystem("freebsd");
  assertEquals(system.name, "freebsd");
  assertEquals(
    [1, 3, 17, 202, 499, 551].map((number) => system.syscall(number)),
    ["exit", "read", "break", "__sysctl", "openat", "fstat"],
  );
  assertEquals(system.errno(2), { name: "ENOENT", message: "No such file or directory" });
  assertEquals(system.errno(35), { name: "EAGAIN", message: "Resource temporarily unavailable" });
  assertEquals(system.errno(45)?.name, "EOPNOTSUPP");
  assertEquals(system.errno(93)?.name, "ENOTCAPABLE");
  assertEquals(system.errno(94)?.name, "ECAPMODE");
  assertEquals(system.errno(96)?.name, "EOWNERDEAD");
  assertEquals([6, 30, 32].map((number) => system.signal(number)), [
    "SIGABRT",
    "SIGUSR1",
    "SIGTHR",
  ]);
});

Deno.test("bsdSystem() knows NetBSD's numbers, and versions in names of calls", () => {
  const system = bsdSystem("netbsd");
  assertEquals(
    [3, 20, 394, 431, 434, 440, 449, 468].map((number) => system.syscall(number)),
    [
      "read",
      "getpid",
      "__socket30",
      "____sigtimedwait50",
      "___lwp_park50",
      "__fstat50",
      "__wait450",
      "openat",
    ],
  );
  assertEquals(system.errno(35), { name: "EAGAIN", message: "Resource temporarily unavailable" });
  assertEquals(system.errno(86), { name: "ENOTSUP", message: "Not supported" });
  assertEquals(system.errno(96)?.name, "EPROTO");
  assertEquals([30, 32].map((number) => system.signal(number)), ["SIGUSR1", "SIGPWR"]);
});

Deno.test("bsdSystem() knows OpenBSD's numbers", () => {
  const system = bsdSystem("openbsd");
  assertEquals(
    [1, 3, 8, 17, 53, 202, 321].map((number) => system.syscall(number)),
    ["exit", "read", "__tfork", "break", "fstat", "__sysctl", "openat"],
  );
  assertEquals(system.errno(35), { name: "EAGAIN", message: "Resource temporarily unavailable" });
  assertEquals(system.errno(91), { name: "ENOTSUP", message: "Not supported" });
  assertEquals([30, 32].map((number) => system.signal(number)), ["SIGUSR1", "SIGTHR"]);
});

Deno.test("bsdSystem() knows nothing of other numbers", () => {
  for (const name of ["freebsd", "netbsd", "openbsd"] as const) {
    const system = bsdSystem(name);
    for (const number of [-1, 0, 9999]) {
      assertEquals(system.syscall(number), undefined);
      assertEquals(system.errno(number), undefined);
      assertEquals(system.signal(number), undefined);
    }
  }
});

Deno.test("every error of Linux comes back from FreeBSD's numbers", () => {
  const seen = new Set<number>();
  for (const errno of [0, ...Object.keys(ERRNO).map(Number)]) {
    assertEquals(linuxErrno(freebsdErrno(errno)), errno);
    seen.add(freebsdErrno(errno));
  }
  assertEquals(seen.size, Object.keys(ERRNO).length + 1);
});

Deno.test("a call that is made again is FreeBSD's ERESTART", () => {
  for (const errno of [512, 513, 514, 516]) assertEquals(freebsdErrno(errno), -1);
  assertEquals(linuxErrno(-1), -1);
});

Deno.test("every signal of Linux comes back from FreeBSD's numbers", () => {
  const seen = new Set<number>();
  for (let signal = 0; signal <= 64; signal++) {
    assertEquals(linuxSignal(freebsdSignal(signal)), signal);
    seen.add(freebsdSignal(signal));
  }
  assertEquals(seen.size, 65);
});

Deno.test("every error and signal of FreeBSD comes back from Linux's numbers", () => {
  for (let number = -2; number <= 126; number++) {
    assertEquals(freebsdErrno(linuxErrno(number)), number);
    assertEquals(freebsdSignal(linuxSignal(number)), number);
  }
});

Deno.test("freebsdErrno() goes by name", () => {
  assertEquals(freebsdErrno(11), 35); // EAGAIN
  assertEquals(freebsdErrno(35), 11); // EDEADLK
  assertEquals(freebsdErrno(38), 78); // ENOSYS
  assertEquals(freebsdErrno(95), 45); // EOPNOTSUPP
  assertEquals(freebsdErrno(61), 87); // ENODATA, ENOATTR
  assertEquals(linuxErrno(35), 11);
});

Deno.test("an error or signal that the other system has not is moved up by 1000", () => {
  assertEquals(freebsdErrno(117), 1117); // EUCLEAN
  assertEquals(freebsdErrno(524), 1524); // ENOTSUPP
  assertEquals(linuxErrno(93), 1093); // ENOTCAPABLE
  assertEquals(freebsdSignal(16), 1016); // SIGSTKFLT
  assertEquals(freebsdSignal(30), 1030); // SIGPWR
  assertEquals(linuxSignal(29), 1029); // SIGINFO
});

Deno.test("freebsdSignal() goes by name", () => {
  assertEquals(freebsdSignal(9), 9);
  assertEquals(freebsdSignal(10), 30); // SIGUSR1
  assertEquals(freebsdSignal(17), 20); // SIGCHLD
  assertEquals(freebsdSignal(32), 65); // SIGRTMIN
  assertEquals(freebsdSignal(64), 97); // SIGRTMAX
  assertEquals(linuxSignal(30), 10);
});
