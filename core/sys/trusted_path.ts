// Whom a path can be trusted to: who may change a file, or which file its name leads to.

const WRITABLE_BY_OTHERS = 0o022;
const STICKY = 0o1000;

/**
 * True if none but root and a user can change what the names in a folder mean.
 *
 * @param folder Real path of the folder, without symbolic links.
 * @param uid Id of the user.
 * @throws {Deno.errors.NotFound} There is no such folder.
 */
export function isOwnFolder(folder: string, uid: number): boolean {
  for (let at = folder;; at = at.slice(0, at.lastIndexOf("/"))) {
    const info = Deno.statSync(at === "" ? "/" : at);
    const mode = info.mode ?? 0;
    const mayChange = (mode & WRITABLE_BY_OTHERS) !== 0 && (at === folder || !(mode & STICKY));
    if (mayChange || (info.uid !== 0 && info.uid !== uid)) return false;
    if (at === "" || at === "/") return true;
  }
}

/**
 * True if none but root and a user can change a file's content. In a sticky folder such as /tmp, a
 * file of the user's own counts.
 *
 * @param path Real path of the file, without symbolic links.
 * @param uid Id of the user.
 * @throws {Deno.errors.NotFound} There is no such file.
 */
export function isOwnFile(path: string, uid: number): boolean {
  const { mode, uid: owner } = Deno.statSync(path);
  if (((mode ?? 0) & WRITABLE_BY_OTHERS) !== 0 || (owner !== 0 && owner !== uid)) return false;
  const folder = path.slice(0, path.lastIndexOf("/")) || "/";
  if (isOwnFolder(folder, uid)) return true;
  const isSticky = ((Deno.statSync(folder).mode ?? 0) & STICKY) !== 0;
  return isSticky && isOwnFolder(folder.slice(0, folder.lastIndexOf("/")) || "/", uid);
}
