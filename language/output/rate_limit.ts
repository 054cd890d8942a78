// Bounds how often the same thing is said: a warning in a hot probe would fill a disk.

/** Times that one thing is said in a second; the rest of the second's is counted. */
const MOST_PER_SECOND = 100;
const SECOND_MS = 1000;

interface Said {
  sinceMs: number;
  count: number;
  hidden: number;
  tell: (hidden: number) => void;
}

/** Counts what is said, by anything that tells one kind from another. */
export class RateLimit {
  readonly #said = new Map<object, Said>();

  /**
   * Says whether something may be said now.
   *
   * @param kind Identity of what is said.
   * @param tell Tells how many of its kind were not said; called when a second is over, and at the
   * end.
   */
  passes(kind: object, tell: (hidden: number) => void): boolean {
    const nowMs = performance.now();
    let said = this.#said.get(kind);
    if (said === undefined) {
      this.#said.set(kind, said = { sinceMs: nowMs, count: 0, hidden: 0, tell });
    }
    if (nowMs - said.sinceMs >= SECOND_MS) {
      this.#finish(said);
      said.sinceMs = nowMs;
      said.count = 0;
    }
    said.tell = tell;
    if (said.count++ < MOST_PER_SECOND) return true;
    said.hidden++;
    return false;
  }

  /** Tells what was hidden and not told yet. */
  tellHidden(): void {
    for (const said of this.#said.values()) this.#finish(said);
  }

  #finish(said: Said): void {
    const { hidden } = said;
    said.hidden = 0;
    if (hidden > 0) said.tell(hidden);
  }
}
