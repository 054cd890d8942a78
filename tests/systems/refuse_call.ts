// Runs a command under a seccomp filter that refuses one system call with EPERM:
//
//   deno run -A refuse_call.ts NUMBER COMMAND [ARGUMENT …]

import { arch } from "../../core/sys/arch/mod.ts";
import { check } from "../../core/sys/errno.ts";
import { libc } from "../../core/sys/libc.ts";
import { addressOf, Struct } from "../../core/sys/memory.ts";

const PR_SET_NO_NEW_PRIVS = 38n;
const SECCOMP_SET_MODE_FILTER = 1n;
/** All threads of this process get the filter, as any of them may start the command. */
const SECCOMP_FILTER_FLAG_TSYNC = 1n;

const [number, command, ...args] = Deno.args;
// struct sock_filter {u16 code; u8 jt, jf; u32 k}: the number is loaded and compared.
const filter = new Uint32Array([
  ...[0x20, 0],
  ...[0x15 | 1 << 24, Number(number)],
  ...[0x06, 0x00050001], // SECCOMP_RET_ERRNO with EPERM
  ...[0x06, 0x7fff0000], // SECCOMP_RET_ALLOW
]);
const program = new Struct(16).u32(0, filter.length / 2).pointer(8, new Uint8Array(filter.buffer));
const call = (number: bigint, ...args: bigint[]) => {
  const [a = 0n, b = 0n, c = 0n, d = 0n] = args;
  return Number(libc().syscall(number, a, b, c, d, 0n, 0n));
};
check(call(arch.syscalls.prctl, PR_SET_NO_NEW_PRIVS, 1n), "prctl");
const address = addressOf(program.bytes);
check(
  call(arch.syscalls.seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, address),
  "seccomp",
);
const child = new Deno.Command(command, { args, stdin: "null" }).spawn();
Deno.exit((await child.status).code);
