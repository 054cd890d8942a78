// What descriptors of traced processes stand for: paths, sockets, pipes.

/** Stands for the working folder. */
const AT_FDCWD = -100;

/** Reads what a descriptor of a process leads to, now. */
export function readDescriptor(pid: number, fd: number): string | undefined {
  try {
    return Deno.readLinkSync(`/proc/${pid}/${fd === AT_FDCWD ? "cwd" : `fd/${fd}`}`);
  } catch {
    return undefined;
  }
}

/**
 * What descriptors of processes stand for, as calls open and close them. What was open before is read
 * from /proc at its first use.
 */
export class Descriptors {
  readonly #byProcess = new Map<number, Map<number, string>>();

  /** What a descriptor stands for; undefined if nobody knows. */
  of(pid: number, fd: number): string | undefined {
    const known = this.#byProcess.get(pid)?.get(fd);
    if (known !== undefined) return known;
    const found = fd >= 0 || fd === AT_FDCWD ? readDescriptor(pid, fd) : undefined;
    if (found !== undefined) this.#table(pid).set(fd, found);
    return found;
  }

  /** A call has opened a descriptor: what it leads to is read anew, or is the path that was given. */
  opened(pid: number, fd: number, path?: string): void {
    const table = this.#table(pid);
    const found = readDescriptor(pid, fd) ?? this.#resolve(pid, path);
    if (found === undefined) table.delete(fd);
    else table.set(fd, found);
  }

  /** A call has made a descriptor a copy of another one. */
  copied(pid: number, from: number, to: number): void {
    const known = this.of(pid, from);
    if (known === undefined) this.closed(pid, to);
    else this.#table(pid).set(to, known);
  }

  /** A process works in another folder from now on; it starts in the one that is told first. */
  entered(pid: number, folder: string): void {
    const path = this.#resolve(pid, folder);
    if (path !== undefined) this.#table(pid).set(AT_FDCWD, path);
  }

  /** The number of a descriptor is free. */
  closed(pid: number, fd: number): void {
    this.#byProcess.get(pid)?.delete(fd);
  }

  /** A child has its parent's descriptors. */
  inherited(parent: number, child: number): void {
    const known = this.#byProcess.get(parent);
    if (known !== undefined) this.#byProcess.set(child, new Map(known));
  }

  /** A process has ended. */
  forget(pid: number): void {
    this.#byProcess.delete(pid);
  }

  #table(pid: number): Map<number, string> {
    let table = this.#byProcess.get(pid);
    if (table === undefined) this.#byProcess.set(pid, table = new Map());
    return table;
  }

  /** The file that a path of a process leads to; the path itself if that cannot be found out. */
  #resolve(pid: number, path: string | undefined): string | undefined {
    if (path === undefined) return undefined;
    const folder = this.of(pid, AT_FDCWD);
    if (!path.startsWith("/") && folder === undefined) return path;
    const absolute = path.startsWith("/") ? path : `${folder}/${path}`;
    try {
      return Deno.realPathSync(absolute);
    } catch {
      return absolute;
    }
  }
}
