// Pure: no I/O, no FFI.
// Tokens to syntax tree: recursive descent, precedence climbing for operators.

import type {
  AttachPoint,
  BinaryOperator,
  Clause,
  Expr,
  MapExpr,
  Program,
  Stmt,
  VariableExpr,
} from "./ast.ts";
import { Diagnostics, ScriptError, type Source, type Span } from "./diagnostics.ts";
import { Lexer } from "./lexer.ts";
import type { Token } from "./token.ts";

/** Binding strength; higher binds tighter. */
const PRECEDENCE: Readonly<Record<BinaryOperator, number>> = {
  "||": 1,
  "&&": 2,
  "|": 3,
  "^": 4,
  "&": 5,
  "==": 6,
  "!=": 6,
  "<": 7,
  ">": 7,
  "<=": 7,
  ">=": 7,
  "<<": 8,
  ">>": 8,
  "+": 9,
  "-": 9,
  "*": 10,
  "/": 10,
  "%": 10,
};

/** Levels of nesting, and operands in a row: both become recursion in every pass. */
const MAX_DEPTH = 200;
const MAX_CHAIN = 500;

/** Where a syntax error stops the parser. */
class SyntaxStop extends Error {}

/**
 * Parses a script.
 *
 * @throws {ScriptError} Syntax errors; the parser stops at the first.
 */
export function parse(source: Source): Program {
  const diagnostics = new Diagnostics();
  try {
    const program = new Parser(source.text, diagnostics).program();
    if (!diagnostics.failed) return program;
  } catch (error) {
    if (!(error instanceof SyntaxStop)) throw error;
  }
  throw new ScriptError(diagnostics.list, source);
}

class Parser {
  readonly #lexer: Lexer;
  readonly #diagnostics: Diagnostics;
  /** Next token and the offset before it; filled by #peek. */
  #ahead?: { token: Token; before: number };
  #previousEnd = 0;
  #inPredicate = false;
  #depth = 0;

  constructor(text: string, diagnostics: Diagnostics) {
    this.#lexer = new Lexer(text, diagnostics);
    this.#diagnostics = diagnostics;
  }

