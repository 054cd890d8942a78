// System calls that a function makes, by name.

import { AssertionError } from "node:assert";
import type { SyscallArguments } from "../core/device/generated/syscall_probes.ts";
import { syscalls } from "../core/sources/syscalls/mod.ts";
import { trace, type TraceOptions } from "./trace.ts";

/** Name of a system call as the kernel has it: "openat", "newfstat". */
export type SyscallName = keyof SyscallArguments;

/** How often a function made each system call; calls that were not made are absent. */
export type Counts = { readonly [name in SyscallName]?: number };

/**
 * Counts the system calls that this process, and what it starts, makes while a function runs.
 *
 * @example A test that fails when a function opens more than ten files
 * ```ts ignore
 * import { counts } from "./mod.ts";
 *
 * Deno.test("the configuration is read once", async () => {
 *   const { openat = 0 } = await counts(() => loadConfiguration());
 *   if (openat > 10) throw new Error(`it opened ${openat} files`);
 * });
 * ```
 *
 * @throws Whatever the function throws.
 */
export async function counts(
  fn: () => unknown,
  options: Pick<TraceOptions, "plane"> = {},
): Promise<Counts> {
  const { maps } = await trace(
    async () => void await fn(),
    "tracepoint:raw_syscalls:sys_enter { @calls[args.id] = count(); }",
    options,
  );
  const names = new Map([...syscalls().values()].map(({ number, name }) => [number, name]));
  const found: Record<string, number> = {};
  for (const [[id], count] of maps.get<[number], number>("calls")) {
    found[names.get(id) ?? `${id}`] = count;
  }
  return found;
}

/**
 * Fails if this process, or what it starts, makes one of some system calls while a function runs.
 *
 * @param fn Function to run; its promise is awaited.
 * @param names Calls that the function must not make.
 * @returns What the function returned.
 * @throws {AssertionError} A call was made; the message says how often.
 * @throws {RangeError} There is no system call of such a name.
 */
export async function assertNoCalls<T>(
  fn: () => T | PromiseLike<T>,
  ...names: SyscallName[]
): Promise<T> {
  if (names.length === 0) throw new RangeError("Cannot look for no calls: name one at least");
  for (const name of names) {
    if (!syscalls().has(name)) throw new RangeError(`There is no system call ${name}`);
  }
  const probes = names.map((name) => `syscall:${name}:entry`).join(", ");
  const { result, maps } = await trace(fn, `${probes} { @calls[probe] = count(); }`);
  const made = [...maps.get<[string], number>("calls")].map(([[probe], count]) =>
    `${probe.split(":")[1]} ${count === 1 ? "once" : `${count} times`}`
  );
  if (made.length > 0) {
    throw new AssertionError({ message: `The function called ${made.join(", ")}` });
  }
  return result;
}
