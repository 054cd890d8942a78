// Pure: no I/O, no FFI.
// Who is watched by which registration, by process: an event costs the same with one target or ten thousand.

/** What is registered: one for each target. */
export interface Registration<N> {
  /** Events that are wanted, KMONITOR_* bits. */
  mask: number;
  notify: N;
  /** Events from before are not the target's: its number may have been another one's. CLOCK_BOOTTIME. */
  readonly since: bigint;
}

/** Registrations by the tasks that they watch. */
export class Targets<N> {
  readonly #byTask = new Map<number, Set<Registration<N>>>();
  /** Of everybody. */
  readonly #all = new Set<Registration<N>>();

  /** True if nobody watches anything. */
  get empty(): boolean {
    return this.#byTask.size === 0 && this.#all.size === 0;
  }

  /** Tasks that are watched as themselves. */
  get tasks(): number[] {
    return [...this.#byTask.keys()];
  }

  /** Lets a registration watch a task; undefined: everybody. */
  add(registration: Registration<N>, task?: number): void {
    if (task === undefined) {
      this.#all.add(registration);
      return;
    }
    let set = this.#byTask.get(task);
    if (set === undefined) this.#byTask.set(task, set = new Set());
    set.add(registration);
  }

  /** Nobody watches anything any more. */
  clear(): void {
    this.#byTask.clear();
    this.#all.clear();
  }

  /** Of a task that is no more. */
  forget(task: number): void {
    this.#byTask.delete(task);
  }

  /** A registration does not watch a task any more. */
  drop(registration: Registration<N>, task: number): void {
    const set = this.#byTask.get(task);
    if (set?.delete(registration) && set.size === 0) this.#byTask.delete(task);
  }

  /** Of a registration that is no more. */
  remove(registration: Registration<N>): void {
    this.#all.delete(registration);
    for (const task of [...this.#byTask.keys()]) this.drop(registration, task);
  }

  /** Those who watch a task as itself. */
  of(task: number): ReadonlySet<Registration<N>> | undefined {
    return this.#byTask.get(task);
  }

  /** Calls back for each that watches one of these tasks, once. */
  each(tasks: readonly number[], tell: (registration: Registration<N>) => void): void {
    for (const one of this.#all) tell(one);
    const [first, ...rest] = tasks;
    const own = this.#byTask.get(first);
    if (own !== undefined) { for (const one of own) tell(one); }
    for (const task of rest) {
      if (task === first) continue;
      const more = this.#byTask.get(task);
      if (more !== undefined) { for (const one of more) if (!own?.has(one)) tell(one); }
    }
  }
}
