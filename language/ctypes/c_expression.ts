// Pure: no I/O, no FFI.
// Constant expressions of C: in #if, array sizes, widths of bit fields, enumerators, attributes.

import {
  C_BOOL,
  C_INT,
  C_LONG,
  C_UNSIGNED,
  C_UNSIGNED_LONG,
  cArray,
  cInteger,
  type CMember,
  cPointer,
  type CType,
  VOID,
} from "./c_type.ts";
import type { CToken } from "./c_token.ts";
import {
  charLiteral,
  integerLiteral,
  type Literal,
  STRING_ELEMENT,
  stringLiteral,
} from "./literal.ts";
import type { TokenStream } from "./token_stream.ts";

/** The result of an expression: type, and number or address as far as known. */
export interface CValue {
  /** The C type of the expression. */
  readonly type: CType;
  /** The number; undefined if only the type is known. */
  readonly value?: bigint;
  /** Address of the object, if that is constant: `((struct s *)0)->member`. */
  readonly address?: bigint;
}

/** Tokens, types and names that expressions refer to. */
export interface ExpressionContext {
  /** Tokens that the expressions are read from. */
  readonly stream: TokenStream;
  /** True in #if, where all numbers have 64 bits. */
  readonly wide?: boolean;
  /** True if a type comes next. */
  startsType(ahead: number): boolean;
  /** Reads a type name: `struct s *`. */
  typeName(): CType;
  /** The value of a named constant or variable; undefined for an unknown name. */
  lookup(name: string): CValue | undefined;
}

const PRECEDENCE: Readonly<Record<string, number>> = {
  ...{ "||": 1, "&&": 2, "|": 3, "^": 4, "&": 5, "==": 6, "!=": 6 },
  ...{ "<": 7, ">": 7, "<=": 7, ">=": 7, "<<": 8, ">>": 8 },
  ...{ "+": 9, "-": 9, "*": 10, "/": 10, "%": 10 },
};

/** Builtins that compilers compute with: name, then the kind of the argument. */
const BIT_BUILTIN = /^__builtin_(clz|ctz|ffs|popcount|parity|expect|bswap)(l{0,2}|16|32|64)$/;

/** Reads and computes expressions. */
export class CExpressions {
  readonly #context: ExpressionContext;
  readonly #stream: TokenStream;
  /** Depth of parts that are not evaluated, in which a division by zero is no error. */
  #dead = 0;

  constructor(context: ExpressionContext) {
    this.#context = context;
    this.#stream = context.stream;
  }

  /** An expression whose number must be known. */
  constant(): { value: bigint; type: CType } {
    const start = this.#stream.token();
    const { value, type } = this.conditional();
    if (value === undefined) this.#stream.fail("expected a constant expression", start);
    return { value, type };
  }

  /** An expression without commas and assignments. */
  conditional(): CValue {
    const stream: TokenStream = this.#stream;
    return stream.nested(() => {
      const condition = this.#binary(1);
      if (!stream.accept("?")) return condition;
      const known = condition.value;
      const short = stream.peek() === ":";
      const then = short ? condition : this.#part(known === 0n, () => this.comma());
      stream.expect(":");
      const otherwise = this.#part(known !== undefined && known !== 0n, () => this.conditional());
      const type = commonType(then.type, otherwise.type);
      if (known === undefined) return { type };
      const chosen = known !== 0n ? then : otherwise;
      return { type, value: wrap(chosen.value, type) };
    });
  }

  /** An expression with commas: the last part counts. */
  comma(): CValue {
    let value = this.conditional();
    while (this.#stream.accept(",")) value = this.conditional();
    return value;
  }

  #part(dead: boolean, read: () => CValue): CValue {
    this.#dead += dead ? 1 : 0;
    const value = read();
    this.#dead -= dead ? 1 : 0;
    return value;
  }

