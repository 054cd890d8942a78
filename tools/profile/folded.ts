// Pure: no I/O, no FFI.
// Collapsed stacks: a line for each, root first. What flamegraph.pl, speedscope and others read.

import type { Frame, Profile } from "./profile.ts";

/** Marks of flamegraph.pl's colours. */
const MARKS = { kernel: "_[k]", javascript: "_[j]", native: "", process: "" };

function frameText({ name, kind }: Frame): string {
  // What separates frames, and lines, is not part of a name.
  return name.replaceAll(";", ":").replace(/[\r\n]/g, " ") + MARKS[kind];
}

/** Samples, or microseconds off the CPU. */
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
