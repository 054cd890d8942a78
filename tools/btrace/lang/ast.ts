// Pure: no I/O, no FFI.
// The syntax tree. Nodes are never changed; what passes find out is kept beside them.

import type { Span } from "./diagnostics.ts";

/** A whole script. */
export interface Program {
  /** In source order. */
  readonly clauses: readonly Clause[];
}

/** `PROBE, PROBE /predicate/ { body }` */
export interface Clause {
  /** Attach points as written. */
  readonly attachPoints: readonly AttachPoint[];
  /** Runs the body only if true. */
  readonly predicate?: Expr;
  /** Statements. */
  readonly body: readonly Stmt[];
  /** Where. */
  readonly span: Span;
}

/** One attach point. */
export interface AttachPoint {
  /** As written, quotes included. */
  readonly text: string;
  /** Where. */
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

/** An expression. */
export type Expr =
  | IntegerExpr
  | StringExpr
  | BoolExpr
  | NameExpr
  | VariableExpr
  | MapExpr
  | FieldExpr
  | IndexExpr
  | CallExpr
  | UnaryExpr
  | StepExpr
  | BinaryExpr
  | TernaryExpr;

/** `42` */
export interface IntegerExpr {
  /** Discriminator. */
  readonly kind: "integer";
  /** Between -2^63 and 2^64-1. */
  readonly value: bigint;
  /** Where. */
  readonly span: Span;
}

/** `"text"` */
export interface StringExpr {
  /** Discriminator. */
  readonly kind: "string";
  /** Unescaped, one character a byte. */
  readonly value: string;
  /** Where. */
  readonly span: Span;
}

/** `true` */
export interface BoolExpr {
  /** Discriminator. */
  readonly kind: "bool";
  /** Value. */
  readonly value: boolean;
  /** Where. */
  readonly span: Span;
}

/** `pid`, `args` */
export interface NameExpr {
  /** Discriminator. */
  readonly kind: "name";
  /** Identifier. */
  readonly name: string;
  /** Where. */
  readonly span: Span;
}

/** `$x` */
export interface VariableExpr {
  /** Discriminator. */
  readonly kind: "variable";
  /** With its `$`. */
  readonly name: string;
  /** Where. */
  readonly span: Span;
}

/** `@x` or `@x[k, l]` */
export interface MapExpr {
  /** Discriminator. */
  readonly kind: "map";
  /** With its `@`. */
  readonly name: string;
  /** Empty for a scalar map, or for the whole of a keyed one. */
  readonly keys: readonly Expr[];
  /** Where. */
  readonly span: Span;
}

/** `a.b`, `a->b` */
export interface FieldExpr {
  /** Discriminator. */
  readonly kind: "field";
  /** Left side. */
  readonly object: Expr;
  /** Name of the field. */
  readonly field: string;
  /** Where. */
  readonly span: Span;
}

/** `a[i]` */
export interface IndexExpr {
  /** Discriminator. */
  readonly kind: "index";
  /** Left side. */
  readonly object: Expr;
  /** Between the brackets. */
  readonly index: Expr;
  /** Where. */
  readonly span: Span;
}

/** `f(a, b)` */
export interface CallExpr {
  /** Discriminator. */
  readonly kind: "call";
  /** Function. */
  readonly name: string;
  /** Arguments. */
  readonly args: readonly Expr[];
  /** Where. */
  readonly span: Span;
}

/** `-a`, `!a`, `~a` */
export interface UnaryExpr {
  /** Discriminator. */
  readonly kind: "unary";
  /** Operator. */
  readonly operator: "-" | "!" | "~";
  /** Operand. */
  readonly operand: Expr;
  /** Where. */
  readonly span: Span;
}

/** `++a`, `a--` */
export interface StepExpr {
  /** Discriminator. */
  readonly kind: "step";
  /** Operator. */
  readonly operator: "++" | "--";
  /** The value is that after the step. */
  readonly prefix: boolean;
  /** What is changed. */
  readonly target: VariableExpr | MapExpr;
  /** Where. */
  readonly span: Span;
}

/** `a + b` */
export interface BinaryExpr {
  /** Discriminator. */
  readonly kind: "binary";
  /** Operator. */
  readonly operator: BinaryOperator;
  /** Left operand. */
  readonly left: Expr;
  /** Right operand. */
  readonly right: Expr;
  /** Where. */
  readonly span: Span;
}

/** `a ? b : c`; `a ?: c` has no `then`. */
export interface TernaryExpr {
  /** Discriminator. */
  readonly kind: "ternary";
  /** Condition. */
  readonly condition: Expr;
  /** Value if true; absent: the condition's. */
  readonly then?: Expr;
  /** Value if false. */
  readonly otherwise: Expr;
  /** Where. */
  readonly span: Span;
}

/** A statement. */
export type Stmt = ExprStmt | AssignStmt | IfStmt;

/** `f();` */
export interface ExprStmt {
  /** Discriminator. */
  readonly kind: "expr";
  /** The expression; its value is dropped. */
  readonly expr: Expr;
  /** Where. */
  readonly span: Span;
}

/** `$x = e;`, `@x[k] += e;` */
export interface AssignStmt {
  /** Discriminator. */
  readonly kind: "assign";
  /** What is assigned to. */
  readonly target: VariableExpr | MapExpr;
  /** Of a compound assignment. */
  readonly operator?: BinaryOperator;
  /** Right side. */
  readonly value: Expr;
  /** Where. */
  readonly span: Span;
}

/** `if (c) { … } else { … }` */
export interface IfStmt {
  /** Discriminator. */
  readonly kind: "if";
  /** Condition. */
  readonly condition: Expr;
  /** If true. */
  readonly then: readonly Stmt[];
  /** If false. */
  readonly otherwise: readonly Stmt[];
  /** Where. */
  readonly span: Span;
}
