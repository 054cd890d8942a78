// Pure: no I/O, no FFI.
// The syntax tree. Nodes are never changed; passes keep their findings in tables beside the tree.

import type { Span } from "./diagnostics.ts";
import type { MapKind } from "../model/types.ts";

/** A whole script as a tree. */
export interface Program {
  /** C definitions and preprocessor lines at the head of the script, as text. */
  readonly definitions: readonly { readonly text: string; readonly span: Span }[];
  /** Settings of all config blocks: `config = { … }` */
  readonly config: readonly ConfigEntry[];
  /** Files that the script imports: `import "…"` */
  readonly imports: readonly { readonly path: string; readonly span: Span }[];
  /** Maps that the script declares: `let @m = hash(5)` */
  readonly maps: readonly MapDeclaration[];
  /** Macros that the script defines, in source order. */
  readonly macros: readonly Macro[];
  /** Functions that the script defines, in source order. */
  readonly functions: readonly FunctionDefinition[];
  /** Probes with their bodies, in source order. */
  readonly clauses: readonly Clause[];
}

/** `key = value` of a config block. */
export interface ConfigEntry {
  /** Name of the setting as written. */
  readonly key: string;
  /** Text of the value as written; strings without quotes. */
  readonly value: string;
  /** Place of key and value in the source. */
  readonly span: Span;
}

/** Declaration of a map: `let @m = lruhash(100);` */
export interface MapDeclaration {
  /** Name of the map, with its `@`. */
  readonly name: string;
  /** Word that chooses the kind of map, such as "lruhash". */
  readonly kind: MapKind;
  /** Most entries that the map may hold. */
  readonly entries: Expr;
  /** Place of the declaration in the source. */
  readonly span: Span;
}

/** `macro name($a, @b, c) { … }` */
export interface Macro {
  /** Place of the word `macro` and the name. */
  readonly head: Span;
  /** Name that calls of the macro use. */
  readonly name: string;
  /** Parameters with their `$` or `@`; a parameter without either takes any expression. */
  readonly params: readonly string[];
  /** Block that replaces a call of the macro. */
  readonly body: Block;
  /** Place of the definition in the source. */
  readonly span: Span;
}

/** `fn name($a : type) : type { … }` */
export interface FunctionDefinition {
  /** Name that calls of the function use. */
  readonly name: string;
  /** Parameters in order: names with their `$`, and types. */
  readonly params: readonly { readonly name: string; readonly type: TypeExpr }[];
  /** Type of the result; undefined if none is written. */
  readonly result?: TypeExpr;
  /** Statements that a call runs. */
  readonly body: Block;
  /** Place of the definition in the source. */
  readonly span: Span;
}

/** `PROBE, PROBE /predicate/ { body }` */
export interface Clause {
  /** Probes that run the body, as written. */
  readonly attachPoints: readonly AttachPoint[];
  /** Condition without which the body does not run. */
  readonly predicate?: Expr;
  /** Statements that run when a probe fires. */
  readonly body: Block;
  /** Place of the clause in the source. */
  readonly span: Span;
}

/** One attach point as written, quotes included. */
export interface AttachPoint {
  /** Characters of the attach point, such as `kprobe:vfs_*`. */
  readonly text: string;
  /** Place of the attach point in the source. */
  readonly span: Span;
}

/** Statements in braces, with an optional value: `{ …; value }` */
export interface Block {
  /** Statements before the value, in source order. */
  readonly body: readonly Stmt[];
  /** The last expression, if no semicolon follows it. */
  readonly value?: Expr;
  /** Place of the block in the source, braces included. */
  readonly span: Span;
}

/** A type as written: `struct x *`, `uint8[6]`, `typeof(e)`. */
export interface TypeExpr {
  /** "uint64", "struct task_struct", "string"; empty for typeof. */
  readonly name: string;
  /** Expression in `typeof(…)` whose type is meant. */
  readonly typeOf?: Expr;
  /** `*` and the N of `[N]`, from left to right; undefined for empty brackets. */
  readonly suffixes: readonly ("*" | Expr | undefined)[];
  /** Place of the type in the source. */
  readonly span: Span;
}

/** Operators with two operands. */
export type BinaryOperator =
  | "||"
  | "&&"
  | "|"
  | "^"
  | "&"
  | "=="
  | "!="
  | "<"
  | ">"
  | "<="
  | ">="
  | "<<"
  | ">>"
  | "+"
  | "-"
  | "*"
  | "/"
  | "%";

