// Pure: no I/O, no FFI.
// C definitions of a script and of the headers it includes: struct, union, enum, typedef, constants.

import {
  cAlign,
  cSize,
  type Field,
  integer,
  type IntegerType,
  literalType,
  NONE,
  pointer,
  type StructType,
  type Type,
} from "../model/types.ts";
import { basicType } from "./parse_type.ts";
import { CError, type CToken, evaluate, type FindHeader, Preprocessor } from "./preprocess.ts";
import type { Constant, TypeScope } from "./scope.ts";
import type { Span } from "../syntax/diagnostics.ts";

const QUALIFIER =
  /^(const|volatile|restrict|__restrict|extern|static|inline|__inline|__inline__|__extension__|__user|__signed__|register)$/;

/**
 * Reads definitions.
 *
 * @param before Text that is not in the script.
 * @param below Where names come from that are not defined here.
 * @throws {CError} They cannot be used.
 */
export function parseDefinitions(
  before: string,
  texts: readonly { text: string; span: Span }[],
  find: FindHeader,
  below: TypeScope,
): TypeScope {
  const preprocessor = new Preprocessor(find);
  preprocessor.define("BPFTRACE_HAVE_BTF", "");
  preprocessor.define("__x86_64__", "1");
  preprocessor.define("__LP64__", "1");
  preprocessor.add(before, "command line");
  // One text, so that #if may span definitions; positions stay those of the script.
  let joined = "";
  const start = texts[0]?.span.start ?? 0;
  for (const { text, span } of texts) joined = joined.padEnd(span.start - start, "\n") + text;
  preprocessor.add(joined, "definitions.h", { start, end: start + joined.length });
  return new Definitions(preprocessor, below);
}

class Definitions implements TypeScope {
  readonly #preprocessor: Preprocessor;
  readonly #below: TypeScope;
  readonly #types = new Map<string, Type>();
  readonly #constants = new Map<string, Constant>();
  readonly #tokens: readonly CToken[];
  #at = 0;

  constructor(preprocessor: Preprocessor, below: TypeScope) {
    this.#preprocessor = preprocessor;
    this.#below = below;
    this.#tokens = preprocessor.expand(preprocessor.tokens);
    while (this.#at < this.#tokens.length) this.#declaration();
  }

  type(name: string): Type | undefined {
    return this.#types.get(name);
  }

  constant(name: string): Constant | string | undefined {
    const known = this.#constants.get(name);
    if (known !== undefined) return known;
    const macro = this.#preprocessor.macros.get(name);
    if (macro === undefined || macro.functionLike || macro.tokens.length === 0) return undefined;
    const tokens = this.#preprocessor.expand(macro.tokens, new Set([name]));
    if (tokens.length === 1 && tokens[0].kind === "string" && tokens[0].text[0] === '"') {
      return JSON.parse(tokens[0].text) as string;
    }
    try {
      const value = evaluate(tokens, (one) => this.#lookup(one));
      return { value, type: literalType(value) };
    } catch {
      return undefined;
    }
  }

  /** A constant expression where there must be one. */
  #evaluate(tokens: readonly CToken[], own?: (name: string) => bigint | undefined): bigint {
    try {
      return evaluate(tokens, (name) => own?.(name) ?? this.#lookup(name));
    } catch (error) {
      if (!(error instanceof SyntaxError || error instanceof RangeError)) throw error;
      this.#fail(error.message);
    }
  }

  /** A type that something else may define. */
  #resolve(name: string): Type | undefined {
    return this.#types.get(name) ?? this.#below.type(name);
  }

  #peek(): string {
    return this.#tokens[this.#at]?.text ?? "";
  }

