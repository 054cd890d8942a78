// Pure: no I/O, no FFI.
// Macros that a compiler defines before the first line of a text: clang's, for Linux on x86_64 and aarch64.

import type { Machine } from "./declarations.ts";

/** Machines that C text is read for. */
export type Architecture = "x86_64" | "aarch64";

const COMMON = `
BPFTRACE_HAVE_BTF 1
__STDC__ 1
__STDC_HOSTED__ 1
__STDC_VERSION__ 201710L
__STDC_UTF_16__ 1
__STDC_UTF_32__ 1
__GNUC__ 4
__GNUC_MINOR__ 2
__GNUC_PATCHLEVEL__ 1
__GNUC_STDC_INLINE__ 1
__GXX_ABI_VERSION 1002
__clang__ 1
__clang_major__ 21
__clang_minor__ 1
__clang_patchlevel__ 8
__llvm__ 1
__VERSION__ "Clang 21.1.8"
__linux 1
__linux__ 1
linux 1
__gnu_linux__ 1
__unix 1
__unix__ 1
unix 1
__ELF__ 1
_LP64 1
__LP64__ 1
__CHAR_BIT__ 8
__BIGGEST_ALIGNMENT__ 16
__BOOL_WIDTH__ 1
__ORDER_LITTLE_ENDIAN__ 1234
__ORDER_BIG_ENDIAN__ 4321
__ORDER_PDP_ENDIAN__ 3412
__BYTE_ORDER__ __ORDER_LITTLE_ENDIAN__
__FLOAT_WORD_ORDER__ __ORDER_LITTLE_ENDIAN__
__LITTLE_ENDIAN__ 1
__POINTER_WIDTH__ 64
__SIZEOF_SHORT__ 2
__SIZEOF_INT__ 4
__SIZEOF_LONG__ 8
__SIZEOF_LONG_LONG__ 8
__SIZEOF_INT128__ 16
__SIZEOF_POINTER__ 8
__SIZEOF_SIZE_T__ 8
__SIZEOF_PTRDIFF_T__ 8
__SIZEOF_WCHAR_T__ 4
__SIZEOF_WINT_T__ 4
__SIZEOF_FLOAT__ 4
__SIZEOF_DOUBLE__ 8
__SIZEOF_LONG_DOUBLE__ 16
__SCHAR_MAX__ 127
__SHRT_MAX__ 32767
__INT_MAX__ 2147483647
__LONG_MAX__ 9223372036854775807L
__LONG_LONG_MAX__ 9223372036854775807LL
__WCHAR_MAX__ 2147483647
__WINT_MAX__ 4294967295U
__SIZE_MAX__ 18446744073709551615UL
__PTRDIFF_MAX__ 9223372036854775807L
__INTMAX_MAX__ 9223372036854775807L
__UINTMAX_MAX__ 18446744073709551615UL
__INTPTR_MAX__ 9223372036854775807L
__UINTPTR_MAX__ 18446744073709551615UL
__SIG_ATOMIC_MAX__ 2147483647
__SCHAR_WIDTH__ 8
__SHRT_WIDTH__ 16
__INT_WIDTH__ 32
__LONG_WIDTH__ 64
__LLONG_WIDTH__ 64
__WCHAR_WIDTH__ 32
__WINT_WIDTH__ 32
__SIZE_WIDTH__ 64
__PTRDIFF_WIDTH__ 64
__INTMAX_WIDTH__ 64
__UINTMAX_WIDTH__ 64
__INTPTR_WIDTH__ 64
__UINTPTR_WIDTH__ 64
__SIG_ATOMIC_WIDTH__ 32
__SIZE_TYPE__ long unsigned int
__PTRDIFF_TYPE__ long int
__WINT_TYPE__ unsigned int
__INTMAX_TYPE__ long int
__UINTMAX_TYPE__ long unsigned int
__INTPTR_TYPE__ long int
__UINTPTR_TYPE__ long unsigned int
__CHAR16_TYPE__ unsigned short
__CHAR32_TYPE__ unsigned int
__SIG_ATOMIC_TYPE__ int
__INT8_TYPE__ signed char
__INT16_TYPE__ short
__INT32_TYPE__ int
__INT64_TYPE__ long int
__UINT8_TYPE__ unsigned char
__UINT16_TYPE__ unsigned short
__UINT32_TYPE__ unsigned int
__UINT64_TYPE__ long unsigned int
__INT8_MAX__ 127
__INT16_MAX__ 32767
__INT32_MAX__ 2147483647
__INT64_MAX__ 9223372036854775807L
__UINT8_MAX__ 255
__UINT16_MAX__ 65535
__UINT32_MAX__ 4294967295U
__UINT64_MAX__ 18446744073709551615UL
__INTMAX_C_SUFFIX__ L
__UINTMAX_C_SUFFIX__ UL
__INT64_C_SUFFIX__ L
__UINT32_C_SUFFIX__ U
__UINT64_C_SUFFIX__ UL
__FLT_RADIX__ 2
__FLT_EVAL_METHOD__ 0
__FLT_DIG__ 6
__FLT_DECIMAL_DIG__ 9
__FLT_MANT_DIG__ 24
__FLT_MAX_EXP__ 128
__FLT_MIN_EXP__ (-125)
__FLT_MAX_10_EXP__ 38
__FLT_MIN_10_EXP__ (-37)
__FLT_HAS_DENORM__ 1
__DBL_DIG__ 15
__DBL_DECIMAL_DIG__ 17
__DBL_MANT_DIG__ 53
__DBL_MAX_EXP__ 1024
__DBL_MIN_EXP__ (-1021)
__DBL_MAX_10_EXP__ 308
__DBL_MIN_10_EXP__ (-307)
__DBL_HAS_DENORM__ 1
__LDBL_MAX_EXP__ 16384
__LDBL_MIN_EXP__ (-16381)
__LDBL_MAX_10_EXP__ 4932
__LDBL_MIN_10_EXP__ (-4931)
__LDBL_HAS_DENORM__ 1
__NO_INLINE__ 1
__FINITE_MATH_ONLY__ 0
__GCC_ATOMIC_BOOL_LOCK_FREE 2
__GCC_ATOMIC_CHAR_LOCK_FREE 2
__GCC_ATOMIC_SHORT_LOCK_FREE 2
__GCC_ATOMIC_INT_LOCK_FREE 2
__GCC_ATOMIC_LONG_LOCK_FREE 2
__GCC_ATOMIC_LLONG_LOCK_FREE 2
__GCC_ATOMIC_POINTER_LOCK_FREE 2
__GCC_HAVE_SYNC_COMPARE_AND_SWAP_1 1
__GCC_HAVE_SYNC_COMPARE_AND_SWAP_2 1
__GCC_HAVE_SYNC_COMPARE_AND_SWAP_4 1
__GCC_HAVE_SYNC_COMPARE_AND_SWAP_8 1
__USER_LABEL_PREFIX__
__REGISTER_PREFIX__
__PRAGMA_REDEFINE_EXTNAME 1
__ATOMIC_RELAXED 0
__ATOMIC_CONSUME 1
__ATOMIC_ACQUIRE 2
__ATOMIC_RELEASE 3
__ATOMIC_ACQ_REL 4
__ATOMIC_SEQ_CST 5
`;

