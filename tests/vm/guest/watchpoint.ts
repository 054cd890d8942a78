// Tests of the provider watchpoint, on memory of this process and of the kernel. Emulated CPUs have
// debug registers that work.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { kernelSymbols, Symbolizer } from "../../../core/symbols/mod.ts";
import { arch } from "../../../core/sys/arch/mod.ts";
import { lasting } from "../../../core/sys/memory.ts";
import { kernelTest } from "../../helpers.ts";
import { openLibc, script } from "./script.ts";

/** Predicate for this process, as other processes may have memory at the same address. */
const OWN = `/pid == ${Deno.pid}/`;
const hex = (address: bigint) => `0x${address.toString(16)}`;

kernelTest("watchpoint counts writes and accesses of a process", [], async () => {
  using memory = lasting(4096);
  const words = new Int32Array(memory.buffer);
  // The test uses two places, since an emulated CPU reports only one watchpoint of a place.
  const [written, used] = [64n, 128n].map((at) => hex(memory.address + at));
  let sum = 0;
  const { stdout } = await script(
    `watchpoint:${written}:4:w ${OWN} { @writes = count(); @last = *(int32*)uptr(${written}); }
     w:${used}:4:rw ${OWN} { @accesses = count(); }`,
    () => {
      for (let i = 1; i <= 7; i++) Atomics.store(words, 16, i);
      sum += Atomics.load(words, 16);
      for (let i = 1; i <= 4; i++) Atomics.store(words, 32, i);
      for (let i = 0; i < 3; i++) sum += Atomics.load(words, 32);
      // A store beside the watched words must not fire.
      Atomics.store(words, 17, 1);
    },
  );
  assertEquals(sum, 19);
  // arm64 stops before the store.
  const last = arch.name === "x86_64" ? 7 : 6;
  assertEquals(stdout.trim().split(/\n+/), ["@accesses: 7", `@last: ${last}`, "@writes: 7"]);
});

kernelTest("watchpoint fires where code is executed", [], async () => {
  using symbolizer = new Symbolizer();
  const { address } = symbolizer.address(Deno.pid, "getppid")!;
  using libc = openLibc();
  const { stdout } = await script(
    `watchpoint:${hex(address)}:8:x /pid == ${Deno.pid}/ { @[reg("ip") == ${
      hex(address)
    }] = count(); }`,
    () => {
      for (let i = 0; i < 5; i++) assert(libc.getppid() > 0);
    },
  );
  assertEquals(stdout.trim(), "@[true]: 5");
});

kernelTest("watchpoint watches the kernel's memory", [], async () => {
  const address = kernelSymbols().address("jiffies") ?? dataAddress("jiffies");
  const { stdout } = await script(
    `watchpoint:${hex(address)}:8:w { @ = count(); @stack[kstack(1)] = count(); }`,
    () => new Promise((resolve) => setTimeout(resolve, 200)),
  );
  assertMatch(stdout, /@: \d+\n/);
  assertMatch(stdout, /@stack\[\n +\w+\+\d+\n\]: \d+/);
});

/** Finds the address of a kernel variable in /proc/kallsyms. */
function dataAddress(name: string): bigint {
  const line = new RegExp(`^([0-9a-f]+) [DdBbAa] ${name}$`, "m")
    .exec(Deno.readTextFileSync("/proc/kallsyms"))!;
  return BigInt(`0x${line[1]}`);
}
