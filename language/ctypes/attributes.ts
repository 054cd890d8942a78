// Pure: no I/O, no FFI.
// Attributes of C: those that change a layout are understood, those that cannot are passed over, all
// others are refused by name.

import type { CExpressions } from "./c_expression.ts";
import { cFloat, cInteger, type CType } from "./c_type.ts";
import type { CToken } from "./c_token.ts";
import type { TokenStream } from "./token_stream.ts";

/** What the attributes of a declaration change in its layout. */
export interface Attributes {
  /** True if members lie without padding between them. */
  readonly packed: boolean;
  /** Largest alignment in bytes that an attribute asks for. */
  readonly align?: number;
  /** Machine mode that replaces the type's size: "DI" for 8 bytes. */
  readonly mode?: string;
  /** Size of a vector type in bytes. */
  readonly vector?: number;
  /** True if pointers to the type lead to the memory of a process. */
  readonly user: boolean;
}

/** The attributes of a declaration that has none. */
export const NO_ATTRIBUTES: Attributes = { packed: false, user: false };

/** Bytes of `aligned` without a number: the largest alignment that an object may need. */
const BIGGEST_ALIGNMENT = 16;
/** The number that stands for process memory in address_space(). */
const USER_SPACE = 1n;

/** Attributes without influence on sizes and places. */
const HARMLESS = new Set(
  `access alias aligned_spill alloc_align alloc_size always_inline artificial assume_aligned
  assume availability bnd_instrument bnd_legacy btf_decl_tag carries_dependency cdecl cleanup cold
  common const constructor convergent copy counted_by counted_by_or_null sized_by deprecated
  designated_init destructor diagnose_as_builtin diagnose_if disable_sanitizer_instrumentation
  disable_tail_calls enable_if enum_extensibility error expected_throw externally_visible
  fallthrough fd_arg fd_arg_read fd_arg_write flag_enum flatten flatten format format_arg
  function_return gnu_inline guarded_by hot ibt ifunc indirect_return internal_linkage interrupt
  leaf likely lto_visibility_public malloc may_alias maybe_unused minsize musttail naked
  no_address_safety_analysis no_builtin no_caller_saved_registers no_icf no_instrument_function
  no_profile_instrument_function no_randomize_layout no_reorder no_sanitize no_sanitize_address
  no_sanitize_memory no_sanitize_thread no_sanitize_undefined no_speculative_load_hardening
  no_split_stack no_stack_limit no_stack_protector no_thread_safety_analysis nocf_check noclone
  nocommon nodebug nodiscard noderef noescape noinline noinline_for_stack noipa nomerge nonnull
  nonstring noplt noreturn nosanitize nothrow not_tail_called null_terminated_string_arg objc_bridge
  optimize optnone overloadable ownership_holds ownership_returns ownership_takes pass_object_size
  patchable_function_entry preserve_access_index preserve_all preserve_most pt_guarded_by pure
  randomize_layout regparm require_constant_initialization restrict retain returns_nonnull
  returns_twice section sentinel signal simd stack_protect strict_flex_array suppress symver
  sysv_abi target target_clones target_version tainted_args thread_annotation tls_model
  transparent_union type_visibility unavailable uninitialized unlikely unused used visibility
  warn_if_not_aligned warn_unused_result warning weak weakref xray_always_instrument
  zero_call_used_regs capability acquire_capability release_capability assert_capability
  requires_capability lockable scoped_lockable nocf cdecl stdcall fastcall thiscall ms_abi
  force_align_arg_pointer fentry_name fentry_section swift_name swift_private reproducible unsequenced
  aarch64_vector_pcs nouwtable noinit persistent null_terminated context gcc_struct safe force
  no_dangling`.split(/\s+/),
);
const UNDERSTOOD = ["aligned", "packed", "mode", "vector_size", "address_space", "btf_type_tag"];

/** Names for which `__has_attribute` is true. */
export const ATTRIBUTE_NAMES: ReadonlySet<string> = new Set([...HARMLESS, ...UNDERSTOOD]);

/** Reads the attributes of C declarations from a stream of tokens. */
export class AttributeReader {
  readonly #stream: TokenStream;
  readonly #expressions: CExpressions;
  readonly #alignOf: () => CType | undefined;

  /** @param typeInside Reads the type in _Alignas(type); undefined if an expression comes next. */
  constructor(
    stream: TokenStream,
    expressions: CExpressions,
    typeInside: () => CType | undefined,
  ) {
    this.#stream = stream;
    this.#expressions = expressions;
    this.#alignOf = typeInside;
  }

  /** True if an attribute comes next. */
  next(): boolean {
    const text = this.#stream.peek();
    return /^(__attribute__|__attribute|_Alignas|alignas|__declspec)$/.test(text) ||
      text === "[" && this.#stream.peek(1) === "[";
  }

