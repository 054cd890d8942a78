// Pure: no I/O, no FFI.
// The C part of a script and the headers that the part includes: types, enumerators, macros.

import type { Budget, Span } from "../syntax/diagnostics.ts";
import { CError, CFile, type CToken, type FindHeader, type HeaderRequest } from "./c_token.ts";
import { CStruct } from "./c_type.ts";
import { Declarations } from "./declarations.ts";
import { charLiteral, integerLiteral } from "./literal.ts";
import type { Macro } from "./macros.ts";
import { type Architecture, MACHINES, predefinedMacros } from "./predefined.ts";
import { Preprocessor } from "./preprocess.ts";
import type { Constant, TypeScope } from "./scope.ts";

/** C text, its headers, and a scope for names that the text does not define. */
export interface DefinitionOptions {
  /** Headers to include before the text. */
  readonly includes: readonly string[];
  /** The text, in pieces, with the places of the pieces in the script. */
  readonly texts: readonly { readonly text: string; readonly span: Span }[];
  /** Finds the headers that the text includes. */
  readonly headers: HeaderSource;
  /** The kernel's types, for names that the text does not define. */
  readonly below: TypeScope;
  /** Machine whose layouts and predefined macros apply. */
  readonly architecture: Architecture;
  /** Budget of the script, which bounds how many tokens macros expand to. */
  readonly budget?: Budget;
}

/** Finds headers, and knows the headers and macros of a kernel build. */
export interface HeaderSource {
  /** Finds the file that an #include directive names. */
  readonly find: FindHeader;
  /** Headers that a build of the kernel puts before all others. */
  readonly first?: () => readonly string[];
  /** Macros that a build of the kernel defines, with their texts. */
  readonly macros?: () => readonly (readonly [name: string, text: string])[];
}

/** A header that was left out. */
export interface DefinitionWarning {
  /** Sentence that names the header and the reason. */
  readonly message: string;
  /** Place of the #include directive, if the directive stands in the script. */
  readonly span?: Span;
}

/** What a macro stands for in an expression of a script. */
export interface ScriptMacro {
  /** Its body as text; other macros in the body are not expanded yet. */
  readonly text: string;
  /** Its value by the rules of C, if the body is a constant expression of C. */
  readonly value?: bigint;
}

/** Folders of the kernel's own headers, for which the kernel's type information can stand in. */
const KERNEL_HEADER =
  /^(linux|asm|asm-generic|net|uapi|generated|scsi|sound|crypto|drm|media|rdma|acpi|trace|block|video|xen|vdso|kvm|target|keys|math-emu|memory|misc|pcmcia|soc|clocksource|dt-bindings|kunit|ras)\//;

/**
 * Reads the C part of a script, with all headers that the part includes.
 *
 * @throws {CError} A definition is wrong, or a header is missing.
 */
export function parseDefinitions(options: DefinitionOptions): Definitions {
  return new Definitions(options);
}

/** Types, enumerators and macros of C text. */
export class Definitions implements TypeScope {
  /** Headers that were left out without an error. */
  readonly warnings: DefinitionWarning[] = [];
  readonly #preprocessor: Preprocessor;
  readonly #declarations: Declarations;

