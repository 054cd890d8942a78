// Tests of the small files of core/sys: errno, descriptors, memory, the poller, clocks, CPUs, auxv,
// pidfd.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { codeOf } from "../../tests/helpers.ts";
import { auxBase } from "./auxv.ts";
import { bootTimeNs, monotonicTimeNs, wallTimeNs } from "./clock.ts";
import { onlineCpus, parseCpuList, possibleCpuCount } from "./cpu.ts";
import { check, errnoMessage, errnoName, syscallError } from "./errno.ts";
import { Fd, openDescriptors } from "./fd.ts";
import { libc, replaceLibc } from "./libc.ts";
import {
  cString,
  MAP_ANONYMOUS,
  MAP_PRIVATE,
  Mapping,
  PROT_READ,
  PROT_WRITE,
  Struct,
} from "./memory.ts";
import { readIfThere } from "./input_file.ts";
import { pidfdOpen } from "./pidfd.ts";
import { Poller } from "./poller.ts";

Deno.test("errno becomes an error with the call's name", () => {
  assertEquals(libc().close(-1), -1);
  const error = syscallError("close");
  assertEquals([error.code, error.operation], ["EBADF", "close"]);
  assertEquals(error.message, "close: Bad file descriptor");
  assertEquals([errnoName(2), errnoMessage(2)], ["ENOENT", "No such file or directory"]);
  assertEquals(errnoName(4000), "E4000");
  assertEquals(check(3n, "x"), 3);
});

Deno.test("replaceLibc() puts a fake in the seam and takes it out again", () => {
  {
    using _fake = replaceLibc({ epoll_create1: () => -1, errno: () => 24 });
    assertEquals(codeOf(() => new Poller()), "EMFILE");
    assertEquals(openDescriptors(), []);
  }
  using poller = new Poller();
  assert(poller);
});

Deno.test("Fd closes once and is on the leak list until then", () => {
  const fd = new Fd(check(libc().eventfd(0, 0), "eventfd"), "eventfd:test");
  assertEquals(openDescriptors(), [`${fd.value} eventfd:test`]);
  fd[Symbol.dispose]();
  fd[Symbol.dispose]();
  assertEquals(openDescriptors(), []);
  assertThrows(() => fd.value);
});

Deno.test("Mapping is memory", () => {
  using mapping = new Mapping(4096, {
    prot: PROT_READ | PROT_WRITE,
    flags: MAP_PRIVATE | MAP_ANONYMOUS,
    fd: -1,
    offset: 0,
  });
  const bytes = new Uint8Array(mapping.buffer);
  assertEquals(bytes.length, 4096);
  bytes[4095] = 7;
  assertEquals(bytes[4095], 7);
  assertEquals(
    codeOf(() => new Mapping(4096, { prot: PROT_READ, flags: MAP_PRIVATE, fd: -1, offset: 0 })),
    "EBADF",
  );
});

Deno.test("Struct writes little endian and keeps what it points to", () => {
  const struct = new Struct(24).u32(0, 0xffffffff).u64(8, -1n).pointer(16, cString("x"));
  assertEquals(struct.getU32(0), 0xffffffff);
  assertEquals(struct.getU64(8), 0xffff_ffff_ffff_ffffn);
  assert(struct.getU64(16) !== 0n);
});

Deno.test("Poller waits for a descriptor, times out, and is cancelled", async () => {
  using poller = new Poller();
  using event = new Fd(check(libc().eventfd(0, 0x800), "eventfd"), "eventfd");
  poller.add(event.value);
  assertEquals(await poller.wait(1), []);
  const waiting = poller.wait(-1);
  libc().write(event.value, new Uint8Array(new BigUint64Array([1n]).buffer), 8n);
  assertEquals(await waiting, [event.value]);
  // Edge-triggered: what was reported is not reported again.
  assertEquals(await poller.wait(1), []);
  const start = performance.now();
  const cancelled = poller.wait(10_000);
  poller.cancel();
  assertEquals(await cancelled, []);
  assert(performance.now() - start < 5_000);
  // A cancel with nobody waiting ends the next wait.
  poller.cancel();
  assertEquals(await poller.wait(10_000), []);
  assertEquals(await poller.wait(1), []);
});

Deno.test("Poller leaves the event loop free and refuses a second wait", async () => {
  using poller = new Poller();
  const waiting = poller.wait(10_000);
  let ticks = 0;
  // Timers run meanwhile, however slowly: the third one ends the wait.
  const timer = setInterval(() => {
    if (++ticks === 3) poller.cancel();
  }, 5);
  const second = await poller.wait(1).then(() => "settled", () => "refused");
  const started = performance.now();
  await waiting;
  clearInterval(timer);
  assertEquals(second, "refused");
  assert(ticks >= 3);
  assert(performance.now() - started < 9_000);
});

Deno.test("a Poller that is disposed while it waits closes when the wait has ended", async () => {
  const poller = new Poller();
  const waiting = poller.wait(-1);
  poller[Symbol.dispose]();
  assertEquals(await waiting, []);
  assertEquals(openDescriptors(), []);
});

Deno.test("clocks run", () => {
  for (const clock of [bootTimeNs, monotonicTimeNs, wallTimeNs]) {
    const first = clock();
    assert(first > 0n && clock() >= first);
  }
  assert(wallTimeNs() / 1_000_000_000n > 1_700_000_000n);
});

Deno.test("parseCpuList() expands ranges", () => {
  assertEquals(parseCpuList("0-2,5,7-8\n"), [0, 1, 2, 5, 7, 8]);
  assertEquals(parseCpuList("\n"), []);
  assert(onlineCpus().length > 0 && possibleCpuCount() >= onlineCpus().length);
});

Deno.test("auxBase() is where the dynamic linker is mapped", () => {
  const base = auxBase(Deno.pid);
  const map = Deno.readTextFileSync("/proc/self/maps").split("\n")
    .find((line) => /ld-(linux|musl)/.test(line))!;
  assertEquals(base.toString(16), map.split("-")[0].replace(/^0+/, ""));
  assertEquals(codeOf(() => auxBase(4194304)), "ESRCH");
});

Deno.test("pidfdOpen() refuses a process that is not there", () => {
  assertEquals(codeOf(() => pidfdOpen(4194303)), "ESRCH");
});

Deno.test("readIfThere() waits for nobody and reads no more than it may", () => {
  const folder = Deno.makeTempDirSync();
  try {
    Deno.writeTextFileSync(`${folder}/file`, "text");
    assertEquals(readIfThere(`${folder}/file`, 4), "text");
    assertEquals(codeOf(() => readIfThere(`${folder}/file`, 3)), "EFBIG");
    assertEquals(readIfThere(`${folder}/none`, 4), undefined);
    assertEquals(readIfThere(`${folder}/file/none`, 4), undefined);
    assertEquals(readIfThere(folder, 4), undefined);
    new Deno.Command("mkfifo", { args: [`${folder}/pipe`] }).outputSync();
    assertEquals(codeOf(() => readIfThere(`${folder}/pipe`, 4)), "EINVAL");
    assertEquals(codeOf(() => readIfThere("/dev/zero", 4)), "EINVAL");
    // Its size is 0, as stat(2) says.
    assertEquals(readIfThere("/proc/self/comm", 100)?.endsWith("\n"), true);
    assertEquals(codeOf(() => readIfThere("/proc/self/status", 100)), "EFBIG");
    assertEquals(openDescriptors(), []);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