  /** All attributes that come next, added to those that are given. */
  read(given: Attributes = NO_ATTRIBUTES): Attributes {
    const stream: TokenStream = this.#stream;
    let all = given;
    while (this.next()) {
      const word = stream.next();
      if (word.text === "[") {
        stream.expect("[");
        all = this.#list(all, "]");
        stream.expect("]");
      } else if (/alignas/i.test(word.text)) {
        stream.expect("(");
        const type = this.#alignOf();
        all = withAlignment(all, type?.align ?? this.#alignment(stream.token()));
        stream.expect(")");
      } else if (word.text === "__declspec") {
        stream.fail("'__declspec' is not supported", word);
      } else {
        stream.expect("(");
        stream.expect("(");
        all = this.#list(all, ")");
        stream.expect(")");
      }
    }
    return all;
  }

  /** Attributes up to the closing bracket. */
  #list(given: Attributes, close: string): Attributes {
    const stream: TokenStream = this.#stream;
    let all = given;
    while (!stream.accept(close)) {
      if (stream.accept(",")) continue;
      let name = stream.next();
      while (stream.accept(":")) name = stream.peek() === ":" ? name : stream.next();
      if (name.kind !== "word") stream.fail(`expected an attribute, found '${name.text}'`, name);
      all = this.#one(all, name);
    }
    return all;
  }

  #one(all: Attributes, at: CToken): Attributes {
    const stream: TokenStream = this.#stream;
    const name = at.text.replace(/^__(.*)__$/, "$1");
    const hasArguments = stream.peek() === "(";
    const inside = <T>(read: () => T): T => {
      stream.expect("(");
      const result = read();
      stream.expect(")");
      return result;
    };
    switch (name) {
      case "packed":
        return { ...all, packed: true };
      case "aligned": {
        const align = hasArguments
          ? inside(() => this.#alignment(stream.token()))
          : BIGGEST_ALIGNMENT;
        return withAlignment(all, align);
      }
      case "mode":
        return { ...all, mode: inside(() => stream.next().text).replace(/^__(.*)__$/, "$1") };
      case "vector_size":
        return { ...all, vector: Number(inside(() => this.#expressions.constant().value)) };
      case "address_space": {
        const space = inside(() => this.#expressions.constant().value);
        return space === USER_SPACE ? { ...all, user: true } : all;
      }
      case "btf_type_tag":
        return inside(() => stream.next().text) === '"user"' ? { ...all, user: true } : all;
    }
    if (!HARMLESS.has(name)) stream.fail(`attribute '${name}' is not supported`, at);
    if (hasArguments) stream.skipBalanced();
    return all;
  }

  /** A power of two. */
  #alignment(at: CToken | undefined): number {
    const { value } = this.#expressions.constant();
    if (value < 0n || value > 1n << 28n || (value & (value - 1n)) !== 0n) {
      this.#stream.fail(`the alignment ${value} is no power of two up to 2^28`, at);
    }
    return Number(value);
  }
}

function withAlignment(all: Attributes, align: number): Attributes {
  // An alignment of zero changes nothing.
  return align === 0 ? all : { ...all, align: Math.max(all.align ?? 1, align) };
}

/** The union of two lists of attributes. */
export function merged(a: Attributes, b: Attributes): Attributes {
  if (b === NO_ATTRIBUTES) return a;
  const both = {
    packed: a.packed || b.packed,
    mode: b.mode ?? a.mode,
    vector: b.vector ?? a.vector,
    user: a.user || b.user,
    align: a.align,
  };
  return withAlignment(both, b.align ?? 0);
}

const MODES: Readonly<Record<string, number>> = {
  ...{ QI: 1, byte: 1, HI: 2, SI: 4, DI: 8, word: 8, pointer: 8, unwind_word: 8, TI: 16 },
};
const FLOAT_MODES: Readonly<Record<string, number>> = {
  ...{ HF: 2, SF: 4, DF: 8, XF: 16, TF: 16 },
  ...{ SC: 8, DC: 16, XC: 32, TC: 32 },
};

/** A type with the size that attributes give; undefined if the mode is not known. */
export function withMode(type: CType, { mode, vector }: Attributes): CType | undefined {
  let result: CType | undefined = type;
  if (mode !== undefined) {
    if (type.kind === "float") {
      const size = FLOAT_MODES[mode];
      const align = mode.endsWith("C") ? size / 2 : size;
      result = size === undefined ? undefined : cFloat(size, type.name, align);
    } else {
      const size = MODES[mode];
      result = size === undefined ? undefined : cInteger(size, type.signed === true, type.name);
    }
  }
  if (result === undefined || vector === undefined) return result;
  // A vector is aligned to all its bytes.
  return cFloat(vector, `vector of ${type.name}`);
}
