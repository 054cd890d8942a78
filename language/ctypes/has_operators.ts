// Pure: no I/O, no FFI.
// The operators of #if that look like macros: defined, __has_include, __has_attribute and their like.

import { ATTRIBUTE_NAMES } from "./attributes.ts";
import { type CToken, errorAt } from "./c_token.ts";
import { numberToken } from "./expand.ts";

/** Operand of an #include directive. */
export interface IncludeName {
  /** Text between the quotes or the angle brackets. */
  readonly name: string;
  /** True for `"name"`, false for `<name>`. */
  readonly quoted: boolean;
  /** True if the search starts after the folder of the including file. */
  readonly next?: boolean;
}

/** Parts of the preprocessor that the operators use. */
export interface OperatorContext {
  /** The next token as written. */
  raw(): CToken | undefined;
  /** The next token with macros expanded. */
  next(): CToken | undefined;
  /** Gives a token back. */
  unread(token: CToken): void;
  /** True if a macro or an operator of that name is defined. */
  isDefined(name: string): boolean;
  /** True if an #include directive at the token would find a file. */
  exists(include: IncludeName, at: CToken): boolean;
}

const BUILTINS = new Set([
  "__builtin_offsetof",
  "__builtin_constant_p",
  "__builtin_choose_expr",
  "__builtin_types_compatible_p",
]);
/** The date by which standard attributes are known: C23. */
const STANDARD_ATTRIBUTE = 202311;

/** The operators by name. Each is called after its name was read and gives a number. */
export function hasOperators(
  context: OperatorContext,
): ReadonlyMap<string, (at: CToken) => CToken> {
  const fail = (at: CToken): never => {
    throw errorAt(at, `cannot read the operand of ${at.text}`);
  };
  /** The word in parentheses; attributes may have a prefix as in gnu::packed. */
  const word = (at: CToken): string => {
    if (context.raw()?.text !== "(") fail(at);
    let text = "";
    for (let token = context.raw(); token?.text !== ")"; token = context.raw()) {
      text += token?.text ?? fail(at);
    }
    return text.replace(/^.*::/, "").replace(/^__(.*)__$/, "$1");
  };
  const include = (next: boolean) => (at: CToken): CToken => {
    if (context.raw()?.text !== "(") fail(at);
    let token = context.raw();
    if (token?.kind === "word") {
      context.unread(token);
      token = context.next();
    }
    if (token?.kind !== "string" && token?.text !== "<") fail(at);
    let name = "";
    let quoted = false;
    if (token!.kind === "string") {
      name = token!.text.slice(1, -1);
      quoted = true;
    } else {
      for (let part = context.raw(); part?.text !== ">"; part = context.raw()) {
        name += part?.text ?? fail(at);
      }
    }
    if (context.raw()?.text !== ")") fail(at);
    return numberToken(at, context.exists({ name, quoted, next }, at) ? 1 : 0);
  };
  const defined = (at: CToken): CToken => {
    let name = context.raw();
    if (name?.text === "(") {
      name = context.raw();
      if (context.raw()?.text !== ")") fail(at);
    }
    if (name?.kind !== "word") fail(at);
    return numberToken(at, context.isDefined(name!.text) ? 1 : 0);
  };
  const known = (names: ReadonlySet<string>, yes: number) => (at: CToken) =>
    numberToken(at, names.has(word(at)) ? yes : 0);
  const never = known(new Set(), 0);
  // Names of builtins keep their underscores.
  const builtin = (at: CToken): CToken => {
    if (context.raw()?.text !== "(") fail(at);
    const name = context.raw();
    if (context.raw()?.text !== ")") fail(at);
    return numberToken(at, BUILTINS.has(name!.text) ? 1 : 0);
  };
  return new Map([
    ["defined", defined],
    ["__has_include", include(false)],
    ["__has_include_next", include(true)],
    ["__has_attribute", known(ATTRIBUTE_NAMES, 1)],
    ["__has_c_attribute", known(ATTRIBUTE_NAMES, STANDARD_ATTRIBUTE)],
    ["__has_cpp_attribute", known(ATTRIBUTE_NAMES, STANDARD_ATTRIBUTE)],
    ["__has_builtin", builtin],
    ["__has_feature", never],
    ["__has_extension", never],
    ["__has_warning", never],
    ["__has_declspec_attribute", never],
  ]);
}
