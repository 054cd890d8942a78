// Pure: no I/O, no FFI.
// Declarations of C: types are remembered, functions and variables are read and passed over.

import { AttributeReader, type Attributes, merged, NO_ATTRIBUTES, withMode } from "./attributes.ts";
import { CExpressions, type CValue, memberNames } from "./c_expression.ts";
import {
  cArray,
  cPointer,
  CStruct,
  type CType,
  enumType,
  fromModel,
  FUNCTION,
  VOID,
  withAlign,
} from "./c_type.ts";
import { CError, type CToken } from "./c_token.ts";
import { Enumerators, enumeratorType } from "./enumerators.ts";
import { layOut, type Member } from "./layout.ts";
import { mostMembers } from "../model/types.ts";
import { PackStack } from "./pack.ts";
import { basicType } from "./parse_type.ts";
import { basicCType, basicWord, builtinName } from "./specifiers.ts";
import type { TypeScope } from "./scope.ts";
import { TokenStream } from "./token_stream.ts";

const QUALIFIER =
  /^(const|volatile|restrict|_Atomic|_Noreturn|_Thread_local|__thread|__const|__const__|__volatile|__volatile__|__restrict|__restrict__|__inline|__inline__|inline|__extension__|extern|static|register|auto|thread_local|constexpr|__seg_gs|__seg_fs|_Nonnull|_Nullable|_Null_unspecified|__user|__kernel|__iomem|__percpu|__rcu|__force|__bitwise)$/;
const TYPEOF = /^(typeof|__typeof|__typeof__|typeof_unqual|__typeof_unqual__)$/;
/** Words that begin a definition of a script. */
const DEFINITION = /^(struct|union|enum|typedef)$/;
const ASM = /^(asm|__asm|__asm__)$/;
/** Largest size of a type in bytes. */
const MAX_SIZE = 1n << 48n;

/** Layout rules in which machines differ. */
export interface Machine {
  /** True if bit fields without a name raise a structure's alignment. */
  readonly unnamedBitFieldsAlign: boolean;
  /** Size and alignment, in bytes, of a list of variable arguments. */
  readonly vaList: { readonly size: number; readonly align: number };
}

/** What a declarator makes of a type. */
interface Declarator {
  readonly name: CToken | undefined;
  /** Attributes of what is declared. */
  readonly attributes: Attributes;
  readonly wrap: (type: CType) => CType;
}

/** Reads declarations and keeps what they declare. */
export class Declarations {
  /** Types by name: typedef names and "struct x". */
  readonly types = new Map<string, CType>();
  /** Enumerators by name, from all enumerations that the text declares. */
  readonly enumerators: Enumerators;
  /** Errors in headers, by the names whose declarations could not be read. */
  readonly problems = new Map<string, CError>();
  readonly #variables = new Map<string, CType>();
  readonly #stream: TokenStream;
  readonly #expressions: CExpressions;
  readonly #attributes: AttributeReader;
  readonly #pack = new PackStack();
  readonly #below: TypeScope;
  readonly #machine: Machine;

