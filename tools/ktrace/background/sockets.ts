// Where recorders are found: sockets in a folder that is the user's alone.

import { DtError } from "../../../core/errors.ts";

const NAME = "dt-ktrace";

/** Name of the recorder in the background; others have the number of their process. */
export function backgroundSocket(sync: boolean): string {
  return sync ? "recorder-sync.sock" : "recorder.sock";
}

/** Folder of root's recorders, where nobody else can make anything. */
const ROOTS = `/run/${NAME}`;

/** Folder of the sockets of a user's recorders. */
function folderOf(uid: number): string {
  // In a user namespace, root's folder belongs to nobody who is known there.
  if (uid === 0 && isOwn("/run", 0)) return ROOTS;
  const runtime = uid === Deno.uid() ? Deno.env.get("XDG_RUNTIME_DIR") : undefined;
  if (runtime !== undefined && isOwn(runtime, uid)) return `${runtime}/${NAME}`;
  const usual = `/run/user/${uid}`;
  return isOwn(usual, uid) ? `${usual}/${NAME}` : `/tmp/${NAME}-${uid}`;
}

function isOwn(path: string, uid: number): boolean {
  try {
    const info = Deno.lstatSync(path);
    return info.isDirectory && info.uid === uid;
  } catch {
    return false;
  }
}

/**
 * This user's folder, made if it is not there.
 *
 * @throws {DtError} EPERM somebody else has made it.
 */
export function ownFolder(): string {
  const folder = folderOf(Deno.uid() ?? 0);
  try {
    Deno.mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
  if (!isPrivate(folder, Deno.uid() ?? 0)) {
    throw new DtError("EPERM", `Cannot use ${folder}: it is not this user's alone`, {
      operation: "ktrace",
    });
  }
  return folder;
}

/** Is it a folder that nobody but this user can have put something into? */
function isPrivate(folder: string, uid: number): boolean {
  return isOwn(folder, uid) && ((Deno.lstatSync(folder).mode ?? 0) & 0o077) === 0;
}

/** Sockets of this user's recorders; for root those of all users. */
export function sockets(): string[] {
  const own = Deno.uid() ?? 0;
  const folders = own === 0 ? allFolders() : new Map([[folderOf(own), own]]);
  return [...folders].flatMap(([folder, uid]) => isPrivate(folder, uid) ? socketsIn(folder) : []);
}

function socketsIn(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => `${folder}/${name}`)
      .filter((path) => path.endsWith(".sock") && Deno.lstatSync(path).isSocket);
  } catch {
    return []; // it has gone
  }
}

/** Removes sockets of this user's recorders that were killed. */
export function sweep(folder: string): void {
  for (const path of socketsIn(folder)) {
    const pid = /\/(\d+)\.sock$/.exec(path)?.[1];
    if (pid !== undefined && !isOwnProcess(pid)) remove(path);
  }
}

function isOwnProcess(pid: string): boolean {
  try {
    return Deno.statSync(`/proc/${pid}`).isDirectory;
  } catch {
    return false;
  }
}

/** Removes a file that may have gone. */
export function remove(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // It has.
  }
}

/** Folders with whose they must be: anybody can make one in /tmp. */
function allFolders(): Map<string, number> {
  const found = new Map([[folderOf(0), 0]]);
  for (
    const [parent, prefix, suffix] of [["/run/user", "", `/${NAME}`], ["/tmp", `${NAME}-`, ""]]
  ) {
    try {
      for (const { name } of Deno.readDirSync(parent)) {
        const uid = name.slice(prefix.length);
        if (name.startsWith(prefix) && /^\d+$/.test(uid)) {
          found.set(`${parent}/${name}${suffix}`, Number(uid));
        }
      }
    } catch {
      // There is none.
    }
  }
  return found;
}