  /** Reads all texts and the headers that the texts include. */
  constructor(options: DefinitionOptions) {
    const { below, architecture, texts, headers } = options;
    const hasKernelTypes = below.type("struct task_struct") !== undefined;
    this.#preprocessor = new Preprocessor({
      budget: options.budget,
      find: headers.find,
      mayMiss: (request, at) => hasKernelTypes && this.#mayMiss(request, at),
    });
    for (const [name, text] of predefinedMacros(architecture)) {
      this.#preprocessor.define(name, text);
    }
    for (const [name, text] of headers.macros?.() ?? []) this.#preprocessor.define(name, text);
    const includes = [...headers.first?.() ?? [], ...options.includes];
    // One text, so that #if may span definitions; offsets stay those of the script.
    let joined = "";
    const scriptStart = texts[0]?.span.start ?? 0;
    for (const { text, span } of texts) {
      joined = joined.padEnd(span.start - scriptStart, "\n") + text;
    }
    // bpftrace has a line in front of them.
    const script = new CFile("definitions.h", joined, { scriptStart, firstLine: 2 });
    const files = [
      ...includes.map((name) => new CFile("<command line>", `#include "${name}"\n`)),
      script,
    ];
    const next = (): CToken | undefined => {
      for (;;) {
        const token = this.#preprocessor.next();
        const file = token === undefined ? files.shift() : undefined;
        if (file === undefined) return token;
        this.#preprocessor.enter(file);
      }
    };
    this.#declarations = new Declarations(next, below, MACHINES[architecture]);
  }

  /**
   * A type by name.
   *
   * @throws {CError} A header defines the type with C that is not understood.
   */
  type(name: string): ReturnType<TypeScope["type"]> {
    const { types, problems } = this.#declarations;
    const problem = problems.get(name);
    if (problem !== undefined) throw problem;
    const found = types.get(name);
    if (found === undefined || found instanceof CStruct && !found.defined) return undefined;
    return found.type;
  }

  /** Names of all types, for lists and tests. */
  typeNames(): string[] {
    return [...this.#declarations.types].filter(([name, type]) =>
      !(type instanceof CStruct) || type.defined && name !== ""
    ).map(([name]) => name);
  }

  /** The declarations with C's own types, for tests. */
  get declarations(): Declarations {
    return this.#declarations;
  }

  /** An enumerator. */
  constant(name: string): Constant | undefined {
    const problem = this.#declarations.problems.get(name);
    if (problem !== undefined) throw problem;
    return this.#declarations.enumerators.constant(name);
  }

  /** A macro that scripts can use in expressions: without parameters and with a body. */
  macro(name: string): ScriptMacro | undefined {
    const macro = this.#preprocessor.macros.get(name);
    if (macro === undefined || macro.params !== undefined || macro.body.length === 0) {
      return undefined;
    }
    const { macros } = this.#preprocessor;
    const calls = macro.composed ||
      macro.body.some(({ text }) => macros.get(text)?.params !== undefined);
    // Macros with parameters are C's own; the language does not know them.
    const tokens = calls ? this.#expanded(macro) : macro.body;
    return {
      text: spelled(tokens),
      value: calls || isForeign(tokens) ? this.#value(macro) : undefined,
    };
  }

  /** Names of all macros, for tests. */
  macroNames(): string[] {
    return [...this.#preprocessor.macros.keys()];
  }

  /** The value of a macro by the rules of C, or undefined if its body is no constant. */
  macroValue(name: string): bigint | undefined {
    const macro = this.#preprocessor.macros.get(name);
    return macro === undefined || macro.params !== undefined ? undefined : this.#value(macro);
  }

  #expanded(macro: Macro): readonly CToken[] {
    return this.#preprocessor.expandBody(macro);
  }

  #value(macro: Macro): bigint | undefined {
    try {
      return this.#declarations.evaluate(this.#expanded(macro));
    } catch (error) {
      if (!(error instanceof CError)) throw error;
      return undefined;
    }
  }

  #mayMiss({ name }: HeaderRequest, at: CToken): boolean {
    if (!KERNEL_HEADER.test(name)) return false;
    const { file, offset, text } = at;
    this.warnings.push({
      message: `${
        file.place(offset)
      }: '${name}' file not found; the kernel's types are used instead`,
      span: file.span(offset, offset + text.length),
    });
    return true;
  }
}

/** True if the text has literals that C alone has: 5UL, 'a'. */
function isForeign(tokens: readonly CToken[]): boolean {
  return tokens.some(({ kind, text }) =>
    kind === "char" ? charLiteral(text) !== undefined : kind === "number" &&
      /[uUlL]$/.test(text) && integerLiteral(text) !== undefined
  );
}

/** Tokens as text. */
function spelled(tokens: readonly CToken[]): string {
  return tokens.map(({ text, spaced }, i) => (spaced && i > 0 ? " " : "") + text).join("");
}
