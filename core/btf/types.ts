// Pure: no I/O, no FFI.
// The kinds of BTF types, spelled as in include/uapi/linux/btf.h.

/** Kinds of BTF types: the numbers in bits 24 to 28 of a type's info word. */
export const BTF_KIND = {
  INT: 1,
  PTR: 2,
  ARRAY: 3,
  STRUCT: 4,
  UNION: 5,
  ENUM: 6,
  FWD: 7,
  TYPEDEF: 8,
  VOLATILE: 9,
  CONST: 10,
  RESTRICT: 11,
  FUNC: 12,
  FUNC_PROTO: 13,
  VAR: 14,
  DATASEC: 15,
  FLOAT: 16,
  DECL_TAG: 17,
  TYPE_TAG: 18,
  ENUM64: 19,
} as const;

/** Number of a kind in {@linkcode BTF_KIND}. */
export type BtfKind = typeof BTF_KIND[keyof typeof BTF_KIND];
