// The system calls of the running architecture, from the generated table.

import { SYSCALLS as AARCH64 } from "./generated/aarch64.ts";
import { SYSCALLS as X86_64 } from "./generated/x86_64.ts";
import type { ArgumentSpec } from "../../contract/probe.ts";

/**
 * Number that no system call has on any architecture. utrace() of providers/static makes this call, and
 * ktrace sees it in its place among the calls of a thread.
 */
export const UTRACE_CALL = 0x7574;
/** Most bytes of a record that utrace() makes: FreeBSD's KTR_USER_MAXLEN. */
export const UTRACE_BYTES = 2048;

/** A system call as the kernel declares it. */
export interface Syscall {
  /** Number of the call on this architecture. */
  readonly number: number;
  /** Name of the kernel's function without sys_: "newfstat", not "fstat". */
  readonly name: string;
  /** Arguments, at most six. */
  readonly args: readonly ArgumentSpec[];
}

function parse(line: string): Syscall {
  const [number, name] = line.split(" ", 2);
  const rest = line.slice(number.length + name.length + 2);
  return {
    number: Number(number),
    name,
    args: rest === "" ? [] : rest.split(",").map((arg, i) => {
      const split = arg.lastIndexOf(" ");
      return { name: arg.slice(split + 1), type: arg.slice(0, split), at: `arg${i}` };
    }),
  };
}

function parseAll(text: string): ReadonlyMap<string, Syscall> {
  return new Map(
    text.trimEnd().split("\n").map((line) => parse(line)).map((call) => [call.name, call]),
  );
}

const cache = new Map<string, ReadonlyMap<string, Syscall>>();

/**
 * All system calls by name, in the order of their numbers.
 *
 * @param arch Default: the running one.
 */
export function syscalls(
  arch: typeof Deno.build.arch = Deno.build.arch,
): ReadonlyMap<string, Syscall> {
  let table = cache.get(arch);
  if (table === undefined) {
    table = parseAll(arch === "aarch64" ? AARCH64 : X86_64);
    cache.set(arch, table);
  }
  return table;
}
