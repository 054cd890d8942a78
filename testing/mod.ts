/**
 * Tests of what a program makes the system do: count or forbid system calls, run a script beside a function.
 * On the kernel plane where bpf(2) is permitted, else by another process and ptrace(2), without privilege.
 *
 * @example
 * ```ts ignore
 * import { assertNoCalls, counts, trace } from "./mod.ts";
 *
 * Deno.test("parsing opens no file and connects to nobody", async () => {
 *   await assertNoCalls(() => JSON.parse("[1]"), "openat", "connect");
 *   const { unlink = 0 } = await counts(() => Deno.makeTempDir());
 *   const { maps } = await trace(
 *     () => Deno.readTextFile("/etc/hostname"),
 *     "syscall:read:return /retval > 0/ { @bytes = sum(retval); }",
 *   );
 *   console.log(unlink, maps.get("bytes").value);
 * });
 * ```
 *
 * @module
 */

export { assertNoCalls, type Counts, counts, type SyscallName } from "./calls.ts";
export { type ProviderCase, providerSuite, type RegisterTest } from "./provider_suite.ts";
export { trace, type Traced, type TraceOptions } from "./trace.ts";