  /**
   * Reads all declarations of a stream of tokens.
   *
   * @param tokens Gives the next token, undefined at the end.
   * @param below Types and constants for names that the text does not define.
   */
  constructor(tokens: () => CToken | undefined, below: TypeScope, machine: Machine) {
    this.#below = below;
    this.#machine = machine;
    const stream: TokenStream = this.#stream = new TokenStream(
      tokens,
      (pragma) => this.#pack.apply(pragma),
    );
    this.#expressions = new CExpressions({
      stream,
      startsType: (ahead) => this.#startsType(ahead),
      typeName: () => this.#typeName(),
      lookup: (name) => this.#lookup(name),
    });
    this.#attributes = new AttributeReader(
      stream,
      this.#expressions,
      () => this.#startsType(0) ? this.#typeName() : undefined,
    );
    this.enumerators = new Enumerators();
    while (!stream.atEnd) this.#declarationOrProblem();
  }

  /**
   * The value of a constant expression.
   *
   * @throws {CError} The tokens are none.
   */
  evaluate(tokens: readonly CToken[]): bigint {
    const stream: TokenStream = this.#stream;
    stream.restart(tokens);
    const { value } = this.#expressions.constant();
    if (!stream.atEnd) stream.fail(`unexpected '${stream.peek()}'`);
    return value;
  }

  /** A declaration. In a header an error concerns only the names that are declared there. */
  #declarationOrProblem(): void {
    this.#stream.release();
    const inScript = this.#stream.token()!.file.inScript;
    try {
      this.#declaration();
    } catch (error) {
      if (!(error instanceof CError) || inScript) throw error;
      this.#stream.seek(0);
      this.#giveUp(error);
    }
  }

  #declaration(): void {
    const stream: TokenStream = this.#stream;
    if (stream.accept(";")) return;
    if (/^(_Static_assert|static_assert)$/.test(stream.peek()) || ASM.test(stream.peek())) {
      while (!stream.accept(";")) stream.skipBalanced();
      return;
    }
    const { type, attributes, isTypedef } = this.#specifiers();
    // bpftrace forgives a missing semicolon at the end, and before the next definition.
    if (stream.accept(";") || stream.atEnd) return;
    if (stream.token()!.file.inScript && DEFINITION.test(stream.peek())) return;
    while (true) {
      const declarator = this.#declarator(attributes.user);
      const declared = declarator.wrap(type);
      if (declarator.name === undefined) stream.fail(`expected a name, found '${stream.peek()}'`);
      const all = this.#afterDeclarator(merged(attributes, declarator.attributes));
      const name = declarator.name.text;
      if (isTypedef) this.#define(name, this.#attributed(declared, all, declarator.name));
      else this.#variables.set(name, declared);
      // The body of a function, with its parameters in the old style before the body.
      if (declared.kind === "function" && stream.peek() !== "," && stream.peek() !== ";") {
        if (stream.peek() !== "=") return this.#skipBody();
      }
      if (stream.accept("=")) {
        while (stream.peek() !== "," && stream.peek() !== ";") stream.skipBalanced();
      }
      if (stream.accept(";") || stream.atEnd) return;
      if (!stream.accept(",")) stream.fail(`expected ';', found '${stream.peek()}'`);
    }
  }

  #define(name: string, type: CType): void {
    this.types.set(name, type);
    this.problems.delete(name);
  }

  #skipBody(): void {
    const stream: TokenStream = this.#stream;
    while (stream.peek() !== "{") stream.skipBalanced();
    stream.skipBalanced();
  }

  /** asm("name") and attributes after a declarator. */
  #afterDeclarator(given: Attributes): Attributes {
    const stream: TokenStream = this.#stream;
    let all = given;
    for (;;) {
      if (this.#attributes.next()) {
        all = this.#attributes.read(all);
      } else if (ASM.test(stream.peek())) {
        stream.next();
        stream.skipBalanced();
      } else {
        return all;
      }
    }
  }

  /** A type with what attributes of a typedef or a member change; packed is the structure's matter. */
  #attributed(type: CType, attributes: Attributes, at: CToken): CType {
    const result = withMode(type, attributes) ??
      this.#stream.fail(`mode '${attributes.mode}' is not supported`, at);
    return attributes.align === undefined ? result : withAlign(result, attributes.align);
  }

  /**
   * Passes over a declaration of a header that cannot be used. The names that it declares cannot be
   * used either: whoever asks for such a name gets the error.
   */
  #giveUp(error: CError): void {
    const stream: TokenStream = this.#stream;
    const isTypedef = stream.peek() === "typedef";
    let depth = 0;
    let inEnum = 0;
    let last: CToken | undefined;
    while (!stream.atEnd) {
      const token = stream.next();
      const { text } = token;
      const tag = /^(struct|union|enum)$/.test(text);
      if (tag && stream.token()?.kind === "word" && this.#opensBody()) {
        this.#spoil(`${text} ${this.#tagAhead()}`, error);
      }
      if (text === "enum" && this.#opensBody()) inEnum = depth + 1;
      if (text === "{") depth++;
      if (text === "}" && --depth === 0) {
        inEnum = 0;
        if (!isTypedef && !/^(;|\*|__attribute__|=|,)$/.test(stream.peek()) && last !== undefined) {
          if (stream.token()?.kind !== "word" || stream.peek(1) !== ";") return;
        }
      }
      const isName = token.kind === "word";
      if (isName && inEnum > 0 && depth >= inEnum && /^[,=}]$/.test(stream.peek())) {
        this.#spoil(text, error);
      }
      if (isTypedef && depth === 0 && isName && /^[;,)\[]$/.test(stream.peek())) {
        this.#spoil(text, error);
      }
      if (text === ";" && depth === 0) return;
      last = token;
    }
  }

  /** True if after struct, union or enum there is a body, behind attributes and a name. */
  #opensBody(): boolean {
    for (let i = 0; i < 64; i++) {
      const text = this.#stream.peek(i);
      if (text === "{") return true;
      if (text === "" || /^[;,*=}]$/.test(text)) return false;
    }
    return false;
  }

  /** The name of the structure that begins: the last word before its body. */
  #tagAhead(): string {
    let name = "";
    for (let i = 0; this.#stream.peek(i) !== "{"; i++) {
      const token = this.#stream.token(i)!;
      if (token.kind === "word") name = token.text;
      if (token.text === "(") break;
    }
    return name;
  }

  #spoil(name: string, error: CError): void {
    const known = this.types.get(name);
    const usable = known !== undefined && !(known instanceof CStruct && !known.defined);
    if (!usable && this.enumerators.get(name) === undefined) this.problems.set(name, error);
  }

  /** What an identifier in an expression stands for. */
  #lookup(name: string): CValue | undefined {
    const own = this.enumerators.get(name);
    if (own !== undefined) return { type: own.type, value: own.value };
    const variable = this.#variables.get(name);
    if (variable !== undefined) return { type: variable };
    const problem = this.problems.get(name);
    if (problem !== undefined) throw problem;
    const found = this.#below.constant(name);
    return found !== undefined ? { type: fromModel(found.type), value: found.value } : undefined;
  }

  /** True if a type comes next. */
  #startsType(ahead: number): boolean {
    const token = this.#stream.token(ahead);
    if (token?.kind !== "word") return false;
    const { text } = token;
    return /^(struct|union|enum)$/.test(text) || TYPEOF.test(text) ||
      basicWord(text) !== undefined || QUALIFIER.test(text) && text !== "__extension__" ||
      text === "__extension__" && this.#startsType(ahead + 1) ||
      /^__attribute(__)?$/.test(text) ||
      !this.#variables.has(text) && this.enumerators.get(text) === undefined &&
        this.#named(text) !== undefined;
  }

  /** A type that has one word as its name. */
  #named(name: string): CType | undefined {
    const own = this.types.get(name);
    if (own !== undefined) return own;
    const problem = this.problems.get(name);
    if (problem !== undefined) throw problem;
    if (name === "__builtin_va_list") return this.#vaList();
    const builtin = builtinName(name);
    if (builtin !== undefined) return builtin;
    const found = basicType(name) ?? this.#below.type(name);
    if (found === undefined) return undefined;
    const type = fromModel(found);
    this.types.set(name, type);
    return type;
  }

  #vaList(): CType {
    const { size, align } = this.#machine.vaList;
    const type = new CStruct("struct __va_list", () => undefined);
    type.define({ size, align, leaves: 0, members: [], fields: [] });
    return type;
  }

  #typeName(): CType {
    const { type, attributes } = this.#specifiers();
    const at = this.#stream.token();
    const declarator = this.#declarator(attributes.user);
    if (declarator.name !== undefined) {
      this.#stream.fail(`a type with a name '${declarator.name.text}'`, declarator.name);
    }
    const wrapped = declarator.wrap(type);
    return at === undefined ? wrapped : this.#attributed(wrapped, attributes, at);
  }

  /** All that stands before the declarators: storage, qualifiers, attributes and the type. */
  #specifiers(): { type: CType; attributes: Attributes; isTypedef: boolean } {
    const stream: TokenStream = this.#stream;
    const words: string[] = [];
    let type: CType | undefined;
    let attributes = NO_ATTRIBUTES;
    let isTypedef = false;
    const start = stream.token();
    for (;;) {
      if (this.#attributes.next()) {
        attributes = this.#attributes.read(attributes);
        continue;
      }
      const token = stream.token();
      if (token?.kind !== "word") break;
      const word = token.text;
      const basic = basicWord(word);
      const none = type === undefined && words.every((one) => one === "_Complex");
      if (word === "typedef") {
        isTypedef = true;
      } else if (word === "_Atomic" && stream.peek(1) === "(" || TYPEOF.test(word)) {
        stream.next();
        type = this.#typeOf();
        continue;
      } else if (QUALIFIER.test(word)) {
        if (word === "__user") attributes = { ...attributes, user: true };
      } else if (/^(struct|union)$/.test(word) && none) {
        type = stream.nested(() => this.#structure());
        continue;
      } else if (word === "enum" && none) {
        type = this.#enumeration();
        continue;
      } else if (basic !== undefined && type === undefined) {
        words.push(basic);
      } else if (none && (type = this.#named(word)) !== undefined) {
        if (words.length > 0) type = { ...type, size: type.size * 2 };
      } else {
        break;
      }
      stream.next();
    }
    type ??= basicCType(words);
    if (type === undefined) {
      const found = stream.peek();
      stream.fail(
        words.length > 0
          ? `'${words.join(" ")}' is no type`
          : stream.token()?.kind === "word"
          ? `unknown type name '${found}'`
          : `expected a type, found '${found}'`,
        words.length > 0 ? start : undefined,
      );
    }
    return { type, attributes, isTypedef };
  }

  /** `(type)` or `(expression)` */
  #typeOf(): CType {
    const stream: TokenStream = this.#stream;
    stream.expect("(");
    const type = this.#startsType(0) ? this.#typeName() : this.#expressions.comma().type;
    stream.expect(")");
    return type;
  }

  #structure(): CType {
    const stream: TokenStream = this.#stream;
    const word = stream.next().text;
    const before = this.#attributes.read();
    const tag = stream.token()?.kind === "word" ? stream.next() : undefined;
    const full = `${word} ${tag?.text ?? ""}`;
    const own = tag === undefined ? undefined : this.types.get(full);
    if (stream.peek() !== "{") {
      if (tag === undefined) stream.fail(`expected a name or '{', found '${stream.peek()}'`);
      const problem = this.problems.get(full);
      if (problem !== undefined) throw problem;
      return own ?? this.#declareTag(full);
    }
    if (own instanceof CStruct && own.defined) stream.fail(`redefinition of '${tag?.text}'`, tag);
    if (own instanceof CStruct && own.measured) {
      stream.fail(`'${full}' is used before its definition`, tag);
    }
    const type = own instanceof CStruct
      ? own
      : tag === undefined
      ? new CStruct(full, () => undefined)
      : this.#declareTag(full);
    stream.next();
    const members: Member[] = [];
    const names = new Set<string>();
    while (!stream.accept("}")) {
      if (stream.atEnd) stream.fail(`expected '}' at the end of '${full}'`);
      if (stream.accept(";")) continue;
      if (/^(_Static_assert|static_assert)$/.test(stream.peek())) {
        while (!stream.accept(";")) stream.skipBalanced();
        continue;
      }
      this.#members(members, names);
    }
    const { packed, align } = this.#attributes.read(before);
    const layout = layOut(members, {
      union: word === "union",
      packed,
      align,
      pack: this.#pack.current(tag ?? stream.token()),
      unnamedBitFieldsAlign: this.#machine.unnamedBitFieldsAlign,
    });
    if (layout.leaves > mostMembers(layout.size)) {
      stream.fail(`'${full}' has too many members: ${layout.leaves}, with those of its members`);
    }
    type.define(layout);
    this.problems.delete(full);
    return type;
  }

  #declareTag(full: string): CStruct {
    const type = new CStruct(full, () => this.#below.type(full));
    this.types.set(full, type);
    return type;
  }

  /** The members that one line of a structure declares; `names` has those of all lines. */
  #members(members: Member[], names: Set<string>): void {
    const stream: TokenStream = this.#stream;
    const { type: base, attributes } = this.#specifiers();
    if (stream.peek() === ";" || stream.peek() === "}") {
      // Without a name only a structure counts, whose members are the outer one's.
      if (base.kind === "struct") {
        const { packed, align } = attributes;
        for (const name of memberNames(base)) {
          if (names.has(name)) {
            stream.fail(`member of anonymous struct redeclares '${name}'`, stream.token());
          }
          names.add(name);
        }
        members.push({ name: "", type: base, packed, align });
      }
      return;
    }
    for (;;) {
      const at = stream.token();
      const declarator = stream.peek() === ":" ? undefined : this.#declarator(attributes.user);
      const declared = declarator?.wrap(base) ?? base;
      const width = stream.accept(":") ? this.#width(declared, declarator?.name) : undefined;
      const all = this.#afterDeclarator(
        merged(attributes, declarator?.attributes ?? NO_ATTRIBUTES),
      );
      const { packed, align } = all;
      const name = declarator?.name?.text ?? "";
      if (names.has(name)) stream.fail(`duplicate member '${name}'`, declarator?.name ?? at);
      if (name !== "") names.add(name);
      const type = withMode(declared, all) ??
        stream.fail(`mode '${all.mode}' is not supported`, at);
      if (declarator !== undefined && declarator.name === undefined && width === undefined) {
        stream.fail(`expected the name of a member, found '${stream.peek()}'`);
      }
      const isOpen = type.kind === "array" && type.to!.complete;
      if (type.kind === "function" || !type.complete && !isOpen) {
        stream.fail(`field has incomplete type '${type.name}'`, declarator?.name ?? at);
      }
      members.push({ name, type, width, packed, align });
      if (stream.accept(";") || stream.peek() === "}") return;
      if (!stream.accept(",")) stream.fail(`expected ';', found '${stream.peek()}'`);
    }
  }

  #width(type: CType, name: CToken | undefined): number {
    const at = this.#stream.token();
    const { value } = this.#expressions.constant();
    const most = type.kind === "bool" ? 1 : type.kind === "integer" ? type.size * 8 : 0;
    if (value < 0n || value > BigInt(most) || value === 0n && name !== undefined) {
      const what = `bit field '${name?.text ?? ""}' of type ${type.name}`;
      this.#stream.fail(`${what} cannot have ${value} bits`, at);
    }
    return Number(value);
  }

  #enumeration(): CType {
    const stream: TokenStream = this.#stream;
    stream.next();
    const before = this.#attributes.read();
    const tag = stream.token()?.kind === "word" ? stream.next().text : "";
    const full = `enum ${tag}`;
    // A bit field without a name has a number after the colon.
    const colon = stream.peek() === ":" && this.#startsType(1);
    const underlying = colon ? this.#underlying() : undefined;
    if (!stream.accept("{")) {
      const problem = this.problems.get(full);
      if (problem !== undefined) throw problem;
      const known = this.types.get(full);
      if (known !== undefined) return known;
      const found = this.#below.type(full);
      // An enumeration that is not defined yet has the size of an int.
      return found !== undefined ? fromModel(found) : underlying ?? enumType(4, false, undefined);
    }
    const members: [string, bigint][] = [];
    let value = 0n;
    while (!stream.accept("}")) {
      const member = stream.next();
      if (member.kind !== "word") stream.fail(`expected a name, found '${member.text}'`, member);
      if (this.enumerators.get(member.text) !== undefined) {
        stream.fail(`redefinition of enumerator '${member.text}'`, member);
      }
      this.#attributes.read();
      if (stream.accept("=")) value = this.#expressions.constant().value;
      // Later enumerators may be computed from this one.
      this.enumerators.set(member.text, { value, type: enumeratorType(value) });
      this.problems.delete(member.text);
      members.push([member.text, value]);
      value++;
      if (!stream.accept(",") && stream.peek() !== "}") {
        stream.fail(`expected ',' or '}', found '${stream.peek()}'`);
      }
    }
    const { packed } = this.#attributes.read(before);
    const type = this.enumerators.finish(tag, members, {
      packed,
      underlying,
    });
    if (tag !== "") this.#define(full, type);
    return type;
  }

  /** `: unsigned char` after the name of an enumeration. */
  #underlying(): CType {
    this.#stream.expect(":");
    return this.#specifiers().type;
  }

  /**
   * `*name[N]`, `(*name)(…)`; the name may be missing.
   *
   * @param user The first pointer leads to the memory of a process.
   */
  #declarator(user = false): Declarator {
    const stream: TokenStream = this.#stream;
    return stream.nested(() => {
      const prefix: { readonly user: boolean; attributes: Attributes }[] = [];
      let attributes = user ? { ...NO_ATTRIBUTES, user } : NO_ATTRIBUTES;
      for (;;) {
        if (stream.accept("*") || stream.accept("^")) {
          if (prefix.length > 0) prefix.at(-1)!.attributes = attributes;
          prefix.push({ user: attributes.user, attributes: NO_ATTRIBUTES });
          attributes = NO_ATTRIBUTES;
        } else if (stream.token()?.kind === "word" && QUALIFIER.test(stream.peek())) {
          if (stream.next().text === "__user") attributes = { ...attributes, user: true };
        } else if (this.#attributes.next()) {
          attributes = this.#attributes.read(attributes);
        } else {
          break;
        }
      }
      if (prefix.length > 0) {
        prefix.at(-1)!.attributes = attributes;
        attributes = NO_ATTRIBUTES;
      }
      let inner: Declarator = { name: undefined, attributes: NO_ATTRIBUTES, wrap: (one) => one };
      if (stream.peek() === "(" && this.#isNested()) {
        stream.next();
        inner = this.#declarator();
        stream.expect(")");
      } else if (stream.token()?.kind === "word" && !ASM.test(stream.peek())) {
        inner = { ...inner, name: stream.next() };
      }
      const suffixes: ((type: CType) => CType)[] = [];
      while (stream.peek() === "[" && stream.peek(1) !== "[" || stream.peek() === "(") {
        suffixes.unshift(stream.peek() === "[" ? this.#arraySuffix() : this.#functionSuffix());
      }
      return {
        name: inner.name,
        attributes: merged(attributes, inner.attributes),
        wrap: (type) => {
          let result = type;
          for (const { user, attributes: { align } } of prefix) {
            result = cPointer(result, user ? "user" : undefined);
            if (align !== undefined) result = withAlign(result, align);
          }
          for (const suffix of suffixes) result = suffix(result);
          return inner.wrap(result);
        },
      };
    });
  }

  /** True if the parenthesis that comes next encloses a declarator, not parameters. */
  #isNested(): boolean {
    const next = this.#stream.token(1);
    if (next === undefined) return false;
    if (next.kind === "word") return !this.#startsType(1) || /^__attribute/.test(next.text);
    return next.text === "*" || next.text === "(" || next.text === "^";
  }

  #arraySuffix(): (type: CType) => CType {
    const stream: TokenStream = this.#stream;
    const at = stream.token();
    stream.expect("[");
    while (QUALIFIER.test(stream.peek())) stream.next();
    if (stream.accept("]")) return (type) => cArray(this.#element(type, at), undefined);
    if (stream.peek() === "*" && stream.peek(1) === "]") stream.fail("an array of variable size");
    const { value } = this.#expressions.constant();
    stream.expect("]");
    if (value < 0n) stream.fail(`an array of ${value} elements`, at);
    return (type) => {
      const element = this.#element(type, at);
      if (value * BigInt(Math.max(1, element.size)) > MAX_SIZE) {
        stream.fail(`an array of ${value} elements is too large`, at);
      }
      return cArray(element, Number(value));
    };
  }

  #element(type: CType, at: CToken | undefined): CType {
    if (!type.complete) {
      this.#stream.fail(`array has incomplete element type '${type.name}'`, at);
    }
    if (type.size % type.align !== 0) {
      this.#stream.fail(`the size of '${type.name}' is no multiple of its alignment`, at);
    }
    return type;
  }

  #functionSuffix(): (type: CType) => CType {
    this.#stream.skipBalanced();
    return (type) => ({ ...FUNCTION, to: type ?? VOID });
  }
}
