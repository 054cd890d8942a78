// Pure: no I/O, no FFI.
// #pragma pack: the alignment that members have at most.

import { type CError, type CToken, errorAt } from "./c_token.ts";

/** The alignment limit of the pragmas that have been read, with the limits that `push` has saved. */
export class PackStack {
  #value = 0;
  readonly #saved: { readonly name: string | undefined; readonly value: number }[] = [];
  /** A pragma that is not understood, with which no structure can be laid out. */
  #unknown: CError | undefined;

  /**
   * The limit in bytes, or 0 if there is none.
   *
   * @throws {CError} A pragma has been read that is not understood.
   */
  current(_at: CToken | undefined): number {
    if (this.#unknown !== undefined) throw this.#unknown;
    return this.#value;
  }

  /** Changes the limit as a pragma says; ignores a pragma without text. */
  apply(pragma: CToken): void {
    if (pragma.text === "") return;
    const words = pragma.text.replace(/[(),]/g, " ").trim().split(/\s+/);
    const [name, ...rest] = words;
    if (name !== "pack" || !/^pack\s*\(.*\)$/.test(pragma.text)) {
      this.#unknown = errorAt(pragma, `#pragma ${pragma.text} is not supported`);
      return;
    }
    const push = rest[0] === "push";
    const pop = rest[0] === "pop";
    const values = push || pop ? rest.slice(1) : rest;
    const number = values.find((one) => /^\d+$/.test(one));
    const label = values.find((one) => /^[A-Za-z_]/.test(one));
    if (number !== undefined && !/^(0|1|2|4|8|16)$/.test(number)) {
      this.#unknown = errorAt(pragma, `#pragma pack: the alignment ${number} is none of 1 to 16`);
      return;
    }
    if (push) this.#saved.push({ name: label, value: this.#value });
    if (pop) this.#pop(label);
    if (number !== undefined) this.#value = Number(number);
    else if (!push && !pop) this.#value = 0;
  }

  #pop(label: string | undefined): void {
    const at = label === undefined
      ? this.#saved.length - 1
      : this.#saved.findLastIndex(({ name }) => name === label);
    if (at < 0) return;
    this.#value = this.#saved[at].value;
    this.#saved.length = at;
  }
}
