// Pure: no I/O, no FFI.
// Tokens to syntax tree: the script, its declarations and statements.

import type {
  AttachPoint,
  BinaryOperator,
  Block,
  Clause,
  ConfigEntry,
  Expr,
  FunctionDefinition,
  Macro,
  MapDeclaration,
  MapExpr,
  Program,
  Stmt,
  TypeExpr,
} from "./ast.ts";
import { Cursor, SyntaxStop } from "./cursor.ts";
import { Diagnostics, ScriptError, type Source } from "./diagnostics.ts";
import { ExpressionParser } from "./parse_expression.ts";
import type { Token } from "./token.ts";
import type { MapKind } from "../model/types.ts";

const MAP_KINDS = ["hash", "lruhash", "percpuhash", "percpulruhash"];

/**
 * Parses the last file of a source as a script.
 *
 * @throws {ScriptError} Syntax errors; the parser stops at the first.
 */
export function parse(source: Source): Program {
  return parseAll(source, (parser) => {
    const program = parser.program();
    parser.checkValues();
    return program;
  });
}

/**
 * Parses the last file of a source as one expression.
 *
 * @throws {ScriptError} The file is no expression, or has more than one.
 */
export function parseExpression(source: Source): Expr {
  return parseAll(source, (parser) => parser.onlyExpression());
}

function parseAll<T>(source: Source, read: (parser: Parser) => T): T {
  const diagnostics = new Diagnostics(source.budget);
  try {
    const result = diagnostics.guard(() => read(new Parser(source, diagnostics)));
    if (!diagnostics.failed) return result!;
  } catch (error) {
    if (!(error instanceof SyntaxStop)) throw error;
  }
  throw new ScriptError(diagnostics.list, source);
}

/** The parts of a program while they are collected. */
type Parts = { -readonly [K in keyof Program]: Program[K][number][] };

class Parser {
  readonly #cursor: Cursor;
  readonly #expressions: ExpressionParser;

  constructor(source: Source, diagnostics: Diagnostics) {
    this.#cursor = new Cursor(source, diagnostics);
    this.#expressions = new ExpressionParser(this.#cursor, () => this.#block());
  }

  /** True once a config block was read: there is one. */
  #hasConfig = false;

  onlyExpression(): Expr {
    const expr = this.#expressions.expression();
    const rest = this.#cursor.peek();
    if (rest.kind !== "end") this.#cursor.unexpected(rest, "the end");
    return expr;
  }

  checkValues(): void {
    this.#cursor.checkValues();
  }

  program(): Program {
    const parts: Parts = {
      definitions: [],
      config: [],
      imports: [],
      maps: [],
      macros: [],
      functions: [],
      clauses: [],
    };
    const lexer = this.#cursor.raw();
    while (lexer.peek() !== "") this.#root(parts);
    return parts;
  }

