// Pure: no I/O, no FFI.
// Modules that few runs need. Synchronous code asks for one of them; who called that code loads what was
// missing, and calls again.

/** A part of the program that is loaded when it is first wanted. */
export class LazyPart<T> {
  readonly #load: () => Promise<T>;
  #loaded: T | undefined;

  /** Takes a function that imports the part. */
  constructor(load: () => Promise<T>) {
    this.#load = load;
  }

  /**
   * The part, which has been loaded.
   *
   * @throws {PartMissing} Nobody has loaded the part yet.
   */
  get(): T {
    if (this.#loaded === undefined) throw new PartMissing(this);
    return this.#loaded;
  }

  /** Loads the part; the second call does nothing. */
  async load(): Promise<T> {
    return this.#loaded ??= await this.#load();
  }

  /** Hands in a part that was imported in another way. */
  provide(part: T): void {
    this.#loaded = part;
  }
}

/** Thrown where a part is wanted that is not loaded. */
export class PartMissing extends Error {
  /** The part, to be loaded. */
  readonly part: LazyPart<unknown>;

  /** Takes the part that is missing. */
  constructor(part: LazyPart<unknown>) {
    super("a part of the program is not loaded");
    this.part = part;
  }
}

/** Does work that may want lazy parts: each that is missing is loaded, then all of the work is done again. */
export async function withParts<T>(work: () => T): Promise<T> {
  for (;;) {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof PartMissing)) throw error;
      await error.part.load();
    }
  }
}