  #binary(least: number): CValue {
    const stream: TokenStream = this.#stream;
    let left = this.#unary();
    for (;;) {
      const token = stream.token();
      const level = token?.kind === "punct" ? PRECEDENCE[token.text] : undefined;
      if (level === undefined || level < least) return left;
      stream.next();
      const operator = token!.text;
      const dead = operator === "&&" && left.value === 0n ||
        operator === "||" && left.value !== undefined && left.value !== 0n;
      const right = this.#part(dead, () => this.#binary(level + 1));
      left = this.#apply(operator, decayed(left), decayed(right), token!);
    }
  }

  #apply(operator: string, left: CValue, right: CValue, at: CToken): CValue {
    if (operator === "&&" || operator === "||") {
      const decisive = operator === "||";
      const [a, b] = [left.value, right.value].map((one) => one && one !== 0n);
      const isTrue = (value: bigint | undefined) => value !== undefined && value !== 0n;
      const known = decisive
        ? isTrue(left.value) || isTrue(right.value)
        : left.value === 0n || right.value === 0n;
      if (known) return { type: C_INT, value: decisive ? 1n : 0n };
      if (left.value === undefined || right.value === undefined) return { type: C_INT };
      return { type: C_INT, value: truth(decisive ? Boolean(a || b) : Boolean(a && b)) };
    }
    for (const { type } of [left, right]) {
      if (!["integer", "bool", "pointer"].includes(type.kind)) {
        this.#stream.fail(`'${operator}' cannot be computed with ${type.name}`, at);
      }
    }
    const pointed = pointerArithmetic(operator, left, right);
    if (pointed !== undefined) return pointed;
    const shift = operator === "<<" || operator === ">>";
    const type = shift ? promoted(left.type) : commonType(left.type, right.type);
    const compares = PRECEDENCE[operator] === 6 || PRECEDENCE[operator] === 7;
    const result = compares ? C_INT : type;
    const [a, b] = [wrap(left.value, type), shift ? right.value : wrap(right.value, type)];
    if (a === undefined || b === undefined) return { type: result };
    if ((operator === "/" || operator === "%") && b === 0n) {
      if (this.#dead > 0) return { type: result };
      this.#stream.fail("division by zero", at);
    }
    return { type: result, value: wrap(compute(operator, a, b, type), result) };
  }

  #unary(): CValue {
    const stream: TokenStream = this.#stream;
    return stream.nested(() => {
      const token = stream.token();
      if (token === undefined) stream.fail("expected an expression");
      switch (token.text) {
        case "-":
        case "+":
        case "~":
        case "!":
        case "&":
        case "*":
          if (token.kind !== "punct") break;
          stream.next();
          return this.#prefix(token, decayedUnless(token.text === "&", this.#unary()));
        case "__extension__":
          stream.next();
          return this.#unary();
        case "sizeof":
        case "_Alignof":
        case "alignof":
        case "__alignof__":
        case "__alignof":
          stream.next();
          return this.#sizeOf(token.text === "sizeof");
        case "(":
          if (this.#context.startsType(1)) return this.#cast();
      }
      return this.#postfix(this.#primary());
    });
  }

  #prefix(token: CToken, operand: CValue): CValue {
    const { type, value, address } = operand;
    switch (token.text) {
      case "&":
        return { type: cPointer(type), value: address };
      case "*":
        if (type.to === undefined) this.#stream.fail(`cannot dereference ${type.name}`, token);
        return { type: type.to, address: value };
      case "!":
        return { type: C_INT, value: value === undefined ? undefined : truth(value === 0n) };
    }
    const result = promoted(type);
    if (value === undefined) return { type: result };
    const number = token.text === "-" ? -value : token.text === "~" ? ~value : value;
    return { type: result, value: wrap(number, result) };
  }

  /** sizeof and alignof, of a type in parentheses or of an expression. */
  #sizeOf(size: boolean): CValue {
    const stream: TokenStream = this.#stream;
    const at = stream.token();
    let type: CType;
    if (stream.peek() === "(" && this.#context.startsType(1)) {
      stream.next();
      type = this.#context.typeName();
      stream.expect(")");
      // A compound literal, or an expression that goes on: only its type counts.
      if (stream.peek() === "{") stream.skipBalanced();
    } else {
      this.#dead++;
      type = this.#unary().type;
      this.#dead--;
    }
    const known = type.complete || type.kind === "void" || type.kind === "function";
    if (!known) stream.fail(`the size of ${type.name} is not known`, at);
    const bytes = type.kind === "void" ? 1 : size ? type.size : type.align;
    return { type: C_UNSIGNED_LONG, value: BigInt(bytes) };
  }

  #cast(): CValue {
    const stream: TokenStream = this.#stream;
    stream.expect("(");
    const type = this.#context.typeName();
    stream.expect(")");
    if (stream.peek() === "{") {
      stream.skipBalanced();
      return { type };
    }
    const operand = decayed(this.#unary());
    if (type.kind === "float" || operand.type.kind === "float") return { type };
    return { type, value: wrap(operand.value, type) };
  }

  #primary(): CValue {
    const stream: TokenStream = this.#stream;
    const token = stream.next();
    switch (token.kind) {
      case "number": {
        const literal = integerLiteral(token.text);
        if (literal !== undefined) return this.#context.wide ? widened(literal, token) : literal;
        stream.fail(`${token.text} is no integer constant`, token);
        break;
      }
      case "char":
        return charLiteral(token.text) ?? stream.fail(`cannot read ${token.text}`, token);
      case "string": {
        let text = stringLiteral(token.text) ?? "";
        while (stream.token()?.kind === "string") text += stringLiteral(stream.next().text) ?? "";
        return { type: cArray(STRING_ELEMENT, new TextEncoder().encode(text).length + 1) };
      }
      case "word":
        return this.#named(token);
    }
    if (token.text === "(") {
      if (stream.peek() === "{") stream.fail("a block is no constant expression", token);
      const value = this.comma();
      stream.expect(")");
      return value;
    }
    return stream.fail(`expected an expression, found '${token.text}'`, token);
  }

  #named(token: CToken): CValue {
    const stream: TokenStream = this.#stream;
    switch (token.text) {
      case "__builtin_offsetof":
        return this.#offsetOf();
      case "__builtin_constant_p": {
        stream.expect("(");
        const { value } = this.#part(true, () => this.comma());
        stream.expect(")");
        return { type: C_INT, value: truth(value !== undefined) };
      }
      case "__builtin_choose_expr": {
        stream.expect("(");
        const { value } = this.constant();
        stream.expect(",");
        const then = this.#part(value === 0n, () => this.conditional());
        stream.expect(",");
        const otherwise = this.#part(value !== 0n, () => this.conditional());
        stream.expect(")");
        return value !== 0n ? then : otherwise;
      }
      case "__builtin_types_compatible_p": {
        stream.expect("(");
        const [a, _, b] = [this.#context.typeName(), stream.expect(","), this.#context.typeName()];
        stream.expect(")");
        const same = a.name === b.name && a.size === b.size && a.signed === b.signed;
        return { type: C_INT, value: truth(same) };
      }
    }
    const found = this.#context.lookup(token.text);
    if (found !== undefined) return found;
    const builtin = BIT_BUILTIN.exec(token.text);
    if (builtin !== null) return this.#bitBuiltin(builtin[1], builtin[2]);
    if (/^(true|false)$/.test(token.text)) {
      return { type: C_INT, value: truth(token.text === "true") };
    }
    return stream.fail(`'${token.text}' is no constant that is known here`, token);
  }

  /** A builtin that counts or moves the bits of its argument. */
  #bitBuiltin(name: string, suffix: string): CValue {
    const stream: TokenStream = this.#stream;
    stream.expect("(");
    const { value } = this.conditional();
    // __builtin_expect has a second argument, which does not matter.
    if (stream.accept(",")) this.comma();
    stream.expect(")");
    if (name === "expect") return { type: C_LONG, value: value && BigInt.asIntN(64, value) };
    const bits = name === "bswap" ? Number(suffix) : suffix.startsWith("l") ? 64 : 32;
    const type = name === "bswap" ? cInteger(bits / 8, false, `uint${bits}_t`) : C_INT;
    if (value === undefined) return { type };
    return { type, value: bitFunction(name, BigInt.asUintN(bits, value), bits) };
  }

  /** `(type, member.member[index])` */
  #offsetOf(): CValue {
    const stream: TokenStream = this.#stream;
    stream.expect("(");
    let place: CValue = { type: this.#context.typeName(), address: 0n };
    stream.expect(",");
    place = this.#member(place, stream.next());
    while (stream.peek() !== ")") {
      if (stream.accept(".")) place = this.#member(place, stream.next());
      else place = this.#element(place);
    }
    stream.expect(")");
    return { type: C_UNSIGNED_LONG, value: place.address };
  }

  #postfix(start: CValue): CValue {
    const stream: TokenStream = this.#stream;
    let value = start;
    for (;;) {
      const token = stream.token();
      if (token?.kind !== "punct") return value;
      if (token.text === "[") {
        value = this.#element(value);
      } else if (token.text === ".") {
        stream.next();
        value = this.#member(value, stream.next());
      } else if (token.text === "->") {
        stream.next();
        const { type, value: address } = decayed(value);
        if (type.to === undefined) stream.fail(`${type.name} is no pointer`, token);
        value = this.#member({ type: type.to, address }, stream.next());
      } else if (token.text === "(" && value.type.kind === "function") {
        stream.skipBalanced();
        value = { type: value.type.to ?? VOID };
      } else {
        return value;
      }
    }
  }

  #element(array: CValue): CValue {
    const stream: TokenStream = this.#stream;
    const at = stream.token();
    const { type, value } = decayed(array);
    stream.expect("[");
    const index = this.comma().value;
    stream.expect("]");
    if (type.to === undefined) stream.fail(`${type.name} is no array`, at);
    const known = value !== undefined && index !== undefined;
    return { type: type.to, address: known ? value + index * BigInt(type.to.size) : undefined };
  }

  #member({ type, address }: CValue, name: CToken): CValue {
    const member = findMember(type, name.text);
    if (member === undefined) {
      this.#stream.fail(`${type.name} has no member '${name.text}'`, name);
    }
    const at = address === undefined
      ? undefined
      : address + BigInt(Math.floor(member.bitOffset / 8));
    return { type: member.type, address: at };
  }
}