  /** Reads one item of the top level. Definitions come first, then config and imports, then the rest. */
  #root(parts: Parts): void {
    const lexer = this.#cursor.raw();
    const rest = parts.clauses.length + parts.macros.length + parts.functions.length +
        parts.maps.length > 0;
    const early = (what: string) => {
      if (!rest) return;
      const { span } = this.#cursor.next();
      this.#cursor.fail(`syntax: ${what} must appear before probes and functions`, span);
    };
    if (lexer.looksLike(/#|(struct|union|enum|typedef)\b(?!\s*:)/y)) {
      if (parts.config.length + parts.imports.length > 0 || rest) {
        const { span } = lexer.definition();
        this.#cursor.fail(
          "syntax: C definitions must appear before probes and functions",
          { start: span.start, end: span.end },
        );
      }
      parts.definitions.push(lexer.definition());
    } else if (lexer.looksLike(/config\b/y)) {
      early("config");
      this.#config(parts.config);
    } else if (lexer.looksLike(/import\b(?!\s*[:{])/y)) {
      early("root imports");
      const { start } = this.#cursor.next().span;
      const path = this.#cursor.take("string", "string after 'import'").text;
      const span = this.#cursor.since(start);
      if (!this.#cursor.accept(";")) {
        this.#cursor.unexpected(this.#cursor.peek(), "';' after import");
      }
      parts.imports.push({ path, span });
    } else if (lexer.looksLike(/let\b(?!\s*(@|:))/y)) {
      const { span } = this.#cursor.next();
      const message = "syntax: root-level let statements need to be map declarations, e.g. " +
        "let @a = hash(2);";
      this.#cursor.fail(message, span);
    } else if (lexer.looksLike(/let\s*@/y)) {
      parts.maps.push(this.#mapDeclaration());
    } else if (lexer.looksLike(/macro\b(?!\s*:)/y)) {
      parts.macros.push(this.#macro());
    } else if (lexer.looksLike(/fn\s+[A-Za-z_]\w*\s*\(/y)) {
      parts.functions.push(this.#function());
    } else {
      parts.clauses.push(this.#clause());
    }
  }

  #config(entries: ConfigEntry[]): void {
    const cursor: Cursor = this.#cursor;
    const word = cursor.next();
    if (this.#hasConfig) cursor.fail("syntax: duplicate config block", word.span);
    this.#hasConfig = true;
    cursor.expect("=");
    cursor.expect("{");
    while (!cursor.accept("}")) {
      if (cursor.accept(";") || cursor.accept(",")) continue;
      const key = cursor.take("identifier", "a configuration key");
      cursor.expect("=");
      const value = cursor.next();
      if (!["integer", "string", "identifier"].includes(value.kind)) {
        cursor.unexpected(value, "string, int, boolean, or ident");
      }
      const text = value.kind === "integer" ? `${value.value}` : value.text;
      entries.push({ key: key.text, value: text, span: cursor.since(key.span.start) });
      if (!cursor.is("}")) cursor.expect(";");
    }
  }

  #mapDeclaration(): MapDeclaration {
    const cursor: Cursor = this.#cursor;
    const { start } = cursor.next().span;
    const name = cursor.take("map", "a map").text;
    cursor.expect("=");
    const kind = cursor.take("identifier", "a kind of map");
    cursor.expect("(");
    const size = cursor.peek();
    if (size.kind !== "integer") {
      const message = "syntax: expected positive integer for map declaration max entries";
      cursor.fail(message, { start: size.span.start, end: size.span.start + widthOf(size) });
    }
    const entries = this.#expressions.expression();
    cursor.expect(")");
    cursor.accept(";");
    const span = cursor.since(start);
    if (!MAP_KINDS.includes(kind.text)) {
      const kinds = MAP_KINDS.toReversed().join(", ");
      cursor.fail(`Invalid bpf map type: ${kind.text}`, span, `Valid map types: ${kinds}`);
    }
    return { name, kind: kind.text as MapKind, entries, span };
  }

  #macro(): Macro {
    const cursor: Cursor = this.#cursor;
    const { start } = cursor.next().span;
    const name = cursor.take("identifier", "macro name").text;
    const head = cursor.since(start);
    cursor.expect("(");
    const params: string[] = [];
    while (!cursor.accept(")")) {
      const param = cursor.next();
      if (params.includes(param.text)) {
        const message = `Ident for macro argument has already been used: ${param.text}`;
        cursor.fail(message, param.span);
      }
      if (!["variable", "map", "identifier"].includes(param.kind)) {
        cursor.unexpected(param, "macro argument ($var, @map, or identifier)");
      }
      params.push(param.text);
      if (!cursor.is(")")) cursor.expect(",");
    }
    const body = this.#block();
    return { name, params, head, body, span: cursor.since(start) };
  }

  #function(): FunctionDefinition {
    const cursor: Cursor = this.#cursor;
    const { start } = cursor.next().span;
    const name = cursor.next().text;
    cursor.expect("(");
    const params: { name: string; type: TypeExpr }[] = [];
    while (!cursor.accept(")")) {
      const param = cursor.take("variable", "a parameter");
      cursor.expect(":");
      params.push({ name: param.text, type: this.#expressions.type() });
      if (!cursor.is(")")) cursor.expect(",");
    }
    const result = cursor.accept(":") ? this.#expressions.type() : undefined;
    const body = this.#block();
    return { name, params, result, body, span: cursor.since(start) };
  }

  #clause(): Clause {
    const cursor: Cursor = this.#cursor;
    const lexer = cursor.raw();
    const attachPoints: AttachPoint[] = [];
    const start = (lexer.peek(), lexer.offset);
    for (;;) {
      if (/[{}]/.test(lexer.peek())) cursor.unexpected(cursor.next(), "attach point");
      const name = lexer.attachPoint();
      const { text, span } = name;
      if (!/^[\w*"$]/.test(text)) {
        if (text === "") cursor.next();
        cursor.unexpected(cursor.peek(), "'{'");
      }
      attachPoints.push({ text: cursor.named(name), span });
      if (lexer.peek() !== ",") break;
      lexer.next();
      if (/[{/]/.test(lexer.peek())) break; // a trailing comma
    }
    let predicate: Expr | undefined;
    if (lexer.peek() === "/") {
      cursor.expect("/");
      this.#expressions.inPredicate = true;
      predicate = this.#expressions.expression();
      this.#expressions.inPredicate = false;
      if (!cursor.is("/")) cursor.unexpected(cursor.peek(), "'/' to close predicate");
      cursor.next();
    }
    const body = this.#block();
    return { attachPoints, predicate, body, span: cursor.since(start) };
  }

  #block(): Block {
    const cursor: Cursor = this.#cursor;
    const { inPredicate } = this.#expressions;
    this.#expressions.inPredicate = false;
    const { start } = cursor.peek().span;
    cursor.expect("{");
    const body: Stmt[] = [];
    let value: Expr | undefined;
    let canEnd = false;
    while (!cursor.accept("}")) {
      if (canEnd && cursor.accept(";")) {
        canEnd = false;
        continue;
      }
      if (cursor.peek().kind === "end") cursor.unexpected(cursor.peek(), "'}'");
      const beginsPlace = ["variable", "map"].includes(cursor.peek().kind);
      const statement = this.#statement();
      // Behind the brace of an expression a semicolon may stand.
      canEnd = statement.kind === "expr" && endsInBlock(statement);
      if (cursor.is("}") && statement.kind === "expr" && !statement.quiet) {
        value = statement.expr;
      } else {
        if (!endsInBlock(statement) && !cursor.is("}")) cursor.expect(";");
        // A statement that is an expression has its semicolon, as the other kinds have not.
        const withEnd = statement.kind === "expr" && !statement.quiet;
        body.push(
          withEnd
            ? {
              ...statement,
              span: cursor.since(statement.span.start),
              bare: beginsPlace || cursor.is("}"),
            }
            : statement,
        );
      }
    }
    this.#expressions.inPredicate = inPredicate;
    return { body, value, span: cursor.since(start) };
  }

  #statement(): Stmt {
    const cursor: Cursor = this.#cursor;
    const token = cursor.peek();
    const { start } = token.span;
    if (token.kind === "identifier") {
      const special = this.#keyword(token.text, start);
      if (special !== undefined) return special;
    }
    if (cursor.is("{")) {
      const block = cursor.nested(() => this.#block());
      const { span } = block;
      return { kind: "expr", expr: { kind: "block", block, span }, span };
    }
    const expr = this.#expressions.expression();
    const assignment = /^(<<|>>|[-+*/%&|^])?=$/.exec(cursor.peek().text);
    if (assignment === null || cursor.peek().kind !== "punct") {
      return { kind: "expr", expr, span: cursor.since(start) };
    }
    const root = rootOf(expr);
    if (root === undefined) cursor.unexpected(cursor.peek(), "';'");
    const { start: changeStart } = cursor.next().span;
    const value = this.#expressions.expression();
    if (expr.kind !== "variable" && expr.kind !== "map") {
      cursor.fail(
        expr.kind === "field"
          ? "syntax: Tuples and records are immutable once created. Consider creating a new value " +
            "and assigning it instead."
          : "syntax: invalid assignment target",
        cursor.since(start),
      );
    }
    return {
      kind: "assign",
      target: expr,
      operator: assignment[1] as BinaryOperator | undefined,
      value,
      change: assignment[1] === undefined ? undefined : cursor.since(changeStart),
      span: cursor.since(start),
    };
  }

  /** Statements that begin with a word. */
  #keyword(word: string, start: number): Stmt | undefined {
    const cursor: Cursor = this.#cursor;
    const expressions = this.#expressions;
    switch (word) {
      case "if":
        return { kind: "expr", expr: expressions.ifExpression(false), span: cursor.since(start) };
      case "let":
        return this.#let(start);
      case "while": {
        cursor.next();
        const condition = expressions.expression();
        const body = cursor.nested(() => this.#block());
        return { kind: "while", condition, body, span: cursor.since(start) };
      }
      case "unroll": {
        cursor.next();
        const count = expressions.expression();
        const body = cursor.nested(() => this.#block());
        return { kind: "unroll", count, body, span: cursor.since(start) };
      }
      case "for":
        return this.#for(start);
      case "break":
      case "continue":
        cursor.next();
        return { kind: word, span: cursor.since(start) };
      case "return": {
        cursor.next();
        const value = cursor.is(";") || cursor.is("}") ? undefined : expressions.expression();
        return { kind: "return", value, span: cursor.since(start) };
      }
      case "import": {
        if (!cursor.raw().looksLike(/import\s*"/y)) return undefined;
        cursor.next();
        return {
          kind: "import",
          path: cursor.take("string", "a path").text,
          span: cursor.since(start),
        };
      }
      case "_": {
        if (!cursor.raw().looksLike(/_\s*=[^=]/y)) return undefined;
        cursor.next();
        cursor.expect("=");
        const expr = expressions.expression();
        return { kind: "expr", expr, quiet: true, span: cursor.since(start) };
      }
    }
    return undefined;
  }

  #let(start: number): Stmt {
    const cursor: Cursor = this.#cursor;
    cursor.next();
    const { text: name, span } = cursor.take("variable", "variable after 'let'");
    const type = cursor.accept(":") ? this.#expressions.type() : undefined;
    const value = cursor.accept("=") ? this.#expressions.expression() : undefined;
    const variable = { kind: "variable", name, span } as const;
    return { kind: "let", variable, type, value, span: cursor.since(start) };
  }

  #for(start: number): Stmt {
    const cursor: Cursor = this.#cursor;
    cursor.next();
    const parenthesis = cursor.accept("(");
    const { text: name, span } = cursor.take("variable", "variable in for loop");
    cursor.expect(":");
    const from = this.#expressions.expression();
    let over: MapExpr | { from: Expr; to: Expr };
    if (cursor.accept("..")) {
      over = { from, to: this.#expressions.expression() };
    } else if (from.kind === "map" && from.keys.length === 0) {
      over = from;
    } else {
      if (parenthesis) cursor.accept(")");
      cursor.unexpected(cursor.peek(), "map or range in for loop");
    }
    if (parenthesis) cursor.expect(")");
    const body = cursor.nested(() => this.#block());
    const variable = { kind: "variable", name, span } as const;
    return { kind: "for", variable, over, body, span: cursor.since(start) };
  }
}

/** Characters of a token that an error marks: of a string, its quote. */
function widthOf({ kind, span }: Token): number {
  return kind === "string" ? 1 : span.end - span.start;
}

/** The variable or map that a place is in. */
function rootOf(expr: Expr): Expr | undefined {
  if (expr.kind === "variable" || expr.kind === "map") return expr;
  return expr.kind === "field" || expr.kind === "index" ? rootOf(expr.object) : undefined;
}

function endsInBlock(statement: Stmt): boolean {
  if (["for", "while", "unroll"].includes(statement.kind)) return true;
  return statement.kind === "expr" && ["if", "block"].includes(statement.expr.kind);
}
