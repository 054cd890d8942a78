// Pure: no I/O, no FFI.
// The scalar C types, as far as a load instruction needs to know them: width, signedness, and the
// pointee of a pointer. The layouts of tracepoints (core/tracefs), of system call arguments
// (core/sources/syscalls) and of traced values (core/kernel_plane/location.ts) are given in these
// types.

/** A scalar C type: an integer, an enumeration, a boolean or a pointer. */
export interface CType {
  /** Width of a value in bytes. */
  readonly size: 1 | 2 | 4 | 8;
  /** True if a narrower value is sign-extended when it is widened to 64 bits. */
  readonly signed: boolean;
  /** For a pointer, the type that the pointer points to, e.g. "char" or "struct stat". */
  readonly pointee?: string;
}

/** Width in bytes and signedness of the integer types, by name. */
const WORDS: Readonly<Record<string, readonly [size: 1 | 2 | 4 | 8, signed: boolean]>> = {
  char: [1, true],
  "unsigned char": [1, false],
  short: [2, true],
  "unsigned short": [2, false],
  int: [4, true],
  "unsigned int": [4, false],
  unsigned: [4, false],
  long: [8, true],
  "unsigned long": [8, false],
  "long long": [8, true],
  "unsigned long long": [8, false],
  s8: [1, true],
  u8: [1, false],
  s16: [2, true],
  u16: [2, false],
  s32: [4, true],
  u32: [4, false],
  s64: [8, true],
  u64: [8, false],
  size_t: [8, false],
  ssize_t: [8, true],
  loff_t: [8, true],
  off_t: [8, true],
  pid_t: [4, true],
  uid_t: [4, false],
  gid_t: [4, false],
  qid_t: [4, false],
  umode_t: [2, false],
  key_t: [4, true],
  mqd_t: [4, true],
  timer_t: [4, true],
  clockid_t: [4, true],
  rwf_t: [4, true],
  key_serial_t: [4, true],
  aio_context_t: [8, false],
  bool: [1, false],
};

/**
 * Reads the name of a scalar C type.
 * Qualifiers such as `const` are ignored. An enumeration is taken as an unsigned int, and an
 * unknown name as an unsigned 64-bit word.
 *
 * @param text C type, e.g. "const char *", "unsigned int" or "__u64".
 * @returns The width, the signedness and, for a pointer, the pointee.
 */
export function parseCType(text: string): CType {
  const plain = text.replace(/\b(const|volatile|__user)\b/g, "").replace(/\s+/g, " ").trim();
  const star = plain.lastIndexOf("*");
  if (star >= 0) return { size: 8, signed: false, pointee: plain.slice(0, star).trim() };
  // `cap_user_header_t` and `cap_user_data_t` are pointers behind a typedef.
  if (plain.startsWith("cap_user_")) return { size: 8, signed: false, pointee: "void" };
  const [size, signed] = plain.startsWith("enum ")
    ? [4, false] as const
    : WORDS[plain.replace(/^__(?=[su]\d)/, "")] ?? [8, false];
  return { size, signed };
}
