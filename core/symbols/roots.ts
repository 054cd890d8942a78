// Keeps the root directories of other mount namespaces open, so that the files of a process in a
// container can still be read after the process is gone.

import { O_PATH, openFile } from "../sys/open.ts";

/**
 * Greatest number of namespaces held, since descriptors are few. Files of further namespaces are
 * found only while their process lives.
 */
const MOST = 64;

/**
 * Holds the root of each mount namespace asked for. The namespace itself is held, too, so that its
 * number stays unique.
 */
export class Roots implements Disposable {
  readonly #byNamespace = new Map<string, string>();
  readonly #owned = new DisposableStack();

  /**
   * Returns a path to the root directory of a process that stays valid when the process ends.
   *
   * @param pid Id of a process in another mount namespace.
   * @returns A path below /proc/self/fd; /proc/PID/root if the root cannot be held.
   * @throws {Deno.errors.NotFound} The process is gone.
   */
  pathOf(pid: number): string {
    const path = `/proc/${pid}/root`;
    const namespace = Deno.readLinkSync(`/proc/${pid}/ns/mnt`);
    const known = this.#byNamespace.get(namespace);
    if (known !== undefined) return known;
    if (this.#byNamespace.size >= MOST || this.#owned.disposed) return path;
    const kept = this.#hold(`/proc/${pid}/ns/mnt`);
    const root = this.#hold(path, O_PATH);
    if (kept === undefined || root === undefined) return path;
    // The process may have moved to another namespace between the two opens.
    if (Deno.readLinkSync(`/proc/self/fd/${kept}`) !== namespace) return path;
    const held = `/proc/self/fd/${root}`;
    this.#byNamespace.set(namespace, held);
    return held;
  }

  /** Opens a file until disposal; undefined if it cannot be opened. */
  #hold(path: string, flags?: bigint): number | undefined {
    try {
      return this.#owned.use(openFile(path, flags)).value;
    } catch {
      return undefined;
    }
  }

  /** Closes all roots; paths that were returned become invalid. */
  [Symbol.dispose](): void {
    this.#owned.dispose();
    this.#byNamespace.clear();
  }
}
