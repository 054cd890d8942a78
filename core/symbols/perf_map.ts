// Pure: no I/O, no FFI.
// Reads perf maps: the files in which runtimes name the code that they generate. A line reads
// "START SIZE NAME", numbers in hexadecimal; see tools/perf/Documentation/jit-interface.txt. A
// function gets a line for each tier that compiles it, and runtimes use memory again: of the lines
// that cover an address the last one counts.

import { SymbolTable, textAt } from "./symbol_table.ts";

const NEWLINE = 10;
const SPACE = 32;

/** A line of a perf map, or the visible piece of one. */
interface Line {
  readonly start: number;
  readonly end: number;
  /** Offset in the bytes at which the name starts. */
  readonly nameAt: number;
}

/**
 * Reads a perf map as far as the runtime has written it.
 *
 * @param bytes Contents of the file; kept for the names.
 * @returns The functions by address.
 */
export function parsePerfMap(bytes: Uint8Array): SymbolTable {
  const parts = visible(linesOf(bytes));
  return new SymbolTable({
    count: parts.length,
    start: (index) => parts[index].start,
    size: (index) => parts[index].end - parts[index].start,
    name: (index) => textAt(bytes, parts[index].nameAt, NEWLINE).trimEnd(),
  });
}

/** Reads all lines that can be understood. */
function linesOf(bytes: Uint8Array): Line[] {
  const lines: Line[] = [];
  for (let at = 0; at < bytes.length;) {
    let end = bytes.indexOf(NEWLINE, at);
    if (end < 0) end = bytes.length; // the line is being written: half a name is better than none
    const start = hexAt(bytes, at);
    const size = hexAt(bytes, start.next);
    if (size.value > 0 && size.next < end) {
      lines.push({ start: start.value, end: start.value + size.value, nameAt: size.next });
    }
    at = end + 1;
  }
  return lines;
}

/**
 * Reads a hexadecimal number, and where the text behind the following space starts. A number
 * without a space behind it reads as 0.
 */
function hexAt(bytes: Uint8Array, from: number): { value: number; next: number } {
  let value = 0;
  let at = from;
  // Some runtimes write "0x" before the number.
  if (bytes[at] === 0x30 && (bytes[at + 1] | 32) === 0x78) at += 2;
  for (; at < bytes.length; at++) {
    const byte = bytes[at];
    const digit = byte >= 0x30 && byte <= 0x39
      ? byte - 0x30
      : (byte | 32) >= 0x61 && (byte | 32) <= 0x66
      ? (byte | 32) - 0x57
      : -1;
    if (digit < 0) break;
    value = value * 16 + digit;
  }
  return { value: bytes[at] === SPACE ? value : 0, next: at + 1 };
}

/**
 * Cuts lines to the pieces that no later line covers; pieces do not overlap. The function sweeps
 * over the addresses once, and keeps the lines that cover the current address in a heap, the latest
 * line on top.
 */
function visible(lines: readonly Line[]): Line[] {
  const order = lines.map((_, i) => i).sort((a, b) => lines[a].start - lines[b].start);
  const open: number[] = [];
  const pieces: Line[] = [];
  let from = 0;
  let next = 0;
  const drop = (until: number) => {
    // Makes the pieces up to `until`: where a line ends, the latest of the other open lines shows.
    while (open.length > 0 && from < until) {
      const line = lines[open[0]];
      if (line.end <= from) {
        popLargest(open);
        continue;
      }
      const end = Math.min(until, line.end);
      const last = pieces.at(-1);
      if (last !== undefined && last.nameAt === line.nameAt && last.end === from) {
        pieces[pieces.length - 1] = { ...last, end };
      } else {
        pieces.push({ start: from, end, nameAt: line.nameAt });
      }
      from = end;
    }
    from = until;
  };
  while (next < order.length) {
    const { start } = lines[order[next]];
    drop(start);
    from = start;
    while (next < order.length && lines[order[next]].start === start) {
      pushLargest(open, order[next++]);
    }
  }
  drop(Infinity);
  return pieces;
}

/** Adds a number to a binary heap with the largest number on top. */
function pushLargest(heap: number[], value: number): void {
  let at = heap.push(value) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (heap[parent] >= value) break;
    heap[at] = heap[parent];
    at = parent;
  }
  heap[at] = value;
}

/** Removes the largest number of a binary heap. */
function popLargest(heap: number[]): void {
  const value = heap.pop()!;
  if (heap.length === 0) return;
  let at = 0;
  for (;;) {
    let child = at * 2 + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && heap[child + 1] > heap[child]) child++;
    if (heap[child] <= value) break;
    heap[at] = heap[child];
    at = child;
  }
  heap[at] = value;
}