/** The result of a builtin; undefined if the builtin has none for the argument. */
function bitFunction(name: string, value: bigint, bits: number): bigint | undefined {
  const text = value.toString(2).padStart(bits, "0");
  const trailing = bits - 1 - text.lastIndexOf("1");
  switch (name) {
    case "clz":
      return value === 0n ? undefined : BigInt(text.indexOf("1"));
    case "ctz":
      return value === 0n ? undefined : BigInt(trailing);
    case "ffs":
      return value === 0n ? 0n : BigInt(trailing + 1);
    case "popcount":
      return BigInt(text.replaceAll("0", "").length);
    case "parity":
      return BigInt(text.replaceAll("0", "").length % 2);
    default:
      return BigInt(`0b${text.match(/.{8}/g)!.reverse().join("")}`);
  }
}

/** Finds a member, also in anonymous structures. */
export function findMember(type: CType, name: string): CMember | undefined {
  for (const member of type.members?.() ?? []) {
    if (member.name === name) return member;
    if (member.name !== "") continue;
    const inner = findMember(member.type, name);
    if (inner !== undefined) return { ...inner, bitOffset: inner.bitOffset + member.bitOffset };
  }
  return undefined;
}

/** Names of the members of a structure, those of unnamed ones inside included. */
export function* memberNames(type: CType): Generator<string> {
  for (const member of type.members?.() ?? []) {
    if (member.name !== "") yield member.name;
    else yield* memberNames(member.type);
  }
}

