// Where recorders are found: sockets in a folder that is the user's alone.

import { DtError } from "../../../core/errors.ts";

const NAME = "dt-ktrace";
/** The recorder in the background; others have the number of their process. */
export const BACKGROUND = "recorder.sock";

/** Folders of a user's runtime files. */
function folderOf(uid: number): string {
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
  const { uid, mode, isDirectory } = Deno.lstatSync(folder);
  if (!isDirectory || uid !== Deno.uid() || ((mode ?? 0) & 0o077) !== 0) {
    throw new DtError("EPERM", `Cannot use ${folder}: it is not this user's alone`, {
      operation: "ktrace",
    });
  }
  return folder;
}

/** Sockets of this user's recorders; for root those of all users. */
export function sockets(): string[] {
  const folders = Deno.uid() === 0 ? allFolders() : [folderOf(Deno.uid() ?? 0)];
  return folders.flatMap((folder) => {
    try {
      return [...Deno.readDirSync(folder)].filter(({ name }) => name.endsWith(".sock"))
        .map(({ name }) => `${folder}/${name}`);
    } catch {
      return [];
    }
  });
}

function allFolders(): string[] {
  const found = new Set([folderOf(0)]);
  for (const [parent, suffix] of [["/run/user", `/${NAME}`], ["/tmp", ""]] as const) {
    try {
      for (const { name } of Deno.readDirSync(parent)) {
        if (suffix !== "" || name.startsWith(`${NAME}-`)) found.add(`${parent}/${name}${suffix}`);
      }
    } catch {
      // There is none.
    }
  }
  return [...found];
}