  #next(): CToken {
    return this.#tokens[this.#at++] ?? this.#fail("unexpected end of the definitions");
  }

  #accept(text: string): boolean {
    const found = this.#peek() === text;
    if (found) this.#at++;
    return found;
  }

  #expect(text: string): void {
    if (!this.#accept(text)) this.#fail(`expected '${text}', found '${this.#peek()}'`);
  }

  #fail(message: string): never {
    const token = this.#tokens[Math.min(this.#at, this.#tokens.length - 1)];
    throw new CError(`${token?.place ?? "definitions.h"}: ${message}`, token?.span);
  }

  #declaration(): void {
    if (this.#accept(";")) return;
    const from = this.#at;
    const isTypedef = this.#accept("typedef");
    const head = this.#peek();
    // Headers declare functions and variables too; they are of no use here.
    const inHeader = this.#tokens[this.#at]?.span === undefined;
    if (!isTypedef && !/^(struct|union|enum)$/.test(head)) {
      if (inHeader) return this.#skip();
      this.#fail(
        `only struct, union, enum, typedef and #define of constants are supported here, found '${head}'`,
      );
    }
    let base: Type;
    try {
      base = this.#specifiers();
    } catch (error) {
      if (!inHeader) throw error;
      this.#at = from;
      return this.#skip();
    }
    if (!isTypedef && this.#peek() !== ";" && inHeader) return this.#skip();
    while (!this.#accept(";")) {
      if (this.#at >= this.#tokens.length) return; // forgiven
      const { name, type } = this.#declarator(base);
      if (isTypedef) this.#types.set(name, type);
      else this.#fail(`cannot define a variable or function: '${name}'`);
      this.#attributes();
      if (!this.#accept(",") && this.#peek() !== ";") {
        if (this.#tokens[this.#at] === undefined) return;
        this.#fail(`expected ';', found '${this.#peek()}'`);
      }
    }
  }

  /** To the end of a declaration or of a function's body. */
  #skip(): void {
    let depth = 0;
    while (this.#at < this.#tokens.length) {
      const { text } = this.#next();
      if (text === "{") depth++;
      if (text === "}" && --depth === 0 && this.#peek() !== ";") return;
      if (text === ";" && depth === 0) return;
    }
  }

  #attributes(): string {
    let text = "";
    while (/^__attribute__$|^__attribute$|^__packed$|^__aligned$/.test(this.#peek())) {
      text += this.#next().text;
      if (this.#peek() !== "(") continue;
      let depth = 0;
      do {
        const { text: one } = this.#next();
        if (one === "(") depth++;
        if (one === ")") depth--;
        text += one;
      } while (depth > 0);
    }
    return text;
  }

  #specifiers(): Type {
    let words = "";
    for (;;) {
      this.#attributes();
      const word = this.#peek();
      if (QUALIFIER.test(word)) {
        this.#at++;
        continue;
      }
      if (/^(struct|union)$/.test(word)) {
        this.#at++;
        return this.#structure(word);
      }
      if (word === "enum") {
        this.#at++;
        return this.#enumeration();
      }
      const candidate = words === "" ? word : `${words} ${word}`;
      const token = this.#tokens[this.#at];
      if (token?.kind !== "word") break;
      const basic = /^(unsigned|signed|long|short|char|int)$/.test(word);
      if (words !== "" && !basic) break;
      words = candidate;
      this.#at++;
      if (!basic) break;
    }
    const type = basicType(words) ?? this.#resolve(words);
    if (type === undefined) this.#fail(`unknown type name '${words || this.#peek()}'`);
    return type;
  }

  #structure(word: string): Type {
    let packed = /packed/.test(this.#attributes());
    const name = this.#tokens[this.#at]?.kind === "word" ? this.#next().text : "";
    const full = `${word} ${name}`;
    packed ||= /packed/.test(this.#attributes());
    if (!this.#accept("{")) {
      const known = this.#resolve(full);
      if (known !== undefined) return known;
      // Only a pointer to it can be used until it is defined.
      const later = () => this.#resolve(full);
      return {
        kind: "struct",
        name: full,
        get size() {
          return (later() as StructType | undefined)?.size ?? 0;
        },
        align: 1,
        fields: () => (later() as StructType | undefined)?.fields() ?? [],
      };
    }
    const members: { name: string; type: Type; width?: number }[] = [];
    while (!this.#accept("}")) {
      if (this.#accept(";")) continue;
      const base = this.#specifiers();
      if (this.#peek() === ";") members.push({ name: "", type: base });
      while (!this.#accept(";")) {
        const { name: member, type } = this.#peek() === ":"
          ? { name: "", type: base }
          : this.#declarator(base);
        const width = this.#accept(":") ? Number(this.#evaluate([this.#next()])) : undefined;
        this.#attributes();
        members.push({ name: member, type, width });
        if (!this.#accept(",") && this.#peek() !== ";") {
          this.#fail(`expected ';', found '${this.#peek()}'`);
        }
      }
    }
    packed ||= /packed/.test(this.#attributes());
    const type = layOut(full, members, { union: word === "union", packed });
    if (name !== "") this.#types.set(full, type);
    return type;
  }

  #enumeration(): Type {
    const name = this.#tokens[this.#at]?.kind === "word" ? this.#next().text : "";
    if (!this.#accept("{")) {
      return this.#resolve(`enum ${name}`) ?? integer(4, false);
    }
    const names = new Map<bigint, string>();
    const members: [string, bigint][] = [];
    let value = 0n;
    while (!this.#accept("}")) {
      const member = this.#next().text;
      if (this.#accept("=")) {
        const tokens: CToken[] = [];
        while (this.#peek() !== "," && this.#peek() !== "}") tokens.push(this.#next());
        try {
          value = evaluate(
            tokens,
            (one) => members.find(([known]) => known === one)?.[1] ?? this.#lookup(one),
          );
        } catch (error) {
          this.#fail((error as Error).message);
        }
      }
      members.push([member, value]);
      if (!names.has(value)) names.set(value, member);
      value++;
      if (!this.#accept(",") && this.#peek() !== "}") this.#expect(",");
    }
    const signed = members.some(([, one]) => one < 0n);
    const wide = members.some(([, one]) => one >= 1n << 32n || one < -(1n << 31n));
    const type: IntegerType = {
      ...integer(wide ? 8 : 4, signed),
      enumeration: { name, names },
    };
    for (const [member, one] of members) this.#constants.set(member, { value: one, type });
    if (name !== "") this.#types.set(`enum ${name}`, type);
    return type;
  }

  #lookup(name: string): bigint | undefined {
    const found = this.#constants.get(name) ?? this.#below.constant(name);
    return typeof found === "object" ? found.value : undefined;
  }

  /** `*name[N]`, `(*name)(…)` */
  #declarator(base: Type): { name: string; type: Type } {
    let type = base;
    while (this.#accept("*")) {
      type = pointer(type);
      while (QUALIFIER.test(this.#peek())) this.#at++;
    }
    this.#attributes();
    if (this.#accept("(")) {
      // A pointer to a function.
      while (this.#accept("*")) continue;
      const name = this.#next().text;
      this.#expect(")");
      if (this.#peek() === "(") {
        let depth = 0;
        do {
          const { text } = this.#next();
          if (text === "(") depth++;
          if (text === ")") depth--;
        } while (depth > 0);
      }
      return { name, type: pointer(NONE) };
    }
    const token = this.#next();
    if (token.kind !== "word") this.#fail(`expected a name, found '${token.text}'`);
    const counts: number[] = [];
    while (this.#accept("[")) {
      const tokens: CToken[] = [];
      while (this.#peek() !== "]") tokens.push(this.#next());
      this.#expect("]");
      if (tokens.length === 0) counts.push(0);
      else counts.push(Number(this.#evaluate(tokens)));
    }
    for (const count of counts.reverse()) type = { kind: "array", of: type, count };
    return { name: token.text, type };
  }
}

/** Offsets as gcc gives them. */
function layOut(
  name: string,
  members: readonly { name: string; type: Type; width?: number }[],
  options: { union: boolean; packed: boolean },
): StructType {
  const fields: Field[] = [];
  let bits = 0;
  let size = 0;
  let align = 1;
  for (const { name: field, type, width } of members) {
    const own = options.packed ? 1 : cAlign(type);
    const bytes = cSize(type);
    if (options.union) bits = 0;
    if (width !== undefined) {
      const unit = bytes * 8;
      if (width === 0) {
        bits = Math.ceil(bits / unit) * unit;
        continue;
      }
      // A bit field does not cross a unit of its type.
      if (!options.packed && Math.floor(bits / unit) !== Math.floor((bits + width - 1) / unit)) {
        bits = Math.ceil(bits / unit) * unit;
      }
      const offset = Math.floor(bits / unit) * unit;
      if (field !== "") {
        fields.push({
          name: field,
          type,
          offset: offset / 8,
          bits: { shift: bits - offset, width },
        });
      }
      bits += width;
    } else {
      bits = Math.ceil(bits / (own * 8)) * own * 8;
      fields.push({ name: field, type, offset: bits / 8 });
      bits += bytes * 8;
    }
    if (field !== "" || width === undefined) align = Math.max(align, own);
    size = Math.max(size, Math.ceil(bits / 8));
  }
  size = Math.ceil(size / align) * align;
  return { kind: "struct", name, size, align, fields: () => fields };
}
