// Would a program that is about to be executed gain rights? A tracer without privilege must let it go before,
// or the kernel does not give them. execve(2), ptrace(2)

import { readString } from "./capture.ts";

const S_ISUID = 0o4000;
const S_ISGID = 0o2000;
const S_IXGRP = 0o010;
const AT_FDCWD = -100;

/**
 * @param name "execve" or "execveat".
 * @param args Of the call, whose thread is stopped at its entry.
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
    // Without the group's execute bit it means locking, not rights.
    return (mode & S_ISUID) !== 0 || (mode & (S_ISGID | S_IXGRP)) === (S_ISGID | S_IXGRP);
  } catch {
    return false; // the call will fail, too
  }
}
