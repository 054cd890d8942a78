// Where a probe of a function is: "uprobe:FILE:FUNCTION", "uprobe:FILE:FUNCTION+OFFSET",
// "uprobe:FILE:ADDRESS".

import { DtError } from "../../core/errors.ts";
import { CPP } from "./cpp.ts";
import { type ProbedFile, probedFile, splitFile } from "./files.ts";

/** A place in a file. */
export interface Place {
  readonly file: ProbedFile;
  /** Offsets in the file: more than one if static functions share the name. */
  readonly offsets: readonly number[];
  /** It is not where a function starts. */
  readonly within: boolean;
}

/**
 * Finds a place.
 *
 * @param text What stands after the provider's name.
 * @param isReturn Only whole functions return.
 * @returns undefined if there is no such file or function.
 * @throws {DtError} EINVAL an offset or address outside of a function.
 */
export function parsePlace(text: string, isReturn: boolean): Place | undefined {
  const named = splitFile(text);
  if (named === undefined) return undefined;
  const { file: name, rest } = named;
  const where = rest.startsWith(CPP) ? rest.slice(CPP.length) : rest;
  const file = probedFile(name);
  if (file === undefined || where === "") return undefined;
  const bad = (reason: string) =>
    new DtError("EINVAL", `Cannot probe ${text}: ${reason}`, { operation: "enable" });
  const place = (addresses: readonly number[], within: boolean): Place => ({
    file,
    within,
    offsets: [...new Set(addresses)].map((address) => file.offsetOf(address))
      .filter((offset) => offset !== undefined),
  });
  if (/^(0x[0-9a-f]+|\d+)$/i.test(where)) {
    const address = Number(where);
    const inside = file.at(address);
    if (inside === undefined) throw bad(`Could not resolve address: ${name}:${hex(address)}`);
    if (isReturn && address !== inside.address) throw bad(NO_RETURN);
    return place([address], address !== inside.address);
  }
  const [, base, offsetText] = /^(.*?)(?:\+(0x[0-9a-f]+|\d+))?$/i.exec(where)!;
  const found = file.named(base);
  if (found.length === 0) return undefined;
  const offset = Number(offsetText ?? 0);
  if (isReturn && offset !== 0) throw bad(NO_RETURN);
  const short = found.find(({ size }) => offset > 0 && offset >= size);
  if (short !== undefined) {
    throw bad(`Offset outside the function bounds ('${base}' size is ${short.size})`);
  }
  return place(found.map(({ address }) => address + offset), offset !== 0);
}

const NO_RETURN = "a uretprobe is of a whole function, not of a place in it";

function hex(address: number): string {
  return `0x${address.toString(16)}`;
}
