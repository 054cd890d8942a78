// Pure: no I/O, no FFI.
// The syntax tree. Nodes are never changed; what passes find out is kept beside them.

import type { Span } from "./diagnostics.ts";
import type { MapKind } from "../model/types.ts";

/** A whole script as a tree. */
export interface Program {
  /** C definitions and preprocessor lines at its head, as text. */
  readonly definitions: readonly { readonly text: string; readonly span: Span }[];
  /** `config = { … }` */
  readonly config: readonly ConfigEntry[];
  /** `import "…"` */
  readonly imports: readonly { readonly path: string; readonly span: Span }[];
  /** `let @m = hash(5)` */
  readonly maps: readonly MapDeclaration[];
  readonly macros: readonly Macro[];
  readonly functions: readonly FunctionDefinition[];
  /** In source order. */
  readonly clauses: readonly Clause[];
}

/** `key = value` of a config block. */
export interface ConfigEntry {
  readonly key: string;
  /** As written; strings without quotes. */
  readonly value: string;
  readonly span: Span;
}

/** Declaration of a map: `let @m = lruhash(100);` */
export interface MapDeclaration {
  readonly name: string;
  readonly kind: MapKind;
  readonly entries: Expr;
  readonly span: Span;
}

/** `macro name($a, @b, c) { … }` */
export interface Macro {
  readonly name: string;
  /** With their sigils; none means any expression. */
  readonly params: readonly string[];
  readonly body: Block;
  readonly span: Span;
}

/** `fn name($a : type) : type { … }` */
export interface FunctionDefinition {
  readonly name: string;
  readonly params: readonly { readonly name: string; readonly type: TypeExpr }[];
  readonly result?: TypeExpr;
  readonly body: Block;
  readonly span: Span;
}

/** `PROBE, PROBE /predicate/ { body }` */
export interface Clause {
  readonly attachPoints: readonly AttachPoint[];
  /** Runs the body only if true. */
  readonly predicate?: Expr;
  readonly body: Block;
  readonly span: Span;
}

/** One attach point as written, quotes included. */
export interface AttachPoint {
  readonly text: string;
  readonly span: Span;
}

/** Statements in braces, with an optional value: `{ …; value }` */
export interface Block {
  readonly body: readonly Stmt[];
  /** The last expression, if no semicolon follows it. */
  readonly value?: Expr;
  readonly span: Span;
}

/** A type as written: `struct x *`, `uint8[6]`, `typeof(e)`. */
export interface TypeExpr {
  /** "uint64", "struct task_struct", "string"; empty for typeof. */
  readonly name: string;
  /** typeof's operand. */
  readonly typeOf?: Expr;
  /** `*` and `[N]` from left to right; undefined in brackets: none given. */
  readonly suffixes: readonly ("*" | Expr | undefined)[];
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
    | { readonly kind: "integer"; readonly value: bigint; readonly param?: string }
    /** Unescaped, one character a byte. */
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
      readonly operator: "-" | "!" | "~" | "*" | "&" | "+";
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
    | { readonly kind: "cast"; readonly to: TypeExpr; readonly operand: Expr }
    /** A type where an argument may be one: `sizeof(struct x)`. */
    | { readonly kind: "type"; readonly type: TypeExpr }
    /** `(a, b)`, `(x=a, y=b)` */
    | {
      readonly kind: "tuple";
      readonly elements: readonly { readonly name?: string; readonly value: Expr }[];
    }
    | Omit<IfExpr, "span">
    | { readonly kind: "block"; readonly block: Block }
    /** What a macro became. */
    | { readonly kind: "expansion"; readonly name: string; readonly block: Block }
  )
  & {
    /** Where. */
    readonly span: Span;
  };

/** Use of a variable: `$x` */
export interface VariableExpr {
  readonly kind: "variable";
  /** With its `$`. */
  readonly name: string;
  readonly span: Span;
}

/** `@x` or `@x[k, l]` */
export interface MapExpr {
  readonly kind: "map";
  /** With its `@`. */
  readonly name: string;
  /** Empty for a scalar map, or for the whole of a keyed one. */
  readonly keys: readonly Expr[];
  readonly span: Span;
}

/** Call of a function or a macro: `f(a, b)` */
export interface CallExpr {
  readonly kind: "call";
  readonly name: string;
  readonly args: readonly Expr[];
  readonly span: Span;
}

/** Increment or decrement: `++a`, `a--` */
export interface StepExpr {
  readonly kind: "step";
  readonly operator: "++" | "--";
  /** The value is that after the step. */
  readonly prefix: boolean;
  readonly target: VariableExpr | MapExpr;
  readonly span: Span;
}

/** Operation on two operands: `a + b` */
export interface BinaryExpr {
  readonly kind: "binary";
  readonly operator: BinaryOperator;
  readonly left: Expr;
  readonly right: Expr;
  readonly span: Span;
}

/** `if c { … } else { … }`, as a statement or as a value. */
export interface IfExpr {
  readonly kind: "if";
  /** `if comptime c`: decided while compiling. */
  readonly comptime: boolean;
  readonly condition: Expr;
  readonly then: Block;
  readonly otherwise?: Block;
  readonly span: Span;
}

/** A statement as it is written. */
export type Stmt =
  & (
    /** `f();` or, by `_ = f();`, without a warning that its value is dropped. */
    | { readonly kind: "expr"; readonly expr: Expr; readonly quiet?: boolean }
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
    /** Where. */
    readonly span: Span;
  };

/** `$x = e;`, `@x[k] += e;` */
export interface AssignStmt {
  readonly kind: "assign";
  readonly target: VariableExpr | MapExpr;
  /** Of a compound assignment. */
  readonly operator?: BinaryOperator;
  readonly value: Expr;
  readonly span: Span;
}
