// Pure: no I/O, no FFI.
// A table for the terminal: the functions that took most samples or time.

import { safeText } from "../../core/safe_text.ts";
import { formatValue, type Profile, totalOf } from "./profile.ts";

const MOST_ROWS = 30;

/** Table of the top functions: share of each function alone, and with its callees. */
export function topFunctions(profile: Profile, rows = MOST_ROWS): string {
  const self = new Map<number, number>();
  const total = new Map<number, number>();
  const add = (sums: Map<number, number>, index: number, value: number) =>
    void sums.set(index, (sums.get(index) ?? 0) + value);
  for (const { frames, value } of profile.stacks) {
    add(self, frames.at(-1)!, value);
    // A recursive function counts once for each stack.
    for (const index of new Set(frames)) add(total, index, value);
  }
  const all = totalOf(profile);
  if (all === 0) return `no samples in ${(profile.durationMs / 1000).toFixed(1)} s\n`;
  const share = (value: number) => `${(value / all * 100).toFixed(1)}%`.padStart(7);
  const top = [...self].sort((a, b) => b[1] - a[1]).slice(0, rows);
  const lines = top.map(([index, value]) => {
    const { name, kind, file } = profile.frames[index];
    const where = kind === "kernel"
      ? "[kernel]"
      : kind === "native" && !name.startsWith("[")
      ? baseName(file)
      : "";
    return `${share(value)} ${share(total.get(index)!)}  ${
      safeText(`${name}${where && ` ${where}`}`)
    }\n`;
  });
  const rest = self.size - top.length;
  return `   self   total  function\n${lines.join("")}` +
    (rest > 0 ? `and ${rest} others\n` : "") +
    `${amount(profile)}\n`;
}

/** How much was measured, and in what time: "591 samples on-CPU in 3.0 s". */
export function amount(profile: Profile): string {
  const seconds = (profile.durationMs / 1000).toFixed(1);
  return `${formatValue(profile, totalOf(profile))} ${profile.what} in ${seconds} s`;
}

function baseName(path: string | undefined): string {
  return path === undefined ? "" : `(${path.slice(path.lastIndexOf("/") + 1)})`;
}
