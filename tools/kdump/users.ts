// Names of users and groups. passwd(5), group(5)

const known = new Map<string, Map<number, string>>();

function names(file: string): Map<number, string> {
  let found = known.get(file);
  if (found === undefined) {
    known.set(file, found = new Map());
    try {
      for (const line of Deno.readTextFileSync(file).split("\n")) {
        const [name, , id] = line.split(":");
        if (id !== undefined) found.set(Number(id), name);
      }
    } catch {
      // A file that cannot be read leaves numbers without names.
    }
  }
  return found;
}

/** A user's name in quotes, `"root"` for 0, or the number of an unknown user. */
export function userName(uid: number): string {
  const name = names("/etc/passwd").get(uid);
  return name === undefined ? String(uid) : `"${name}"`;
}

/** A group's name in quotes, or the number of an unknown group. */
export function groupName(gid: number): string {
  const name = names("/etc/group").get(gid);
  return name === undefined ? String(gid) : `"${name}"`;
}
