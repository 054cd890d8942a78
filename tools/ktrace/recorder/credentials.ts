// The file system's idea of who asks: setfsuid(2), setfsgid(2), setgroups(2), of this thread alone. Linux 2.0.

import { arch } from "../../../core/sys/arch/mod.ts";
import { libc } from "../../../core/sys/libc.ts";
import { addressOf } from "../../../core/sys/memory.ts";

/** Who opens and writes a file. */
export interface Credentials {
  /** User. */
  readonly uid: number;
  /** Group. */
  readonly gid: number;
}

/** This process's own. */
export function ownCredentials(): Credentials {
  return { uid: Deno.uid() ?? 0, gid: Deno.gid() ?? 0 };
}

/** Calls a function as somebody else, as far as files are concerned. Only root can be anybody else. */
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
