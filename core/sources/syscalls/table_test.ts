import { assert, assertEquals } from "@std/assert";
import { testWith } from "../../../tests/helpers.ts";
import { parseCType } from "../../c_type.ts";
import { syscalls } from "./table.ts";

const EVENTS = "/sys/kernel/tracing/events/syscalls";

Deno.test("both architectures have their own numbers", () => {
  assertEquals(syscalls("x86_64").get("openat")!.number, 257);
  assertEquals(syscalls("aarch64").get("openat")!.number, 56);
  assertEquals(syscalls("x86_64").get("mseal")!.number, syscalls("aarch64").get("mseal")!.number);
  for (const arch of ["x86_64", "aarch64"] as const) {
    const numbers = [...syscalls(arch).values()].map(({ number }) => number);
    assertEquals(new Set(numbers).size, numbers.length);
    assertEquals(numbers, numbers.toSorted((a, b) => a - b));
  }
});

testWith("the table has every system call of tracefs, with its arguments", ["tracefs"], () => {
  if (Deno.build.arch !== "x86_64") return;
  let count = 0;
  for (const { name: event } of Deno.readDirSync(EVENTS)) {
    if (!event.startsWith("sys_enter_")) continue;
    const call = syscalls().get(event.slice("sys_enter_".length));
    assert(call, event);
    const format = Deno.readTextFileSync(`${EVENTS}/${event}/format`);
    const fields = [...format.matchAll(/field:(.+?) ?(\w+);\toffset:(\d+);/g)]
      .filter(([, , , offset]) => Number(offset) >= 16);
    assertEquals(call.args.map(({ name }) => name), fields.map(([, , name]) => name), event);
    call.args.forEach(({ type }, i) =>
      assertEquals(type.replaceAll(" ", ""), fields[i][1].replaceAll(" ", ""), event)
    );
    count++;
  }
  assert(count > 300);
});

Deno.test("every argument type of the table is known or a structure's alias of a register", () => {
  for (const { args } of syscalls().values()) {
    for (const { type } of args) assert([1, 2, 4, 8].includes(parseCType(type).size));
  }
});
