// Where a probe of a function is: "uprobe:FILE:FUNCTION", "uprobe:FILE:FUNCTION+OFFSET",
// "uprobe:FILE:ADDRESS", "uprobe:FILE@SOURCE:LINE".

import { DtError } from "../../core/errors.ts";
import { lineFinder } from "../../core/symbols/mod.ts";
import { CPP } from "./cpp.ts";
import { type ProbedFile, probedFile, splitFile } from "./files.ts";

/** A place in a file. */
export interface Place {
  /** File that the place is in. */
  readonly file: ProbedFile;
  /** Offsets in the file: more than one if static functions share the name. */
  readonly offsets: readonly number[];
  /** Addresses of the same places, in the file's own addresses. */
  readonly addresses: readonly number[];
  /** True if the place is inside a function, where no instruction need start. */
  readonly within: boolean;
}

/**
 * Finds the place that the name of a probe means.
 *
 * @param text What stands after the provider's name.
 * @param isReturn Only whole functions return.
 * @returns undefined if there is no such file or function.
 * @throws {DtError} EINVAL an offset or address outside of a function.
 */
export function parsePlace(text: string, isReturn: boolean): Place | undefined {
  const bad = (reason: string) =>
    new DtError("EINVAL", `Cannot probe ${text}: ${reason}`, { operation: "enable" });
  const place = (file: ProbedFile, all: readonly number[], within: boolean): Place => {
    const addresses = [...new Set(all)].filter((one) => file.offsetOf(one) !== undefined);
    return { file, within, addresses, offsets: addresses.map((one) => file.offsetOf(one)!) };
  };
  const [, program, source, line] = /^(.+)@([^@]+):(\d+)$/s.exec(text) ?? [];
  const sourced = program === undefined ? undefined : probedFile(program);
  if (sourced !== undefined) {
    if (isReturn) throw bad("Source code location not allowed");
    return place(sourced, addressesOfLine(sourced, source, Number(line), bad), false);
  }
  const named = splitFile(text);
  if (named === undefined) return undefined;
  const { file: name, rest } = named;
  const where = rest.startsWith(CPP) ? rest.slice(CPP.length) : rest;
  const file = probedFile(name);
  if (file === undefined || where === "") return undefined;
  if (/^(0x[0-9a-f]+|\d+)$/i.test(where)) {
    const address = Number(where);
    const inside = file.at(address);
    if (inside === undefined) throw bad(`Could not resolve address: ${name}:${hex(address)}`);
    if (isReturn && address !== inside.address) throw bad(NO_RETURN);
    return place(file, [address], address !== inside.address);
  }
  const [, base, offsetText] = /^(.*?)(?:\+(0x[0-9a-f]+|\d+))?$/is.exec(where)!;
  const found = file.named(base);
  if (found.length === 0) return undefined;
  const offset = Number(offsetText ?? 0);
  if (isReturn && offset !== 0) throw bad(NO_RETURN);
  const short = found.find(({ size }) => offset > 0 && offset >= size);
  if (short !== undefined) {
    throw bad(`Offset outside the function bounds ('${base}' size is ${short.size})`);
  }
  return place(file, found.map(({ address }) => address + offset), offset !== 0);
}

/** Instructions that a line of source starts with. */
function addressesOfLine(
  file: ProbedFile,
  source: string,
  line: number,
  bad: (reason: string) => DtError,
): readonly number[] {
  const find = lineFinder();
  if (find === undefined) throw bad("the reader of debug information has not been loaded");
  const found = find(file.path, source, line);
  if (found === undefined) throw bad("the file has no debug information");
  const { files, addresses } = found;
  if (files.length === 0) throw bad(`DWARF error: No compilation unit matches ${source}`);
  if (files.length > 1) {
    throw bad(
      `DWARF error: Ambiguous source path, matches multiple files: ${files.join(", ")}`,
    );
  }
  if (addresses.length === 0) {
    throw bad(`DWARF error: Unable to map '${source}:${line}' to address`);
  }
  return addresses;
}

const NO_RETURN = "a uretprobe is of a whole function, not of a place in it";

function hex(address: number): string {
  return `0x${address.toString(16)}`;
}
