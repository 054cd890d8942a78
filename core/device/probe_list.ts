// Pure: no I/O, no FFI.
// The probe list as bytes, with dt(4)'s way of asking for its size.

import { DtError } from "../errors.ts";
import type { Probe } from "../contract/probe.ts";

/** Layout of one entry: struct dtioc_probe_info with one name field. */
export const PROBE_ENTRY = {
  /** u32: number of the probe. */
  pbn: 0,
  /** u32: number of arguments. */
  nargs: 4,
  /** Name of the probe: UTF-8, padded with NULs. */
  name: 8,
  /** Bytes of the name field; a longer name is cut. */
  nameBytes: 120,
  /** Bytes of an entry. */
  bytes: 128,
} as const;

/**
 * Writes the entries of probes one after the other.
 *
 * @param buffer Where the entries go; undefined or an empty one only asks for the size.
 * @returns Bytes that all entries take.
 * @throws {DtError} ENOSPC the buffer is too small; the entries that fit were written.
 */
export function encodeProbeList(probes: readonly Probe[], buffer?: Uint8Array): number {
  const needed = probes.length * PROBE_ENTRY.bytes;
  if (buffer === undefined || buffer.length === 0) return needed;
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  const encoder = new TextEncoder();
  const fits = Math.min(probes.length, Math.floor(buffer.length / PROBE_ENTRY.bytes));
  for (let i = 0; i < fits; i++) {
    const at = i * PROBE_ENTRY.bytes;
    buffer.fill(0, at, at + PROBE_ENTRY.bytes);
    view.setUint32(at + PROBE_ENTRY.pbn, probes[i].pbn, true);
    view.setUint32(at + PROBE_ENTRY.nargs, probes[i].args.length, true);
    const name = buffer.subarray(at + PROBE_ENTRY.name, at + PROBE_ENTRY.bytes);
    encoder.encodeInto(probes[i].name, name);
  }
  if (needed > buffer.length) {
    throw new DtError("ENOSPC", `Cannot list probes into ${buffer.length} bytes: needs ${needed}`, {
      operation: "list",
    });
  }
  return needed;
}
