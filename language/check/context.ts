// Pure: no I/O, no FFI.
// Types that the parts of the checker share while they check one clause.

import type { Block, Expr, FunctionDefinition, MapExpr, TypeExpr } from "../syntax/ast.ts";
import type { Budget, Span } from "../syntax/diagnostics.ts";
import type { Action, Local, Node } from "../model/ir.ts";
import type { Type } from "../model/types.ts";
import type { ProgramScope, TypeScope } from "../ctypes/scope.ts";
import type { NamedParameter } from "./checked_program.ts";
import type { Config } from "./config.ts";
import type { ProbeInfo } from "./expand.ts";
import type { MapTypes } from "./maps.ts";
import type { FunctionUses, Variables } from "./variables.ts";

/** Kinds of numbers that have the same names on every system. */
export type CodeName = "strerror" | "signal" | "syscall";

/** Facts about the running system that a script is compiled with. */
export interface Environment {
  /** Number of CPUs that the system may ever have. */
  readonly cpus: number;
  /** Address of a kernel symbol. */
  kernelAddress(name: string): bigint | undefined;
  /** A variable or function of the process that is traced, by its name: where it is, its bytes. */
  userAddress?(name: string): { address: bigint; size: number } | undefined;
  /** The same in a program's file, with the address that the file has for it. */
  programAddress(path: string, name: string): { address: number; size: number } | undefined;
  /** What debug information tells of a program; absent if no such information is to be read. */
  program?(path: string): ProgramScope | undefined;
  /** Id of a cgroup by its path; throws with a message. */
  cgroupId(path: string): bigint;
  /** Whether the kernel has that kfunc. */
  kfunc(name: string): boolean;
  /** Number of a signal by its name, without SIG. */
  signal(name: string): number | undefined;
  /** The name that a number is printed as. */
  codeName(of: CodeName, code: bigint): string;
  /** Numbers that are printed as a name, none if the name stands for all others. */
  codesNamed(of: CodeName, name: string): bigint[];
  /** Whether the script will be able to read the kernel's memory. */
  readonly kernelMemory: boolean;
}

/** Facts and settings that are the same for all clauses of a program. */
export interface Shared {
  /** Types of the script's maps, as far as they are known. */
  readonly maps: MapTypes;
  /** C types of the kernel and, before them, of the script. */
  readonly types: TypeScope;
  /** Types of the script itself, which go before those of a program; absent if it has none. */
  readonly ownTypes?: TypeScope;
  /** Budget of the script, which bounds how much there is to check. */
  readonly budget: Budget;
  /** Settings of the script. */
  readonly config: Config;
  /** Functions that the script defines, by name. */
  readonly functions: ReadonlyMap<string, FunctionDefinition>;
  /** Facts about the running system. */
  readonly environment: Environment;
  /** Named parameters that the command line gives: text by name, true without `=`. */
  readonly named: ReadonlyMap<string, string | true>;
  /** Named parameters that the program asks for: grows while the program is checked. */
  readonly parameters: Map<string, NamedParameter>;
  /** Whether system() and the like are allowed. */
  readonly unsafe: boolean;
  /** Whether `probe` is text, for scripts that compute with it; otherwise it is a number. */
  readonly probeIsText: boolean;
}

/** What stands around a statement; changes while statements are checked. */
export interface Flow {
  /** Loops around the statement, within the innermost function. */
  loops: number;
  /** Functions of the script around the statement, outermost first, with their results. */
  readonly calls: { readonly definition: FunctionDefinition; readonly result: Local }[];
  /** True inside of sizeof() and the like, which only ask for a type: values may have any size. */
  measuring?: boolean;
  /** Uses of functions, kept from one walk to the next. */
  readonly uses: FunctionUses;
}

/** The checker of one clause, as its pieces see it. */
export interface Context extends Shared {
  /** The first of the clause's probes; all of them have the same arguments. */
  readonly probe: ProbeInfo;
  /** Innermost first: where the macros and functions around were used. */
  readonly expansions: readonly Span[];
  /** Checks an expression that must have a value. */
  value(expr: Expr): Node;
  /** Checks an expression that may have no value. */
  any(expr: Expr): Node;
  /** Checks what decides between two ways; errors are told at `place`, the statement. */
  condition(expr: Expr, place?: Span): Node;
  /** Checks a block in a scope of its own. */
  block(block: Block): { body: Action[]; value?: Node };
  /** Checks the key of a map, which it makes known. */
  key(expr: MapExpr): Node | undefined;
  /** The key of `@m[…]` without telling the map. */
  rawKey(keys: readonly Expr[], span: Span): Node | undefined;
  /** A type as written. */
  type(type: TypeExpr): Type;
  /** Variables that are in scope. */
  readonly variables: Variables;
  /** Loops and functions around the statement at hand. */
  readonly flow: Flow;
  /** Checks statements in the current scope; without `wantsValue` the block's value is one too. */
  statements(block: Block, wantsValue: boolean): { body: Action[]; value?: Node };
  /** Runs `inside`, whose errors come from what stands at `span`. */
  expanding<T>(span: Span, inside: () => T): T;
  /** Calls a function of the script. */
  inline(definition: FunctionDefinition, args: readonly Node[], span: Span): Node;
  /** Reports an error at a place of the script. */
  error(code: string, message: string, span: Span, hint?: string): void;
  /** Reports a warning at a place of the script. */
  warning(code: string, message: string, span: Span, hint?: string): void;
}
