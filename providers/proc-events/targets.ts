// Pure: no I/O, no FFI.
// Registrations by the tasks that they watch: an event costs the same with one target or with ten thousand.

/** What is registered: one for each target. */
export interface Registration<N> {
  /** Events that are wanted, KMONITOR_* bits. */
  mask: number;
  /** How the owner of the registration is told. */
  notify: N;
  /** Time of the registration, CLOCK_BOOTTIME: earlier events may be of a former task of that number. */
  readonly since: bigint;
}

/** Registrations by the tasks that they watch. */
export class Targets<N> {
  readonly #byTask = new Map<number, Set<Registration<N>>>();
  /** Registrations of all processes. */
  readonly #all = new Set<Registration<N>>();

  /** True if there is no registration. */
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

  /** Forgets a task that has ended. */
  forget(task: number): void {
    this.#byTask.delete(task);
  }

  /** A registration does not watch a task any more. */
  drop(registration: Registration<N>, task: number): void {
    const set = this.#byTask.get(task);
    if (set?.delete(registration) && set.size === 0) this.#byTask.delete(task);
  }

  /** Forgets a registration that was removed. */
  remove(registration: Registration<N>): void {
    this.#all.delete(registration);
    for (const task of [...this.#byTask.keys()]) this.drop(registration, task);
  }

  /** Those who watch a task as itself. */
  of(task: number): ReadonlySet<Registration<N>> | undefined {
    return this.#byTask.get(task);
  }

  /** Calls back once for each registration that watches one of these tasks. */
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
