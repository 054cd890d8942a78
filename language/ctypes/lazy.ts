// Keeps the modules for C out of the start of scripts without C.

import type * as CPart from "./c_part.ts";

let loaded: typeof CPart | undefined;

/** Thrown when a script has a C part before {@linkcode loadCPart} was called. */
export class CPartMissing extends Error {}

/** Loads the modules that read C; the second call does nothing. */
export async function loadCPart(): Promise<void> {
  loaded ??= await import("./c_part.ts");
}

/** Hands in the modules that were imported in another way. */
export function provideCPart(part: typeof CPart): void {
  loaded = part;
}

/**
 * The modules that read C, after {@linkcode loadCPart} or {@linkcode provideCPart}.
 *
 * @throws {CPartMissing} The modules are not loaded.
 */
export function cPart(): typeof CPart {
  if (loaded === undefined) throw new CPartMissing("the modules for C definitions are not loaded");
  return loaded;
}
