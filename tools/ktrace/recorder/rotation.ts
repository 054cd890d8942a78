// Rotation of trace files: FILE becomes FILE.1, FILE.1 becomes FILE.2, and so on.

import { DtError } from "../../../core/errors.ts";

/** When a trace file is rotated, and how many former files are kept. */
export interface Rotation {
  /** Bytes of a file from which on a new one is begun. */
  readonly bytes: number;
  /** Number of former files. */
  readonly keep: number;
}

/** Former files that are kept where the user does not say. */
const DEFAULT_KEEP = 1;
const MOST_KEEP = 1000;
const UNITS: Readonly<Record<string, number>> = { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

/** Reads `SIZE[k|m|g][,N]`; undefined if the text is none. */
export function parseRotation(text: string): Rotation | undefined {
  const match = /^(\d+)([kmg]?)(?:,(\d+))?$/i.exec(text);
  if (match === null) return undefined;
  const bytes = Number(match[1]) * UNITS[match[2].toLowerCase()];
  const keep = Number(match[3] ?? DEFAULT_KEEP);
  const isGood = bytes >= 4096 && Number.isSafeInteger(bytes) && keep >= 1 && keep <= MOST_KEEP;
  return isGood ? { bytes, keep } : undefined;
}

/**
 * Renames a file and the former ones; the oldest is replaced.
 *
 * @throws {DtError} EIO a file cannot be renamed.
 */
export function rotate(path: string, { keep }: Rotation): void {
  for (let i = keep; i > 0; i--) {
    try {
      Deno.renameSync(i === 1 ? path : `${path}.${i - 1}`, `${path}.${i}`);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) continue;
      const reason = (error as Error).message;
      throw new DtError("EIO", `cannot rotate: ${reason}`, { operation: "rename" });
    }
  }
}