/** An array as the address of its first element. */
function decayed(value: CValue): CValue {
  const { type, address } = value;
  if (type.kind === "array") return { type: cPointer(type.to!), value: address };
  return value;
}

function decayedUnless(not: boolean, value: CValue): CValue {
  return not ? value : decayed(value);
}

/** Sums and differences with pointers; undefined for other operations. */
function pointerArithmetic(operator: string, left: CValue, right: CValue): CValue | undefined {
  if (operator !== "+" && operator !== "-") return undefined;
  const [a, b] = [left.value, right.value];
  const known = a !== undefined && b !== undefined;
  const step = (type: CType) => BigInt(Math.max(1, type.to?.size ?? 1));
  if (left.type.kind === "pointer" && right.type.kind === "pointer") {
    if (operator === "+") return undefined;
    return { type: C_LONG, value: known ? (a - b) / step(left.type) : undefined };
  }
  if (left.type.kind === "pointer") {
    const offset = known ? b * step(left.type) : 0n;
    return {
      type: left.type,
      value: known ? operator === "+" ? a + offset : a - offset : undefined,
    };
  }
  return right.type.kind === "pointer" ? pointerArithmetic(operator, right, left) : undefined;
}

/** The literal with 64 bits, as #if computes. */
function widened({ value, type }: Literal, token: CToken): Literal {
  const unsigned = type === C_UNSIGNED_LONG || /[uU]/.test(token.text);
  return { value, type: unsigned ? C_UNSIGNED_LONG : C_LONG };
}

