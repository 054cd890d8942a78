// Pure: no I/O, no FFI.
// Trace points: a letter for each, and the bits of the types of records. KTRFAC_* of sys/ktrace.h

import { KTR, type KtrType } from "./types.ts";

/** Points with the types of records that they mean. */
const LETTERS: Readonly<Record<string, readonly KtrType[]>> = {
  c: [KTR.syscall, KTR.sysret],
  n: [KTR.namei],
  i: [KTR.genio],
  s: [KTR.psig],
  t: [KTR.struct, KTR.structArray],
  u: [KTR.user],
  w: [KTR.csw],
  f: [KTR.fault],
  x: [KTR.args],
  v: [KTR.env],
  p: [KTR.capfail],
};

/** Letters that `+` stands for. */
const DEFAULT = "cinstu";

/** Bit of a type of record among trace points. */
export function pointOf(type: KtrType): number {
  return 1 << type;
}

/** KTRFAC_INHERIT: processes that are made are recorded as well. */
export const INHERIT = 0x40000000;
/** KTRFAC_ROOT: only root may change it, and it stays when a program gains rights. */
export const ROOT = 1 << 31;
/** Bits of all trace points. */
export const ALL_POINTS: number = maskOf(Object.keys(LETTERS).join(""));
/** Bits of the default trace points: `cinstu`. */
export const DEFAULT_POINTS: number = maskOf(DEFAULT);

function maskOf(letters: string): number {
  let mask = 0;
  for (const letter of letters) for (const type of LETTERS[letter]) mask |= pointOf(type);
  return mask;
}

/**
 * The points of letters: `cinstuwfxvp`, `+` the default set, `A` all of them; those behind a `-` are taken
 * away.
 *
 * @returns undefined if a letter is none.
 */
export function parsePoints(letters: string): number | undefined {
  let mask = 0;
  let without = false;
  for (const letter of letters) {
    if (letter === "-") {
      without = true;
      continue;
    }
    const known = letter === "+" || letter === "A" || Object.hasOwn(LETTERS, letter);
    if (!known) return undefined;
    const bits = letter === "+" ? DEFAULT_POINTS : letter === "A" ? ALL_POINTS : maskOf(letter);
    mask = without ? mask & ~bits : mask | bits;
  }
  return mask;
}
