// Pure: no I/O, no FFI.
// Expressions and types: recursive descent, precedence climbing for operators.

import { plainName } from "../model/builtins.ts";
import type { BinaryOperator, Block, Expr, MapExpr, TypeExpr, VariableExpr } from "./ast.ts";
import type { Cursor } from "./cursor.ts";
import type { Token } from "./token.ts";

/** Binding strength; higher binds tighter. */
export const PRECEDENCE: Readonly<Record<BinaryOperator, number>> = {
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

/** Operators behind their operand. */
const POSTFIX: ReadonlySet<string> = new Set([".", "->", "[", "++", "--"]);

/** Words that only name types. */
export const TYPE_WORD =
  /^(u?int(8|16|32|64)(_t)?|bool|void|string|buffer|inet|struct|union|enum|typeof|unsigned|signed|long|short|char|int|size_t)$/;
/** Words that make one C type name together. */
const C_WORD = /^(unsigned|signed|long|short|char|int)$/;

/** Parses expressions; a function of the statement parser reads blocks inside expressions. */
export class ExpressionParser {
  readonly #cursor: Cursor;
  readonly #block: () => Block;
  /** True inside a predicate, which a `/` before a `{` ends. */
  inPredicate = false;

  constructor(cursor: Cursor, block: () => Block) {
    this.#cursor = cursor;
    this.#block = block;
  }

  /** Reads an expression with all its operators. */
  expression(): Expr {
    const cursor: Cursor = this.#cursor;
    return cursor.nested(() => {
      const condition = this.#binary(1);
      const { start } = condition.span;
      if (cursor.accept("?:")) {
        const otherwise = this.expression();
        return { kind: "ternary", condition, otherwise, span: cursor.since(start) };
      }
      if (!cursor.accept("?")) return condition;
      const then = this.expression();
      cursor.expect(":");
      const otherwise = this.expression();
      return { kind: "ternary", condition, then, otherwise, span: cursor.since(start) };
    });
  }

  /** Reads a type where nothing but a type can stand. */
  type(): TypeExpr {
    const cursor: Cursor = this.#cursor;
    const { start } = cursor.peek().span;
    const word = cursor.take("identifier", "type name").text;
    let name = word;
    let typeOf: Expr | undefined;
    if (word === "typeof") {
      cursor.expect("(");
      const inner = this.#typeOrExpression();
      cursor.expect(")");
      if (inner.kind === "type") return this.#suffixes({ ...inner.type, span: inner.span }, start);
      typeOf = inner;
      name = "";
    } else if (/^(struct|union|enum)$/.test(word)) {
      name = `${word} ${cursor.take("identifier", "a name").text}`;
    } else if (C_WORD.test(word)) {
      while (cursor.peek().kind === "identifier" && C_WORD.test(cursor.peek().text)) {
        name += ` ${cursor.next().text}`;
      }
    }
    return this.#suffixes({ name, typeOf, suffixes: [], span: cursor.since(start) }, start);
  }

  #suffixes(type: TypeExpr, start: number): TypeExpr {
    const cursor: Cursor = this.#cursor;
    const suffixes = [...type.suffixes];
    for (;;) {
      if (suffixes.length > 0) cursor.deepen();
      if (cursor.accept("*")) suffixes.push("*");
      else if (cursor.accept("[")) {
        suffixes.push(cursor.is("]") ? undefined : this.expression());
        cursor.expect("]");
      } else return { ...type, suffixes, span: cursor.since(start) };
    }
  }

  #typeOrExpression(): Expr {
    const cursor: Cursor = this.#cursor;
    const token = cursor.peek();
    if (token.kind === "identifier" && TYPE_WORD.test(token.text)) {
      const type = this.type();
      return { kind: "type", type, span: type.span };
    }
    return this.expression();
  }

  #binary(minimum: number): Expr {
    const cursor: Cursor = this.#cursor;
    let left = this.#unary();
    for (;;) {
      const token = cursor.peek();
      const operator = token.text as BinaryOperator;
      const precedence = token.kind === "punct" ? PRECEDENCE[operator] : undefined;
      if (precedence === undefined || precedence < minimum) return left;
      if (operator === "/" && this.#atPredicateEnd()) return left;
      cursor.next();
      cursor.deepen();
      const right = cursor.nested(() => this.#binary(precedence + 1));
      const span = { start: left.span.start, end: right.span.end };
      left = { kind: "binary", operator, left, right, span };
    }
  }

  /** True if the next token is the `/` before the `{` of the body. */
  #atPredicateEnd(): boolean {
    return this.inPredicate && this.#cursor.raw().endsPredicate();
  }

  #unary(): Expr {
    const cursor: Cursor = this.#cursor;
    const token = cursor.peek();
    if (token.kind !== "punct") return this.#postfix();
    const { start } = token.span;
    switch (token.text) {
      case "-":
      case "!":
      case "~":
      case "*":
      case "&": {
        cursor.next();
        const operand = cursor.nested(() => this.#unary());
        return { kind: "unary", operator: token.text, operand, span: cursor.since(start) };
      }
      case "++":
      case "--": {
        cursor.next();
        const target = this.#stepTarget(cursor.nested(() => this.#unary()));
        return {
          kind: "step",
          operator: token.text,
          prefix: true,
          target,
          span: cursor.since(start),
        };
      }
      case "(": {
        const cast = this.#cast();
        if (cast !== undefined) return cast;
      }
    }
    return this.#postfix();
  }

  /** Reads a cast, `(type)operand`; undefined, with nothing read, for another expression. */
  #cast(): Expr | undefined {
    const cursor: Cursor = this.#cursor;
    const mark = cursor.mark();
    const { start } = cursor.next().span;
    const word = cursor.peek();
    // Names that may be types: `(foo)x` is a cast, `(foo) - x` is one if the name looks like a type's.
    const maybe = word.kind === "identifier" && cursor.raw().looksLike(
      /[A-Za-z_]\w*\s*(\*\s*|\[\s*\d*\s*\]\s*)*\)\s*([\w$@"(&]|\*\s*[\w$@(])|([us]\d+|\w+_t)\s*\)\s*[-!~]/y,
    );
    const sure = word.kind === "identifier" && TYPE_WORD.test(word.text);
    if (!sure && !maybe) {
      cursor.back(mark);
      return undefined;
    }
    if (!sure) {
      // `(a) * b` and `(a) & b` are arithmetic; a star inside the parentheses makes a pointer type.
      const type = cursor.raw().looksLike(/[A-Za-z_]\w*\s*(\*|\[)/y);
      const computes = cursor.raw().looksLike(/[A-Za-z_]\w*\s*\)\s*[*&]/y);
      const keyword = cursor.raw().looksLike(
        /[A-Za-z_]\w*\s*\)\s*(if|else|for|while|return|unroll)\b/y,
      );
      if ((!type && (computes || keyword || NOT_TYPES.has(word.text)))) {
        cursor.back(mark);
        return undefined;
      }
    }
    const to = this.type();
    if (!cursor.is(")")) {
      if (!sure) {
        cursor.back(mark);
        return undefined;
      }
      cursor.expect(")");
    }
    cursor.next();
    const head = cursor.since(start);
    const operand = cursor.nested(() => this.#unary());
    return { kind: "cast", to, head, operand, span: cursor.since(start) };
  }

  #postfix(): Expr {
    const cursor: Cursor = this.#cursor;
    let expr = this.#primary();
    const { start } = expr.span;
    for (;;) {
      const token = cursor.peek();
      if (token.kind !== "punct") return expr;
      if (POSTFIX.has(token.text)) cursor.deepen();
      switch (token.text) {
        case ".":
        case "->": {
          cursor.next();
          const field = cursor.next();
          if (field.kind === "punct" && field.text === "[") {
            // t.[2]
            const index = this.expression();
            cursor.expect("]");
            expr = { kind: "index", object: expr, index, span: cursor.since(start) };
            continue;
          }
          if (field.kind !== "identifier" && field.kind !== "integer") {
            cursor.unexpected(field, "field name after '.'");
          }
          expr = { kind: "field", object: expr, field: field.text, span: cursor.since(start) };
          continue;
        }
        case "[": {
          cursor.next();
          const index = this.expression();
          cursor.expect("]");
          expr = { kind: "index", object: expr, index, span: cursor.since(start) };
          continue;
        }
        case "++":
        case "--": {
          cursor.next();
          const target = this.#stepTarget(expr);
          expr = {
            kind: "step",
            operator: token.text,
            prefix: false,
            target,
            span: cursor.since(start),
          };
          continue;
        }
      }
      return expr;
    }
  }

  #primary(): Expr {
    const cursor: Cursor = this.#cursor;
    const token = cursor.peek();
    const { span } = token;
    if (cursor.is("{")) {
      const block = cursor.nested(() => this.#block());
      return { kind: "block", block, span: block.span };
    }
    if (cursor.is("if")) return this.ifExpression(true);
    cursor.next();
    switch (token.kind) {
      case "integer":
        return { kind: "integer", value: token.value!, span };
      case "string":
        return { kind: "string", value: token.text, span };
      case "param":
        return {
          kind: "param",
          index: token.text === "$#" ? 0 : Number(token.text.slice(1)),
          span,
        };
      case "value":
        return cursor.value(token);
      case "variable":
        return { kind: "variable", name: token.text, span };
      case "map":
        return this.#map(token);
      case "identifier":
        return this.#named(token);
    }
    if (token.text === "(" && token.kind === "punct") return this.#parenthesized(span.start);
    return cursor.unexpected(token, "expression");
  }

  #map(token: Token): Expr {
    const cursor: Cursor = this.#cursor;
    const bracket = cursor.accept("[");
    if (bracket && cursor.is("]")) cursor.unexpected(cursor.peek(), "expression");
    const keys = bracket ? this.list("]") : [];
    return { kind: "map", name: token.text, keys, span: cursor.since(token.span.start) };
  }

  #named(token: Token): Expr {
    const cursor: Cursor = this.#cursor;
    const { span, text } = token;
    if (text === "true" || text === "false") return { kind: "bool", value: text === "true", span };
    if (/^(struct|union|enum|typeof)$/.test(text)) {
      cursor.back(span.start);
      const type = this.type();
      return { kind: "type", type, span: type.span };
    }
    if (!cursor.accept("(")) return { kind: "name", name: plainName(text), span };
    if (text === "sizeof" || text === "typeinfo") {
      const arg = this.#typeOrExpression();
      cursor.expect(")");
      return { kind: "call", name: text, args: [arg], span: cursor.since(span.start) };
    }
    if (text === "offsetof") return this.#offsetOf(span.start);
    const args: Expr[] = [];
    while (!cursor.accept(")")) {
      args.push(this.#typeOrExpression());
      if (cursor.is(")")) continue;
      if (!cursor.is(",")) cursor.expect(")");
      cursor.next();
      if (cursor.is(")")) cursor.unexpected(cursor.peek(), "expression");
    }
    return { kind: "call", name: text, args, span: cursor.since(span.start) };
  }

  /** Reads the arguments of offsetof(), a type and a path of members. */
  #offsetOf(start: number): Expr {
    const cursor: Cursor = this.#cursor;
    const type = this.#typeOrExpression();
    cursor.expect(",");
    if (cursor.peek().kind !== "identifier") cursor.expect(")");
    const path = this.expression();
    cursor.expect(")");
    return { kind: "call", name: "offsetof", args: [type, path], span: cursor.since(start) };
  }

  /** After the `(`: an expression, a tuple or a record. */
  #parenthesized(start: number): Expr {
    const cursor: Cursor = this.#cursor;
    const elements: { name?: string; value: Expr }[] = [];
    let tuple = cursor.is(")");
    while (!cursor.accept(")")) {
      const named = cursor.peek().kind === "identifier" &&
        cursor.raw().looksLike(/[A-Za-z_]\w*\s*=[^=]/y);
      const { start: from } = cursor.peek().span;
      // After a name, every element has one.
      if (!named && elements.some(({ name }) => name !== undefined)) {
        cursor.unexpected(cursor.peek(), "identifier");
      }
      let name: string | undefined;
      if (named) {
        name = cursor.next().text;
        cursor.expect("=");
        tuple = true;
      }
      const value = this.expression();
      if (named && elements.some((one) => one.name === name)) {
        const message = `syntax: Named argument list already contains name: ${name}`;
        cursor.fail(message, cursor.since(from));
      }
      elements.push({ name, value });
      if (cursor.is(")")) continue;
      if (!cursor.is(",")) cursor.expect(")");
      cursor.next();
      if (named && cursor.is(")")) cursor.unexpected(cursor.peek(), "identifier");
      tuple = true;
    }
    const span = cursor.since(start);
    if (!tuple) return elements[0].value;
    const names = elements.filter(({ name }) => name !== undefined).length;
    if (names !== 0 && names !== elements.length) {
      cursor.fail("either all elements of a record have names or none", span);
    }
    return { kind: "tuple", elements, span };
  }

  /**
   * Reads a condition with its blocks: `if c { … } else if d { … } else { … }`
   *
   * @param value The condition stands where a value is wanted, and passes recurse for each `else if`.
   */
  ifExpression(value: boolean): Expr & { kind: "if" } {
    const cursor: Cursor = this.#cursor;
    return cursor.nested(() => {
      const arms: { start: number; comptime: boolean; condition: Expr; then: Block }[] = [];
      let otherwise: Block | undefined;
      do {
        if (value) cursor.deepen();
        const { start } = cursor.next().span;
        const comptime = cursor.accept("comptime");
        if (cursor.raw().looksLike(/\(\s*\)/y)) {
          cursor.next();
          cursor.unexpected(cursor.peek(), "expression");
        }
        const condition = this.expression();
        arms.push({ start, comptime, condition, then: this.#block() });
        if (!cursor.accept("else")) break;
        if (!cursor.is("if")) otherwise = this.#block();
      } while (otherwise === undefined);
      for (let i = arms.length - 1;; i--) {
        const { start, ...arm } = arms[i];
        const span = cursor.since(start);
        const one = { kind: "if", ...arm, otherwise, span } as const;
        if (i === 0) return one;
        otherwise = { body: [], value: one, span };
      }
    });
  }

  /** Reads expressions between commas, and the closing bracket behind them. */
  list(close: string): Expr[] {
    const cursor: Cursor = this.#cursor;
    const items: Expr[] = [];
    while (!cursor.accept(close)) {
      items.push(this.expression());
      if (cursor.is(close)) continue;
      if (!cursor.is(",")) cursor.expect(close);
      cursor.next();
      if (cursor.is(close)) cursor.unexpected(cursor.peek(), "expression");
    }
    return items;
  }

  #stepTarget(expr: Expr): VariableExpr | MapExpr {
    if (expr.kind !== "variable" && expr.kind !== "map") {
      const span = expr.kind === "cast" ? expr.head : expr.span;
      this.#cursor.fail("syntax: increment/decrement requires a variable or map", span);
    }
    return expr;
  }
}

/** Builtin values, which are no types: `(pid)x` is no cast. */
const NOT_TYPES: ReadonlySet<string> = new Set(
  "pid tid uid gid comm cpu nsecs elapsed args ctx retval probe curtask cgroup rand func kstack ustack username"
    .split(" "),
);