/** The type after integer promotion. */
function promoted(type: CType): CType {
  if (type.kind === "bool" || type.kind === "integer" && type.size < 4) return C_INT;
  if (type.kind !== "integer") return type;
  // An enumeration counts as its integer type.
  return cInteger(type.size, type.signed === true, integerName(type));
}

function integerName({ size, signed }: CType): string {
  const found = [C_INT, C_UNSIGNED, C_LONG, C_UNSIGNED_LONG].find((one) =>
    one.size === size && one.signed === signed
  );
  return found?.name ?? (signed ? "__int128" : "unsigned __int128");
}

/** The type in which two operands are computed. */
function commonType(left: CType, right: CType): CType {
  if (left.kind === "pointer" || left.kind === "struct") return left;
  if (right.kind === "pointer") return right;
  const [a, b] = [promoted(left), promoted(right)];
  if (a.kind !== "integer" || b.kind !== "integer") return a;
  if (a.size !== b.size) return a.size > b.size ? a : b;
  return a.signed === false ? a : b;
}

/** A number reduced to the range of a type. */
function wrap(value: bigint | undefined, type: CType): bigint | undefined {
  if (value === undefined) return undefined;
  if (type.kind === "bool" || type === C_BOOL) return truth(value !== 0n);
  if (type.kind !== "integer" && type.kind !== "pointer") return undefined;
  const bits = type.size * 8;
  return type.signed === true ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
}

function truth(value: boolean): bigint {
  return value ? 1n : 0n;
}

function compute(operator: string, a: bigint, b: bigint, type: CType): bigint {
  switch (operator) {
    case "|":
      return a | b;
    case "^":
      return a ^ b;
    case "&":
      return a & b;
    case "==":
      return truth(a === b);
    case "!=":
      return truth(a !== b);
    case "<":
      return truth(a < b);
    case ">":
      return truth(a > b);
    case "<=":
      return truth(a <= b);
    case ">=":
      return truth(a >= b);
    case "<<":
      return a << (b & BigInt(type.size * 8 - 1));
    case ">>":
      return a >> (b & BigInt(type.size * 8 - 1));
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return a / b;
    default:
      return a % b;
  }
}