/** An expression as it is written. */
export type Expr =
  & (
    /** A number; of a positional parameter with its text and its number. */
    | {
      readonly kind: "integer";
      readonly value: bigint;
      readonly param?: string;
      readonly index?: number;
    }
    /** Text without escapes, one character for each byte. */
    | { readonly kind: "string"; readonly value: string }
    | { readonly kind: "bool"; readonly value: boolean }
    /** `$1`; `$#` by index 0. */
    | { readonly kind: "param"; readonly index: number }
    /** `pid`, `args` */
    | { readonly kind: "name"; readonly name: string }
    | Omit<VariableExpr, "span">
    | Omit<MapExpr, "span">
    /** `a.b`, `a->b`, `t.0` */
    | { readonly kind: "field"; readonly object: Expr; readonly field: string }
    | { readonly kind: "index"; readonly object: Expr; readonly index: Expr }
    | Omit<CallExpr, "span">
    | {
      readonly kind: "unary";
      readonly operator: "-" | "!" | "~" | "*" | "&";
      readonly operand: Expr;
    }
    | Omit<StepExpr, "span">
    | Omit<BinaryExpr, "span">
    /** `a ? b : c`; `a ?: c` has no `then`. */
    | {
      readonly kind: "ternary";
      readonly condition: Expr;
      readonly then?: Expr;
      readonly otherwise: Expr;
    }
    | {
      readonly kind: "cast";
      readonly to: TypeExpr;
      /** The type with its parentheses. */
      readonly head: Span;
      readonly operand: Expr;
    }
    /** A type as an argument: `sizeof(struct x)`. */
    | { readonly kind: "type"; readonly type: TypeExpr }
    /** `(a, b)`, `(x=a, y=b)` */
    | {
      readonly kind: "tuple";
      readonly elements: readonly { readonly name?: string; readonly value: Expr }[];
    }
    | Omit<IfExpr, "span">
    | { readonly kind: "block"; readonly block: Block }
    /** The body of a macro in the place of a call. */
    | { readonly kind: "expansion"; readonly name: string; readonly block: Block }
  )
  & {
    /** Place in the source. */
    readonly span: Span;
  };

/** Use of a variable: `$x` */
export interface VariableExpr {
  /** Tells variables from other expressions. */
  readonly kind: "variable";
  /** Name of the variable, with its `$`. */
  readonly name: string;
  /** Place of the variable in the source. */
  readonly span: Span;
}

/** `@x` or `@x[k, l]` */
export interface MapExpr {
  /** Tells maps from other expressions. */
  readonly kind: "map";
  /** Name of the map, with its `@`. */
  readonly name: string;
  /** Keys in brackets; empty for a map without keys, or for all entries of a map with keys. */
  readonly keys: readonly Expr[];
  /** Place of map and keys in the source. */
  readonly span: Span;
}

/** Call of a function or a macro: `f(a, b)` */
export interface CallExpr {
  /** Tells calls from other expressions. */
  readonly kind: "call";
  /** Name of the function or macro. */
  readonly name: string;
  /** Arguments of the call, in order. */
  readonly args: readonly Expr[];
  /** Place of the call in the source. */
  readonly span: Span;
}

/** Increment or decrement: `++a`, `a--` */
export interface StepExpr {
  /** Tells steps from other expressions. */
  readonly kind: "step";
  /** `++` adds 1 to the target, `--` subtracts 1. */
  readonly operator: "++" | "--";
  /** True if the expression has the value after the step, false for the value before. */
  readonly prefix: boolean;
  /** Variable or map that changes. */
  readonly target: VariableExpr | MapExpr;
  /** Place of operator and target in the source. */
  readonly span: Span;
}

/** Operation on two operands: `a + b` */
export interface BinaryExpr {
  /** Tells binary operations from other expressions. */
  readonly kind: "binary";
  /** Operator between the two operands. */
  readonly operator: BinaryOperator;
  /** Operand before the operator. */
  readonly left: Expr;
  /** Operand behind the operator. */
  readonly right: Expr;
  /** Place of the operation in the source. */
  readonly span: Span;
}

/** `if c { … } else { … }`, as a statement or as a value. */
export interface IfExpr {
  /** Tells conditions from other expressions. */
  readonly kind: "if";
  /** True for `if comptime c`: the compiler chooses the block. */
  readonly comptime: boolean;
  /** Expression that chooses the block to run. */
  readonly condition: Expr;
  /** Block for a true condition. */
  readonly then: Block;
  /** Block after `else`; undefined if there is none. */
  readonly otherwise?: Block;
  /** Place of the condition and its blocks in the source. */
  readonly span: Span;
}

/** A statement as it is written. */
export type Stmt =
  & (
    /** `f();`; quiet in the form `_ = f();`, for which nobody is warned that the value is dropped. */
    | {
      readonly kind: "expr";
      readonly expr: Expr;
      readonly quiet?: boolean;
      /** True where the semicolon is no part of the statement for a warning. */
      readonly bare?: boolean;
    }
    | Omit<AssignStmt, "span">
    /** `let $x : type = e;` */
    | {
      readonly kind: "let";
      readonly variable: VariableExpr;
      readonly type?: TypeExpr;
      readonly value?: Expr;
    }
    | { readonly kind: "while"; readonly condition: Expr; readonly body: Block }
    | { readonly kind: "unroll"; readonly count: Expr; readonly body: Block }
    /** `for ($kv : @map)`, `for ($i : a..b)` */
    | {
      readonly kind: "for";
      readonly variable: VariableExpr;
      readonly over: MapExpr | { readonly from: Expr; readonly to: Expr };
      readonly body: Block;
    }
    | { readonly kind: "break" }
    | { readonly kind: "continue" }
    | { readonly kind: "return"; readonly value?: Expr }
    | { readonly kind: "import"; readonly path: string }
  )
  & {
    /** Place in the source. */
    readonly span: Span;
  };

/** `$x = e;`, `@x[k] += e;` */
export interface AssignStmt {
  /** Tells assignments from other statements. */
  readonly kind: "assign";
  /** Variable or map that receives the value. */
  readonly target: VariableExpr | MapExpr;
  /** Operator of a compound assignment: `+` in `+=`. */
  readonly operator?: BinaryOperator;
  /** Expression to the right of the `=`. */
  readonly value: Expr;
  /** Place of what is done to the target by a compound assignment: `+= 5`. */
  readonly change?: Span;
  /** Place of the assignment in the source. */
  readonly span: Span;
}
