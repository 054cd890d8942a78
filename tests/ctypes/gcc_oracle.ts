// Asks gcc for sizes, alignments and offsets: the truth that our own layouts are compared with.

import type { CType } from "../../language/ctypes/c_type.ts";

/** One thing to ask: a C expression for a number, and our own answer. */
export interface Question {
  readonly expression: string;
  readonly ours: bigint;
  /** Integer constants only: asked only if gcc finds the expression constant. */
  readonly macro?: string;
}

/** True if gcc is there. */
export function hasGcc(): boolean {
  try {
    return new Deno.Command("gcc", { args: ["--version"], stdout: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

/** Compiles a program and runs it. Undefined if gcc refuses the program. */
export async function runC(
  text: string,
  flags: readonly string[] = [],
): Promise<{ output?: string; errors: string }> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/t.c`, text);
    const args = [
      "-w",
      "-Wno-packed-bitfield-compat",
      "-O0",
      "-std=gnu17",
      ...flags,
      `${folder}/t.c`,
      "-o",
      `${folder}/t`,
    ];
    const compiled = await new Deno.Command("gcc", { args, stderr: "piped" }).output();
    const errors = new TextDecoder().decode(compiled.stderr);
    if (!compiled.success) return { errors };
    const { stdout } = await new Deno.Command(`${folder}/t`).output();
    return { output: new TextDecoder().decode(stdout), errors };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The assembly that gcc makes of a text. Undefined if gcc refuses the text. */
export async function assembly(
  text: string,
  flags: readonly string[] = [],
): Promise<{ output?: string; errors: string }> {
  return await gcc([...flags, "-S", "-o", "-"], text);
}

/** What gcc's preprocessor makes of a text that gcc accepts. */
export async function preprocessed(text: string, flags: readonly string[]): Promise<string> {
  return (await gcc([...flags, "-E"], text)).output ?? "";
}

/** True if gcc accepts a text. */
export async function accepts(text: string, flags: readonly string[] = []): Promise<boolean> {
  return (await gcc([...flags, "-fsyntax-only"], text)).output !== undefined;
}

async function gcc(
  flags: readonly string[],
  text: string,
): Promise<{ output?: string; errors: string }> {
  const args = ["-w", "-Wno-packed-bitfield-compat", "-std=gnu17", ...flags, "-x", "c", "-"];
  const child = new Deno.Command("gcc", {
    args,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const feed = async () => {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
  };
  const [{ success, stdout, stderr }] = await Promise.all([child.output(), feed().catch(() => {})]);
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { output: success ? decode(stdout) : undefined, errors: decode(stderr) };
}

/** What there is to ask of a structure: size, alignment, and the places of its members. */
export function layoutQuestions(name: string, type: CType, of = name): Question[] {
  const list: Question[] = [
    { expression: `sizeof(${of})`, ours: BigInt(type.size) },
    { expression: `_Alignof(${of})`, ours: BigInt(type.align) },
  ];
  const members = (one: CType, base: number) => {
    for (const { name, type, bitOffset, width } of one.members?.() ?? []) {
      if (name === "" && type.kind === "struct") members(type, base + bitOffset);
      if (name === "" || width !== undefined) continue;
      const offset = BigInt((base + bitOffset) / 8);
      list.push({ expression: `__builtin_offsetof(${of}, ${name})`, ours: offset });
    }
  };
  members(type, 0);
  return list;
}

/** The bit fields of a structure with their first bit and their number of bits. */
export function bitFields(type: CType, base = 0): { name: string; bit: number; width: number }[] {
  return (type.members?.() ?? []).flatMap(({ name, type, bitOffset, width }) => {
    const bit = base + bitOffset;
    if (width !== undefined) return name === "" ? [] : [{ name, bit, width }];
    return name === "" && type.kind === "struct" ? bitFields(type, bit) : [];
  });
}
