// Pure: no I/O, no FFI.
// Collapsed stacks, which flamegraph.pl, speedscope and others read: a line for each stack, root first.

import { safeText } from "../../core/safe_text.ts";
import type { Frame, Profile } from "./profile.ts";

/** Suffixes of names from which flamegraph.pl takes colours. */
const MARKS = { kernel: "_[k]", javascript: "_[j]", native: "", process: "" };

function frameText({ name, kind }: Frame): string {
  // A name must not contain the separators of frames and lines.
  return safeText(name.replaceAll(";", ":").replace(/[\r\n]/g, " ")) + MARKS[kind];
}

/** Text of a profile as collapsed stacks; values are samples, or microseconds off the CPU. */
export function folded(profile: Profile): string {
  const texts = profile.frames.map(frameText);
  const sums = new Map<string, number>();
  for (const { frames, value } of profile.stacks) {
    const line = frames.map((index) => texts[index]).join(";");
    sums.set(line, (sums.get(line) ?? 0) + value);
  }
  const unit = profile.what === "on-CPU" ? 1 : 1000;
  return [...sums].map(([line, value]) => `${line} ${Math.round(value / unit)}\n`).sort().join("");
}
