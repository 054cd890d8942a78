// This thread's user and groups for access to files: setfsuid(2), setfsgid(2), setgroups(2). Linux 2.0.

import { arch } from "../../../core/sys/arch/mod.ts";
import { libc } from "../../../core/sys/libc.ts";
import { addressOf } from "../../../core/sys/memory.ts";

/** User and group that open and write a file. */
export interface Credentials {
  /** Id of the file's user. */
  readonly uid: number;
  /** Id of the file's group. */
  readonly gid: number;
}

/** User and group of this process. */
export function ownCredentials(): Credentials {
  return { uid: Deno.uid() ?? 0, gid: Deno.gid() ?? 0 };
}

/** Calls a function with another user's access to files. Only root can take another user's. */
export function asRequester<T>(who: Credentials, own: Credentials, action: () => T): T {
  if (who.uid === own.uid && who.gid === own.gid) return action();
  const { setfsuid, setfsgid, setgroups, getgroups } = arch.syscalls;
  const set = (call: bigint, id: number) => libc().syscall(call, BigInt(id), 0n, 0n, 0n, 0n, 0n);
  const groups = new Uint32Array(65536);
  const count = libc().syscall(getgroups, 65536n, addressOf(groups), 0n, 0n, 0n, 0n);
  libc().syscall(setgroups, 0n, 0n, 0n, 0n, 0n, 0n);
  set(setfsgid, who.gid);
  set(setfsuid, who.uid);
  try {
    return action();
  } finally {
    set(setfsuid, own.uid);
    set(setfsgid, own.gid);
    libc().syscall(setgroups, count, addressOf(groups), 0n, 0n, 0n, 0n);
  }
}
