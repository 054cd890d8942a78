// Tells whether a program gains rights when it is executed. A tracer without privilege must release the
// process before, or the kernel withholds the rights. execve(2), ptrace(2)

import { readString } from "./capture.ts";

const S_ISUID = 0o4000;
const S_ISGID = 0o2000;
const S_IXGRP = 0o010;
const AT_FDCWD = -100;

/**
 * True if an exec call would start a program with set-user-ID or set-group-ID rights.
 *
 * @param name "execve" or "execveat".
 * @param args Arguments of the call, whose thread is stopped at the entry.
 */
export function gainsRights(tid: number, name: string, args: BigInt64Array): boolean {
  const at = name === "execveat" ? 1 : 0;
  const path = readString(tid, args[at]);
  if (path === undefined) return false;
  const dirfd = name === "execveat" ? Number(args[0]) | 0 : AT_FDCWD;
  const base = dirfd === AT_FDCWD ? "cwd" : `fd/${dirfd}`;
  const text = new TextDecoder().decode(path);
  const file = text.startsWith("/")
    ? `/proc/${tid}/root${text}`
    : text === ""
    ? `/proc/${tid}/${base}`
    : `/proc/${tid}/${base}/${text}`;
  try {
    const { mode, isFile } = Deno.statSync(file);
    if (!isFile || mode === null) return false;
    // Without the group's execute bit, S_ISGID means mandatory locking, not rights.
    return (mode & S_ISUID) !== 0 || (mode & (S_ISGID | S_IXGRP)) === (S_ISGID | S_IXGRP);
  } catch {
    return false; // the call will fail, too
  }
}
