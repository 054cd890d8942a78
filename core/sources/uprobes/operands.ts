// Pure: no I/O, no FFI.
// Arguments of static probes, as compilers write them: SIZE@OPERAND, the size negative if it is signed.
// x86-64: %rax, $5, -8(%rbp), (%rax,%rbx,8), counter+4(%rip). aarch64: x0, 5, [sp, 12].

import type { Location } from "../../contract/context.ts";

/** An argument: how wide it is, and where. */
export interface Operand {
  /** C type that has its width and sign. */
  readonly type: string;
  /** Where a program finds the argument. */
  readonly location: Location;
}

/** What the operands of a probe refer to. */
export interface OperandContext {
  /** Offsets of registers in the context. */
  readonly registers: Readonly<Record<string, number>>;
  /** The probe's address, as the file speaks of it. */
  readonly address: number;
  /** Address of a variable of the file. */
  symbol(name: string): number | undefined;
}

const TYPES: Readonly<Record<string, string>> = {
  "1": "unsigned char",
  "2": "unsigned short",
  "4": "unsigned int",
  "8": "unsigned long",
  "-1": "signed char",
  "-2": "short",
  "-4": "int",
  "-8": "long",
};

/** What cannot be read, as 0: an argument that nobody asks for must not hide the probe. */
const UNKNOWN: Operand = { type: "long", location: { path: [0], size: 8, constant: 0n } };

/** Reads the arguments of a probe; those of unknown form read as 0. */
export function parseOperands(text: string, context: OperandContext): Operand[] {
  return split(text).map((one) => parse(one, context) ?? UNKNOWN);
}

/** At spaces outside of brackets: "8@x0 4@[sp, 12]". */
function split(text: string): string[] {
  return text.match(/[^\s[]*\[[^\]]*\]|[^\s]+/g) ?? [];
}

function parse(text: string, context: OperandContext): Operand | undefined {
  const parts = /^(?:(-?[1248])@)?(.+)$/.exec(text);
  if (parts === null) return undefined;
  const type = TYPES[parts[1] ?? "-8"];
  const size = Math.abs(Number(parts[1] ?? 8)) as 1 | 2 | 4 | 8;
  const location = constant(parts[2], size) ?? register(parts[2], size, context) ??
    memory(parts[2], size, context);
  return location && { type, location };
}

function constant(text: string, size: Location["size"]): Location | undefined {
  const [, number] = /^\$?(-?(?:0x[0-9a-f]+|\d+))$/i.exec(text) ?? [];
  if (number === undefined) return undefined;
  const value = number.startsWith("-") ? -BigInt(number.slice(1)) : BigInt(number);
  return { path: [0], size, constant: value };
}

/** Offset of a register by any of its names: rax, eax, ax, al, ah; r8, r8d, r8w, r8b; x0, w0. */
function registerAt(name: string, { registers }: OperandContext): number | undefined {
  const high = /^([abcd])h$/.exec(name);
  if (high !== null) return registers[`${high[1]}x`] + 1;
  const candidates = [
    name,
    name.replace(/^[re](?=[a-z]{2}$)/, ""), // rax, eip
    name.replace(/^([abcd])l$/, "$1x"),
    name.replace(/^(si|di|bp|sp)l$/, "$1"),
    name.replace(/^(r\d+)[dwb]$/, "$1"),
    name.replace(/^[xw](?=\d+$)/, "r"),
  ];
  const found = candidates.find((one) => Object.hasOwn(registers, one));
  return found === undefined ? undefined : registers[found];
}

function register(
  text: string,
  size: Location["size"],
  context: OperandContext,
): Location | undefined {
  const [, name] = /^%?([a-z]\w*)$/.exec(text) ?? [];
  const at = name === undefined ? undefined : registerAt(name, context);
  return at === undefined ? undefined : { path: [at], size };
}

function memory(
  text: string,
  size: Location["size"],
  context: OperandContext,
): Location | undefined {
  // aarch64: [base], [base, offset]
  const arm = /^\[(\w+)(?:, *#?(-?\d+))?\]$/.exec(text);
  if (arm !== null) {
    const at = registerAt(arm[1], context);
    const displacement = Number(arm[2] ?? 0);
    return at === undefined ? undefined : { path: [at], size, memory: { displacement } };
  }
  // Of the file's own data: symbol(%rip), symbol+4(%rip)
  const own = /^([A-Za-z_.$][\w.$@]*)([+-]\d+)?\(%rip\)$/.exec(text);
  if (own !== null) {
    const at = context.symbol(own[1]);
    if (at === undefined) return undefined;
    // The instruction pointer is at the probe.
    const displacement = at + Number(own[2] ?? 0) - context.address;
    return { path: [context.registers.ip], size, memory: { displacement } };
  }
  const parts = /^(-?(?:0x[0-9a-f]+|\d+))?\((?:%(\w+))?(?:,%(\w+)(?:,([1248]))?)?\)$/i.exec(text);
  if (parts === null || (parts[2] ?? parts[3]) === undefined) return undefined;
  const displacement = Number((parts[1] ?? "0").replace(/^-/, "")) *
    (parts[1]?.startsWith("-") ? -1 : 1);
  const base = parts[2] === undefined ? undefined : registerAt(parts[2], context);
  const index = parts[3] === undefined ? undefined : registerAt(parts[3], context);
  if (base === undefined || (parts[3] !== undefined && index === undefined)) return undefined;
  const scale = Number(parts[4] ?? 1);
  return { path: [base], size, memory: { displacement, index, scale } };
}
