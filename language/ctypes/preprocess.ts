// Pure: no I/O, no FFI.
// The C preprocessor: directives, conditions, included files. Macros are expand.ts's.

import { Budget } from "../syntax/diagnostics.ts";
import { CExpressions } from "./c_expression.ts";
import { CLexer } from "./c_lexer.ts";
import { C_LONG } from "./c_type.ts";
import {
  CError,
  CFile,
  type CToken,
  errorAt,
  type FindHeader,
  type Header,
  type HeaderRequest,
  tokenLike,
} from "./c_token.ts";
import { Expander } from "./expand.ts";
import { hasOperators, type IncludeName } from "./has_operators.ts";
import { computedMacro, type Macro, plainMacro, readMacro } from "./macros.ts";
import { stringLiteral } from "./literal.ts";
import { TokenStream } from "./token_stream.ts";

/** Most files that include each other. */
const MAX_DEPTH = 200;
/** Most files altogether. */
const MAX_FILES = 20_000;
/** Most characters of all files together. */
const MAX_TEXT = 128 << 20;
/** Pragmas that may change how structures are laid out: the parser sees them. */
const LAYOUT_PRAGMA = /^(pack|ms_struct|scalar_storage_order|align|options)$/;

/** A condition that has been opened and not closed. */
interface Condition {
  readonly at: CToken;
  /** The lines that follow count. */
  active: boolean;
  /** A branch has been taken. */
  taken: boolean;
  /** #else has been seen. */
  last: boolean;
}

/** A file that is being read. */
interface Frame {
  readonly file: CFile;
  readonly lexer: CLexer;
  readonly conditions: Condition[];
  /** Name in the #ifndef that may enclose the whole file. */
  guard?: string;
  /** Whether the guard encloses all that has been read. */
  guarded: "start" | "inside" | "after" | "no";
}

/** How a preprocessor finds the headers of a text. */
export interface PreprocessOptions {
  /** Finds the file that an #include directive names. */
  readonly find: FindHeader;
  /** Budget of the script, which bounds how many tokens macros expand to. */
  readonly budget?: Budget;
  /** Called for a header that does not exist; true if the header may be left out. */
  readonly mayMiss?: (request: HeaderRequest, at: CToken) => boolean;
}