  program(): Program {
    const clauses: Clause[] = [];
    while (this.#lexer.peek() !== "") clauses.push(this.#clause());
    if (clauses.length === 0) this.#fail("no probes: the script is empty", { start: 0, end: 0 });
    return { clauses };
  }

  #clause(): Clause {
    const attachPoints: AttachPoint[] = [];
    const start = (this.#lexer.peek(), this.#lexer.offset);
    for (;;) {
      const { text, span } = this.#lexer.attachPoint();
      if (text === "") {
        this.#fail(`expected a probe, found '${this.#lexer.peek() || "end of file"}'`, {
          start: span.start,
          end: span.start + 1,
        });
      }
      attachPoints.push({ text, span });
      if (this.#lexer.peek() !== ",") break;
      this.#lexer.next();
      if (/[{/]/.test(this.#lexer.peek())) break; // a trailing comma
    }
    let predicate: Expr | undefined;
    if (this.#lexer.peek() === "/") {
      this.#expect("/");
      this.#inPredicate = true;
      predicate = this.#expression();
      this.#inPredicate = false;
      this.#expect("/");
    }
    const body = this.#block();
    return { attachPoints, predicate, body, span: { start, end: this.#previousEnd } };
  }

  #block(): Stmt[] {
    this.#expect("{");
    const statements: Stmt[] = [];
    while (!this.#accept("}")) {
      if (this.#accept(";")) continue;
      const statement = this.#statement();
      statements.push(statement);
      if (statement.kind !== "if" && !this.#is("}")) this.#expect(";");
    }
    return statements;
  }

  #statement(): Stmt {
    const start = this.#peek().span.start;
    if (this.#is("if")) return this.#if();
    const expr = this.#expression();
    const assignment = /^(<<|>>|[-+*/%&|^])?=$/.exec(this.#peek().text);
    if (assignment === null || this.#peek().kind !== "punct") {
      return { kind: "expr", expr, span: { start, end: this.#previousEnd } };
    }
    this.#next();
    if (expr.kind !== "variable" && expr.kind !== "map") {
      this.#fail("can only assign to a variable or a map", expr.span);
    }
    const value = this.#expression();
    return {
      kind: "assign",
      target: expr,
      operator: assignment[1] as BinaryOperator | undefined,
      value,
      span: { start, end: this.#previousEnd },
    };
  }

  #if(): Stmt {
    const start = this.#next().span.start;
    const condition = this.#expression();
    const then = this.#nested(() => this.#block());
    let otherwise: Stmt[] = [];
    if (this.#accept("else")) {
      otherwise = this.#is("if") ? [this.#nested(() => this.#if())] : this.#block();
    }
    return { kind: "if", condition, then, otherwise, span: { start, end: this.#previousEnd } };
  }

  #expression(): Expr {
    return this.#nested(() => {
      const condition = this.#binary(1);
      const { start } = condition.span;
      if (this.#accept("?:")) {
        const otherwise = this.#expression();
        return { kind: "ternary", condition, otherwise, span: { start, end: this.#previousEnd } };
      }
      if (!this.#accept("?")) return condition;
      const then = this.#expression();
      this.#expect(":");
      const otherwise = this.#expression();
      const span = { start, end: this.#previousEnd };
      return { kind: "ternary", condition, then, otherwise, span };
    });
  }

  #binary(minimum: number): Expr {
    let left = this.#unary();
    for (let length = 0;; length++) {
      const token = this.#peek();
      if (length > MAX_CHAIN) this.#fail(`more than ${MAX_CHAIN} operands in a row`, token.span);
      const operator = token.text as BinaryOperator;
      const precedence = token.kind === "punct" ? PRECEDENCE[operator] : undefined;
      if (precedence === undefined || precedence < minimum) return left;
      if (operator === "/" && this.#atPredicateEnd()) return left;
      this.#next();
      const right = this.#nested(() => this.#binary(precedence + 1));
      const span = { start: left.span.start, end: right.span.end };
      left = { kind: "binary", operator, left, right, span };
    }
  }

  #unary(): Expr {
    const token = this.#peek();
    if (token.kind !== "punct") return this.#postfix();
    const { start } = token.span;
    switch (token.text) {
      case "-":
      case "!":
      case "~": {
        this.#next();
        const operand = this.#nested(() => this.#unary());
        const span = { start, end: this.#previousEnd };
        return { kind: "unary", operator: token.text, operand, span };
      }
      case "++":
      case "--": {
        this.#next();
        const target = this.#stepTarget(this.#nested(() => this.#unary()), token.text);
        const span = { start, end: this.#previousEnd };
        return { kind: "step", operator: token.text, prefix: true, target, span };
      }
    }
    return this.#postfix();
  }

  #postfix(): Expr {
    let expr = this.#primary();
    const { start } = expr.span;
    for (;;) {
      const token = this.#peek();
      if (token.kind !== "punct") return expr;
      switch (token.text) {
        case ".":
        case "->": {
          this.#next();
          const field = this.#next();
          if (field.kind !== "identifier") this.#unexpected(field, "a field name");
          const span = { start, end: this.#previousEnd };
          expr = { kind: "field", object: expr, field: field.text, span };
          continue;
        }
        case "[": {
          this.#next();
          const index = this.#expression();
          this.#expect("]");
          expr = { kind: "index", object: expr, index, span: { start, end: this.#previousEnd } };
          continue;
        }
        case "++":
        case "--": {
          this.#next();
          const target = this.#stepTarget(expr, token.text);
          const span = { start, end: this.#previousEnd };
          expr = { kind: "step", operator: token.text, prefix: false, target, span };
          continue;
        }
      }
      return expr;
    }
  }

  #primary(): Expr {
    const token = this.#next();
    const { span } = token;
    switch (token.kind) {
      case "integer":
        return { kind: "integer", value: token.value!, span };
      case "string":
        return { kind: "string", value: token.text, span };
      case "variable":
        return { kind: "variable", name: token.text, span };
      case "map": {
        const keys = this.#accept("[") ? this.#list("]") : [];
        const whole = { start: span.start, end: this.#previousEnd };
        return { kind: "map", name: token.text, keys, span: whole };
      }
      case "identifier": {
        if (token.text === "true" || token.text === "false") {
          return { kind: "bool", value: token.text === "true", span };
        }
        if (!this.#accept("(")) return { kind: "name", name: token.text, span };
        const args = this.#list(")");
        const whole = { start: span.start, end: this.#previousEnd };
        return { kind: "call", name: token.text, args, span: whole };
      }
    }
    if (token.text === "(" && token.kind === "punct") {
      const inner = this.#expression();
      this.#expect(")");
      return inner;
    }
    return this.#unexpected(token, "an expression");
  }

  #list(close: string): Expr[] {
    const items: Expr[] = [];
    while (!this.#accept(close)) {
      items.push(this.#expression());
      if (!this.#is(close)) this.#expect(",");
    }
    return items;
  }

  #stepTarget(expr: Expr, operator: string): VariableExpr | MapExpr {
    if (expr.kind !== "variable" && expr.kind !== "map") {
      this.#fail(`${operator} can only be applied to a variable or a map`, expr.span);
    }
    return expr;
  }

  /** Guards the stack of this process against a script of a million parentheses. */
  #nested<T>(parse: () => T): T {
    if (++this.#depth > MAX_DEPTH) {
      this.#fail(`nested more than ${MAX_DEPTH} levels deep`, this.#peek().span);
    }
    const result = parse();
    this.#depth--;
    return result;
  }

  #peek(): Token {
    if (this.#ahead === undefined) {
      const before = this.#lexer.offset;
      this.#ahead = { token: this.#lexer.next(), before };
    }
    return this.#ahead.token;
  }

  #next(): Token {
    const token = this.#peek();
    this.#ahead = undefined;
    this.#previousEnd = token.span.end;
    return token;
  }

  /** The next token is the `/` before a predicate's `{`. */
  #atPredicateEnd(): boolean {
    if (!this.#inPredicate) return false;
    this.#lexer.rewind(this.#ahead!.before);
    const ends = this.#lexer.endsPredicate();
    this.#ahead = undefined;
    return ends;
  }

  #is(text: string): boolean {
    const token = this.#peek();
    return token.text === text && (token.kind === "punct" || token.kind === "identifier");
  }

  #accept(text: string): boolean {
    const found = this.#is(text);
    if (found) this.#next();
    return found;
  }

  #expect(text: string): void {
    if (!this.#is(text)) this.#unexpected(this.#peek(), `'${text}'`);
    this.#next();
  }

  #unexpected(token: Token, wanted: string): never {
    const found = token.kind === "string" ? "a string" : `'${token.text}'`;
    const start = token.span.start;
    const end = Math.max(token.span.end, start + 1);
    this.#fail(`syntax error, unexpected ${found}, expecting ${wanted}`, { start, end });
  }

  #fail(message: string, span: Span): never {
    this.#diagnostics.error("syntax", message, span);
    throw new SyntaxStop();
  }
}
