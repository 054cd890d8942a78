// Random programs of the grammar, made so that the oracle can take them and each run prints the same.

import { ProgramGenerator } from "../lang/grammar.ts";

/** What the oracle does not have, or what changes from process to process, and what stands for it. */
const REPLACEMENTS: readonly (readonly [RegExp, string])[] = [
  [/^fn half\(.*$/m, "macro half(e) { e / 2 }"],
  [/^fn name\(.*$/m, "macro name(e) { e } macro first(e, f) { e }"],
  // Nested in itself, the oracle refuses this macro of its library.
  [/\bstr_concat\(/g, "first("],
  [/\b(pid|ppid|ncpus)\b/g, "gid"],
  [/\bpcomm\b/g, "probetype"],
];

/** Programs from a seed, the same on every machine. */
export function randomPrograms(seed: number, count: number): string[] {
  const random = (limit: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return (seed >>> 8) % limit;
  };
  return Array.from({ length: count }, () => {
    const text = new ProgramGenerator(random, { steady: true }).program();
    return REPLACEMENTS.reduce((all, [from, to]) => all.replace(from, to), text);
  });
}