/** Reads text with directives and gives its tokens. */
export class Preprocessor {
  readonly #expander: Expander;
  readonly #find: FindHeader;
  readonly #mayMiss: NonNullable<PreprocessOptions["mayMiss"]>;
  readonly #frames: Frame[] = [];
  readonly #once = new Set<string>();
  readonly #guards = new Map<string, string>();
  readonly #pushed = new Map<string, (Macro | undefined)[]>();
  readonly #operators = hasOperators({
    raw: () => this.#expander.raw(),
    next: () => this.#expander.next(),
    unread: (token) => this.#expander.unread(token),
    isDefined: (name) => this.isDefined(name),
    exists: (include, at) => this.#lookFor(include, at) !== undefined,
  });
  #files = 0;
  #characters = 0;
  #counter = 0;

  constructor({ find, mayMiss = () => false, budget = new Budget() }: PreprocessOptions) {
    this.#expander = new Expander(() => this.#raw(), budget);
    this.#find = find;
    this.#mayMiss = mayMiss;
    const computed = (name: string, compute: (at: CToken) => CToken) =>
      this.#expander.macros.set(name, computedMacro(name, compute));
    const text = (at: CToken, value: string) => tokenLike(at, "string", JSON.stringify(value));
    computed("__LINE__", (at) => tokenLike(at, "number", `${at.file.line(at.offset)}`));
    computed("__FILE__", (at) => text(at, at.file.presumedName(at.offset)));
    computed("__BASE_FILE__", (at) => text(at, this.#frames[0]?.file.name ?? ""));
    computed("__COUNTER__", (at) => tokenLike(at, "number", `${this.#counter++}`));
    computed("__INCLUDE_LEVEL__", (at) => tokenLike(at, "number", `${this.#frames.length - 1}`));
    computed("__DATE__", (at) => text(at, "??? ?? ????"));
    computed("__TIME__", (at) => text(at, "??:??:??"));
  }

  /** All macros that are defined now, by name. */
  get macros(): ReadonlyMap<string, Macro> {
    return this.#expander.macros;
  }

  /** Defines a macro without parameters. */
  define(name: string, text: string): void {
    this.#expander.macros.set(name, plainMacro(name, text));
  }

  /** True for macros and for operators such as `__has_include`. */
  isDefined(name: string): boolean {
    return this.#expander.macros.has(name) || name !== "defined" && this.#operators.has(name);
  }

  /**
   * The next token of a text and of all that the text includes; undefined at the end.
   *
   * @throws {CError} The text has errors.
   */
  next(): CToken | undefined {
    const token = this.#expander.next();
    return token?.text === "_Pragma" && token.kind === "word" ? this.#operatorPragma(token) : token;
  }

  /** The tokens of a macro's body with all macros in it expanded. */
  expandBody(macro: Macro): CToken[] {
    macro.busy = true;
    try {
      return this.#expander.expand(macro.body);
    } finally {
      macro.busy = false;
    }
  }

  /** Goes on with a text; what is not read yet of other texts comes after. */
  enter(file: CFile): void {
    this.#files++;
    this.#characters += file.text.length;
    this.#frames.push({ file, lexer: new CLexer(file), conditions: [], guarded: "start" });
  }

  /** The next token of the text itself; directives are followed. */
  #raw(): CToken | undefined {
    for (;;) {
      const frame = this.#frames.at(-1);
      if (frame === undefined) return undefined;
      if (frame.conditions.at(-1)?.active === false && !frame.lexer.skipToDirective()) {
        this.#leave(frame);
        continue;
      }
      const token = frame.lexer.next();
      if (token === undefined) {
        this.#leave(frame);
      } else if (token.first && token.text === "#") {
        const pragma = this.#directive(frame, token);
        if (pragma !== undefined) return pragma;
      } else {
        if (frame.guarded !== "inside") frame.guarded = "no";
        return token;
      }
    }
  }

  #leave(frame: Frame): void {
    const open = frame.conditions.at(-1);
    if (open !== undefined) throw errorAt(open.at, "unterminated conditional directive");
    if (frame.guarded === "after") this.#guards.set(frame.file.name, frame.guard!);
    this.#frames.pop();
  }

  /** Follows a directive. A pragma that the parser must see is returned. */
  #directive(frame: Frame, hash: CToken): CToken | undefined {
    const { lexer, conditions } = frame;
    const name = lexer.nextInLine();
    if (name === undefined) return undefined;
    const outermost = conditions.length === 0;
    const active = conditions.at(-1)?.active ?? true;
    const opensGuard = outermost && name.text === "ifndef" && frame.guarded === "start";
    if (outermost && !opensGuard) frame.guarded = "no";
    switch (name.text) {
      case "if":
        conditions.push(this.#opened(name, active, () => this.#condition(name, lexer)));
        return void lexer.restOfLine();
      case "ifdef":
      case "ifndef": {
        const wanted = name.text === "ifdef";
        const [macro] = lexer.restOfLine();
        if (active && macro?.kind !== "word") {
          throw errorAt(macro ?? name, `#${name.text} without the name of a macro`);
        }
        if (opensGuard) {
          frame.guard = macro.text;
          frame.guarded = "inside";
        }
        conditions.push(
          this.#opened(name, active, () => this.isDefined(macro.text) === wanted),
        );
        return undefined;
      }
      case "elif":
      case "elifdef":
      case "elifndef":
      case "else":
        this.#otherwise(frame, name);
        return undefined;
      case "endif":
        lexer.restOfLine();
        if (conditions.pop() === undefined) throw errorAt(name, "#endif without #if");
        if (conditions.length === 0 && frame.guarded === "inside") frame.guarded = "after";
        else if (conditions.length === 0) frame.guarded = "no";
        return undefined;
    }
    if (!active) return void lexer.restOfLine();
    return this.#active(frame, hash, name);
  }

  #opened(at: CToken, outer: boolean, holds: () => boolean): Condition {
    const active = outer && holds();
    // Inside what does not count no branch may be taken.
    return { at, active, taken: active || !outer, last: false };
  }

  #otherwise(frame: Frame, name: CToken): void {
    const { conditions, lexer } = frame;
    const top = conditions.at(-1);
    if (top === undefined) throw errorAt(name, `#${name.text} without #if`);
    if (top.last) throw errorAt(name, `#${name.text} after #else`);
    // A guard with an #else does not enclose the whole file.
    if (conditions.length === 1) frame.guarded = "no";
    if (name.text === "else") top.last = true;
    const holds = () => {
      if (name.text === "else") return true;
      if (name.text === "elif") return this.#condition(name, lexer);
      const [macro] = lexer.restOfLine();
      return this.isDefined(macro?.text ?? "") === (name.text === "elifdef");
    };
    top.active = !top.taken && holds();
    top.taken ||= top.active;
    lexer.restOfLine();
  }

  #active(frame: Frame, hash: CToken, name: CToken): CToken | undefined {
    const { lexer } = frame;
    const { macros } = this.#expander;
    switch (name.text) {
      case "define": {
        const macro = readMacro(lexer, name);
        macros.set(macro.name, macro);
        return undefined;
      }
      case "undef": {
        const [macro] = lexer.restOfLine();
        if (macro?.kind !== "word") {
          throw errorAt(macro ?? name, "#undef without the name of a macro");
        }
        return void macros.delete(macro.text);
      }
      case "include":
      case "include_next":
      case "import":
        return this.#include(lexer, name);
      case "line":
        return this.#line(lexer.restOfLine(), frame, name);
      case "error": {
        const start = lexer.offset;
        lexer.restOfLine();
        const text = frame.file.text.slice(start, lexer.offset).trim();
        throw errorAt(name, text);
      }
      case "pragma":
        return this.#pragma(lexer.restOfLine(), frame, hash);
      case "warning":
      case "ident":
      case "sccs":
        return void lexer.restOfLine();
    }
    if (name.kind === "number") return this.#line([name, ...lexer.restOfLine()], frame, name);
    throw errorAt(name, `#${name.text} is not supported`);
  }

  /** The value of a condition. */
  #condition(at: CToken, lexer: CLexer): boolean {
    const line = lexer.restOfLine();
    this.#expander.operators = this.#operators;
    const tokens = this.#expander.expand(line);
    this.#expander.operators = undefined;
    if (tokens.length === 0) throw errorAt(at, `#${at.text} with no expression`);
    const stream = new TokenStream(tokens);
    const expressions = new CExpressions({
      stream,
      wide: true,
      startsType: () => false,
      typeName: () => stream.fail("types cannot be used in #if"),
      // A word that is no macro counts as 0.
      lookup: (name) =>
        stream.peek() === "("
          ? stream.fail(`function-like macro '${name}' is not defined`)
          : { type: C_LONG, value: 0n },
    });
    const { value } = expressions.comma();
    if (!stream.atEnd) stream.fail(`unexpected '${stream.peek()}' in #${at.text}`);
    return value !== 0n;
  }

  #include(lexer: CLexer, name: CToken): undefined {
    const { include, at } = this.#includeName(lexer, name);
    const wanted = { ...include, next: name.text === "include_next" };
    const header = this.#lookFor(wanted, at);
    if (header === undefined) {
      const request = this.#request(wanted, at);
      if (this.#mayMiss(request, at)) return;
      throw errorAt(at, `fatal error: '${include.name}' file not found`);
    }
    const guard = this.#guards.get(header.name);
    if (this.#once.has(header.name) || guard !== undefined && this.isDefined(guard)) return;
    if (name.text === "import") this.#once.add(header.name);
    if (this.#frames.length > MAX_DEPTH) {
      throw errorAt(at, `files include each other more than ${MAX_DEPTH} deep`);
    }
    if (this.#files >= MAX_FILES || this.#characters + header.text.length > MAX_TEXT) {
      throw errorAt(
        at,
        `more than ${MAX_FILES} files or ${MAX_TEXT >> 20} MiB of text are included`,
      );
    }
    this.enter(new CFile(header.name, header.text, { folder: header.folder }));
  }

  #includeName(lexer: CLexer, directive: CToken): { include: IncludeName; at: CToken } {
    const start = lexer.offset;
    const angled = lexer.angledName();
    if (angled !== undefined) {
      lexer.restOfLine();
      const { file } = directive;
      const text = `<${angled}>`;
      const offset = file.text.indexOf("<", start);
      const at = { ...tokenLike(directive, "string", text), offset };
      return { include: { name: angled, quoted: false }, at };
    }
    const line = lexer.restOfLine();
    const [first] = line;
    const tokens = first?.kind === "string" ? [first] : this.#expander.expand(line);
    const include = spelledName(tokens);
    if (include === undefined) {
      throw errorAt(first ?? directive, `#${directive.text} expects "FILE" or <FILE>`);
    }
    return { include, at: first };
  }

  #request({ name, quoted, next }: IncludeName, at: CToken): HeaderRequest {
    const { file } = this.#frames.at(-1) ?? at;
    return { name, quoted, from: file.name, first: next ? file.folder + 1 : 0 };
  }

  #lookFor(include: IncludeName, at: CToken): Header | undefined {
    try {
      return this.#find(this.#request(include, at));
    } catch (error) {
      if (!(error instanceof CError)) throw error;
      throw errorAt(at, error.message);
    }
  }

  /** #line and `# 12 "file"` */
  #line(line: readonly CToken[], { file, lexer }: Frame, name: CToken): undefined {
    const [number, path] = this.#expander.expand(line);
    if (number?.kind !== "number" || !/^\d{1,9}$/.test(number.text)) {
      throw errorAt(number ?? name, "#line expects a line number");
    }
    file.renumber(lexer.offset, Number(number.text), path && stringLiteral(path.text));
  }

  #pragma(line: readonly CToken[], frame: Frame, at: CToken): CToken | undefined {
    const [name] = line;
    if (name === undefined) return undefined;
    if (name.text === "once") return void this.#once.add(frame.file.name);
    if (name.text === "push_macro" || name.text === "pop_macro") {
      const macro = stringLiteral(line[2]?.text ?? "");
      if (macro === undefined) throw errorAt(name, `#pragma ${name.text} expects ("MACRO")`);
      return this.#pushOrPop(name.text === "push_macro", macro);
    }
    if (!LAYOUT_PRAGMA.test(name.text)) return undefined;
    const text = [name, ...this.#expander.expand(line.slice(1))].map((one) => one.text).join(" ");
    return tokenLike(at, "pragma", text);
  }

  #pushOrPop(push: boolean, name: string): undefined {
    const { macros } = this.#expander;
    const saved = this.#pushed.get(name) ?? [];
    this.#pushed.set(name, saved);
    if (push) {
      saved.push(macros.get(name));
    } else if (saved.length > 0) {
      const macro = saved.pop();
      if (macro === undefined) macros.delete(name);
      else macros.set(name, macro);
    }
  }

  /** `_Pragma("pack(1)")` */
  #operatorPragma(at: CToken): CToken {
    const tokens = [this.#expander.next(), this.#expander.next(), this.#expander.next()];
    const text = stringLiteral(tokens[1]?.text ?? "");
    if (tokens[0]?.text !== "(" || text === undefined || tokens[2]?.text !== ")") {
      throw errorAt(at, "_Pragma expects a string in parentheses");
    }
    return tokenLike(at, "pragma", LAYOUT_PRAGMA.test(text.split(/\W/)[0]) ? text : "");
  }
}

/** A file name out of tokens: a string, or all between < and >. */
function spelledName(tokens: readonly CToken[]): IncludeName | undefined {
  const [first] = tokens;
  if (first?.kind === "string") return { name: first.text.slice(1, -1), quoted: true };
  const end = tokens.findIndex(({ text }) => text === ">");
  if (first?.text !== "<" || end < 0) return undefined;
  const name = tokens.slice(1, end).map(({ text, spaced }, i) =>
    (spaced && i > 0 ? " " : "") + text
  );
  return { name: name.join(""), quoted: false };
}
