// Pure: no I/O, no FFI.
// A script in its canonical form. Comments stay before or beside the line that they belong to.

import type {
  Block,
  CallExpr,
  Clause,
  Expr,
  FunctionDefinition,
  Macro,
  Program,
  Stmt,
  TypeExpr,
} from "./ast.ts";
import { elseIf } from "./walk.ts";
import { PRECEDENCE, TYPE_WORD } from "./parse_expression.ts";

const INDENT = "  ";
/** Binding strengths above those of the binary operators. */
const UNARY = 15;
const POSTFIX = 20;

/** A comment and where it stands. */
interface Comment {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** Formats a script that was parsed from `source`. */
export function formatProgram(program: Program, source: string): string {
  return new SourcePrinter(source).program(program);
}

class SourcePrinter {
  readonly #source: string;
  #comments: Comment[];
  readonly #lines: string[] = [];
  #level = 0;

  constructor(source: string) {
    this.#source = source;
    this.#comments = findComments(source);
  }

  program(program: Program): string {
    // Comments inside definitions are printed with them.
    const inside = ({ start }: Comment) =>
      program.definitions.some(({ span }) => start >= span.start && start < span.end);
    this.#comments = this.#comments.filter((one) => !inside(one));
    if (this.#source.startsWith("#!")) this.#lines.push(this.#source.split("\n")[0]);
    type Item = { span: { start: number; end: number }; print: () => void };
    const items: Item[] = [
      ...program.definitions.map(({ text, span }) => ({
        span,
        print: () => this.#lines.push(...text.trim().split("\n")),
      })),
      ...program.imports.map(({ path, span }) => ({
        span,
        print: () => this.#line(`import ${quote(path)};`),
      })),
      ...program.maps.map(({ name, kind, entries, span }) => ({
        span,
        print: () => this.#line(`let ${name} = ${kind}(${this.expr(entries)});`),
      })),
      ...program.macros.map((one) => ({ span: one.span, print: () => this.#macro(one) })),
      ...program.functions.map((one) => ({ span: one.span, print: () => this.#function(one) })),
      ...program.clauses.map((one) => ({ span: one.span, print: () => this.#clause(one) })),
    ];
    const { config } = program;
    if (config.length > 0) {
      items.push({ span: config[0].span, print: () => this.#config(program) });
    }
    items.sort((a, b) => a.span.start - b.span.start);
    items.forEach((item, i) => {
      const line = this.#lines.length;
      this.#commentsBefore(item.span.start);
      item.print();
      this.#commentBeside(item.span.end);
      const one = this.#lines.length - line === 1;
      const next = items[i + 1];
      if (next !== undefined && !(one && !this.#gap(item.span.end, next.span.start))) {
        this.#lines.push("");
      }
    });
    this.#commentsBefore(this.#source.length + 1);
    return this.#lines.join("\n") + "\n";
  }

  /** True if the source has an empty line between two offsets. */
  #gap(from: number, to: number): boolean {
    return /\n\s*\n/.test(this.#source.slice(from, to));
  }

  #line(text: string): void {
    this.#lines.push(INDENT.repeat(this.#level) + text);
  }

  #commentsBefore(offset: number): void {
    while (this.#comments.length > 0 && this.#comments[0].start < offset) {
      const { text } = this.#comments.shift()!;
      for (const line of text.split("\n")) this.#line(line.trim());
    }
  }

  /** A comment that follows on the same line. */
  #commentBeside(offset: number): void {
    const [next] = this.#comments;
    if (next === undefined || next.start < offset || next.text.includes("\n")) return;
    if (/\n|\S/.test(this.#source.slice(offset, next.start).replace(/^[;}]/, ""))) return;
    this.#comments.shift();
    this.#lines.push(`${this.#lines.pop()} ${next.text}`);
  }

  #config({ config }: Program): void {
    this.#line("config = {");
    for (const { key, value } of config) {
      const plain = /^-?\d+$|^\w+$/.test(value);
      this.#line(`${INDENT}${key} = ${plain ? value : quote(value)};`);
    }
    this.#line("}");
  }

  #macro({ name, params, body }: Macro): void {
    this.#blockAfter(`macro ${name}(${params.join(", ")})`, body);
  }

  #function({ name, params, result, body }: FunctionDefinition): void {
    const list = params.map((one) => `${one.name} : ${this.#type(one.type)}`).join(", ");
    const type = result === undefined ? "" : ` : ${this.#type(result)}`;
    this.#blockAfter(`fn ${name}(${list})${type}`, body);
  }

  #clause({ attachPoints, predicate, body }: Clause): void {
    attachPoints.forEach(({ text }, i) => {
      if (i < attachPoints.length - 1) this.#line(`${text},`);
    });
    const last = attachPoints.at(-1)!.text;
    if (predicate === undefined) return this.#blockAfter(last, body);
    this.#line(last);
    const text = this.expr(predicate);
    // A star behind the slash would begin a comment.
    this.#blockAfter(text[0] === "*" ? `/(${text})/` : `/${text}/`, body);
  }

  /** `head {`, the block, `}`. */
  #blockAfter(head: string, block: Block, tail = ""): void {
    this.#line(`${head}${head === "" ? "" : " "}{`);
    this.#body(block);
    this.#line(`}${tail}`);
  }

  #body(block: Block): void {
    this.#level++;
    let before = block.span.start + 1;
    const put = (span: { start: number; end: number }, print: () => void) => {
      if (before > block.span.start + 1 && this.#gap(before, span.start)) this.#lines.push("");
      this.#commentsBefore(span.start);
      print();
      this.#commentBeside(span.end);
      before = span.end;
    };
    const { value } = block;
    for (const one of block.body) {
      put(one.span, () => {
        this.#statement(one);
        // Without a semicolon it would be the block's value.
        const last = one === block.body.at(-1) && value === undefined;
        if (last && one.kind === "expr" && this.#lines.at(-1)!.endsWith("}")) {
          this.#lines.push(`${this.#lines.pop()};`);
        }
      });
    }
    if (value !== undefined) {
      put(value.span, () => {
        // No semicolon: a semicolon would make a statement of the block's value.
        if (value.kind === "if") this.#if(value);
        else if (value.kind === "block") this.#blockAfter("", value.block);
        else this.#line(this.#alone(value));
      });
    }
    this.#commentsBefore(block.span.end);
    this.#level--;
  }

  #statement(one: Stmt): void {
    switch (one.kind) {
      case "expr":
        if (one.expr.kind === "if") return this.#if(one.expr);
        if (one.expr.kind === "block") return this.#blockAfter("", one.expr.block);
        return this.#line(one.quiet ? `_ = ${this.expr(one.expr)};` : `${this.#alone(one.expr)};`);
      case "assign":
        return this.#line(
          `${this.expr(one.target)} ${one.operator ?? ""}= ${this.expr(one.value)};`,
        );
      case "let": {
        const type = one.type === undefined ? "" : ` : ${this.#type(one.type)}`;
        const value = one.value === undefined ? "" : ` = ${this.expr(one.value)}`;
        return this.#line(`let ${one.variable.name}${type}${value};`);
      }
      case "while":
        return this.#blockAfter(`while (${this.expr(one.condition)})`, one.body);
      case "unroll":
        return this.#blockAfter(`unroll (${this.expr(one.count)})`, one.body);
      case "for": {
        const over = "kind" in one.over
          ? this.expr(one.over)
          : `${this.expr(one.over.from)}..${this.expr(one.over.to)}`;
        return this.#blockAfter(`for (${one.variable.name} : ${over})`, one.body);
      }
      case "break":
      case "continue":
        return this.#line(`${one.kind};`);
      case "return":
        return this.#line(`return${one.value === undefined ? "" : ` ${this.expr(one.value)}`};`);
      case "import":
        return this.#line(`import ${quote(one.path)};`);
    }
  }

  #if(one: Expr & { kind: "if" }): void {
    const head = (expr: Expr & { kind: "if" }) =>
      `if ${expr.comptime ? "comptime " : ""}(${this.expr(expr.condition)}) {`;
    this.#line(head(one));
    for (let current = one;;) {
      this.#body(current.then);
      const { otherwise } = current;
      if (otherwise === undefined) break;
      const next = elseIf(otherwise);
      if (next !== undefined) {
        current = next;
        this.#line(`} else ${head(current)}`);
        continue;
      }
      this.#line("} else {");
      this.#body(otherwise);
      break;
    }
    this.#line("}");
  }

  #type({ name, typeOf, suffixes }: TypeExpr): string {
    const head = typeOf === undefined ? name : `typeof(${this.expr(typeOf)})`;
    const tail = suffixes.map((one) =>
      one === "*" ? " *" : one === undefined ? "[]" : `[${this.expr(one)}]`
    );
    return head + tail.join("");
  }

  /** An expression on one line. */
  expr(expr: Expr, outer = 0): string {
    switch (expr.kind) {
      case "integer":
      case "string":
        // The spelling of the source: 1e6 and 0xff stay.
        return this.#source.slice(expr.span.start, expr.span.end);
      case "bool":
        return `${expr.value}`;
      case "param":
        return expr.index === 0 ? "$#" : `$${expr.index}`;
      case "name":
      case "variable":
        return expr.name;
      case "map":
        return expr.keys.length === 0 ? expr.name : `${expr.name}[${this.#list(expr.keys)}]`;
      case "field":
        return `${this.expr(expr.object, POSTFIX)}.${expr.field}`;
      case "index":
        return `${this.#indexed(expr.object)}[${this.expr(expr.index)}]`;
      case "call":
        return this.#call(expr);
      case "unary":
        return this.#prefix(expr.operator, expr.operand, outer);
      case "step":
        return expr.prefix
          ? this.#prefix(expr.operator, expr.target, outer)
          : this.expr(expr.target) + expr.operator;
      case "binary": {
        const level = PRECEDENCE[expr.operator];
        const right = this.expr(expr.right, level + 1);
        // In a predicate, a slash before a brace is the end.
        const text = `${this.expr(expr.left, level)} ${expr.operator} ` +
          (right[0] === "{" ? `(${right})` : right);
        return level < outer ? `(${text})` : text;
      }
      case "ternary": {
        const middle = expr.then === undefined ? " ?: " : ` ? ${this.expr(expr.then)} : `;
        const text = this.expr(expr.condition, 1) + middle + this.expr(expr.otherwise);
        return outer > 0 ? `(${text})` : text;
      }
      case "cast":
        return this.#cast(expr, outer);
      case "type":
        return this.#type(expr.type);
      case "tuple": {
        const items = expr.elements.map(({ name, value }) =>
          name === undefined ? this.expr(value) : `${name}=${this.expr(value)}`
        );
        return items.length === 1 && expr.elements[0].name === undefined
          ? `(${items[0]},)`
          : `(${items.join(", ")})`;
      }
      case "if": {
        const { comptime, condition, then, otherwise } = expr;
        const head = `if ${comptime ? "comptime " : ""}(${this.expr(condition)}) `;
        const tail = otherwise === undefined ? "" : ` else ${this.#inline(otherwise)}`;
        return head + this.#inline(then) + tail;
      }
      case "block":
      case "expansion":
        return this.#inline(expr.block);
    }
  }

  /** An expression where a statement begins: a brace or `if` at its start would be a statement. */
  #alone(expr: Expr): string {
    const text = this.expr(expr);
    const whole = expr.kind === "if" || expr.kind === "block" || expr.kind === "expansion";
    return !whole && /^(if\b|\{)/.test(text) ? `(${text})` : text;
  }

  /** A block inside an expression. */
  #inline(block: Block): string {
    if (block.body.length === 0 && block.value !== undefined) {
      return `{ ${this.#alone(block.value)} }`;
    }
    const inner = new SourcePrinter(this.#source);
    inner.#comments = [];
    inner.#level = this.#level;
    inner.#body(block);
    return `{\n${inner.#lines.join("\n")}\n${INDENT.repeat(this.#level)}}`;
  }

  /** What an index follows. `@m[1]` is an entry of the map, `(@m)[1]` an element of its value. */
  #indexed(object: Expr): string {
    const text = this.expr(object, POSTFIX);
    return object.kind === "map" && object.keys.length === 0 ? `(${text})` : text;
  }

  /** Behind a name that need not be a type's, only some operands make a cast of the name. */
  #cast({ to, operand }: Expr & { kind: "cast" }, outer: number): string {
    const type = this.#type(to);
    const inner = this.expr(operand, UNARY);
    const sure = TYPE_WORD.test(/^\w*/.exec(type)![0]);
    const pointer = /[*[]/.test(type);
    const plain = sure || /^(?!if\b)[\w$@"(]/.test(inner) ||
      pointer && /^(&(?!&)|\*\s*[\w$@(])/.test(inner);
    const text = `(${type})${plain ? inner : `(${inner})`}`;
    return outer > UNARY ? `(${text})` : text;
  }

  #prefix(operator: string, operand: Expr, outer: number): string {
    const inner = this.expr(operand, UNARY);
    // Parentheses keep -(-x) apart from --x.
    const text = inner[0] === operator ? `${operator}(${inner})` : operator + inner;
    return outer > UNARY ? `(${text})` : text;
  }

  #call({ name, args }: CallExpr): string {
    return `${name}(${this.#list(args)})`;
  }

  #list(items: readonly Expr[]): string {
    return items.map((one) => this.expr(one)).join(", ");
  }
}

function quote(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

/** Comments outside strings, in order. */
function findComments(source: string): Comment[] {
  const comments: Comment[] = [];
  const pattern = /"(?:[^"\\]|\\[\s\S])*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;
  for (const { 0: text, index } of source.matchAll(pattern)) {
    if (text[0] !== '"') comments.push({ text, start: index, end: index + text.length });
  }
  return comments;
}