const OF_MACHINE: Readonly<Record<Architecture, string>> = {
  x86_64: `
__x86_64 1
__x86_64__ 1
__amd64 1
__amd64__ 1
__k8 1
__k8__ 1
__SSE__ 1
__SSE2__ 1
__SSE_MATH__ 1
__SSE2_MATH__ 1
__MMX__ 1
__FXSR__ 1
__code_model_small__ 1
__seg_fs __attribute__((address_space(257)))
__seg_gs __attribute__((address_space(256)))
__WCHAR_TYPE__ int
__WCHAR_MIN__ (-2147483647-1)
__SIZEOF_FLOAT128__ 16
__LDBL_DIG__ 18
__LDBL_DECIMAL_DIG__ 21
__LDBL_MANT_DIG__ 64
`,
  aarch64: `
__aarch64__ 1
__AARCH64EL__ 1
__AARCH64_CMODEL_SMALL__ 1
__ARM_64BIT_STATE 1
__ARM_ARCH 8
__ARM_ARCH_8A 1
__ARM_ARCH_ISA_A64 1
__ARM_ARCH_PROFILE 'A'
__ARM_NEON 1
__ARM_FP 0xE
__ARM_SIZEOF_WCHAR_T 4
__ARM_SIZEOF_MINIMAL_ENUM 4
__ARM_PCS_AAPCS64 1
__CHAR_UNSIGNED__ 1
__WCHAR_TYPE__ unsigned int
__WCHAR_UNSIGNED__ 1
__LDBL_DIG__ 33
__LDBL_DECIMAL_DIG__ 36
__LDBL_MANT_DIG__ 113
`,
};

/** Names and texts of the macros. */
export function predefinedMacros(architecture: Architecture): [string, string][] {
  const lines = `${COMMON}${OF_MACHINE[architecture]}`.split("\n").filter((line) => line !== "");
  return lines.map((line) => {
    const space = line.indexOf(" ");
    return space < 0 ? [line, ""] : [line.slice(0, space), line.slice(space + 1)];
  });
}

/** What the machine's ABI says. */
export const MACHINES: Readonly<Record<Architecture, Machine>> = {
  x86_64: { unnamedBitFieldsAlign: false, vaList: { size: 24, align: 8 } },
  aarch64: { unnamedBitFieldsAlign: true, vaList: { size: 32, align: 8 } },
};
