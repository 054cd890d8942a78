// Roots of other mount namespaces, kept open: files of a process in a container can still be read
// when it is gone.

import { O_PATH, openFile } from "../sys/open.ts";

/** Descriptors are few; of more namespaces only living processes' files are found. */
const MOST = 64;

/** Holds the root of each namespace that was asked for, and the namespace: its number stays its own. */
export class Roots implements Disposable {
  readonly #byNamespace = new Map<string, string>();
  readonly #owned = new DisposableStack();

  /** A path to the root of a process, which stays when the process goes. */
  pathOf(pid: number): string {
    const path = `/proc/${pid}/root`;
    const namespace = Deno.readLinkSync(`/proc/${pid}/ns/mnt`);
    const known = this.#byNamespace.get(namespace);
    if (known !== undefined) return known;
    if (this.#byNamespace.size >= MOST || this.#owned.disposed) return path;
    const kept = this.#hold(`/proc/${pid}/ns/mnt`);
    const root = this.#hold(path, O_PATH);
    if (kept === undefined || root === undefined) return path;
    // It may have gone to another one meanwhile.
    if (Deno.readLinkSync(`/proc/self/fd/${kept}`) !== namespace) return path;
    const held = `/proc/self/fd/${root}`;
    this.#byNamespace.set(namespace, held);
    return held;
  }

  #hold(path: string, flags?: bigint): number | undefined {
    try {
      return this.#owned.use(openFile(path, flags)).value;
    } catch {
      return undefined;
    }
  }

  [Symbol.dispose](): void {
    this.#owned.dispose();
    this.#byNamespace.clear();
  }
}
