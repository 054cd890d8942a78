// Pure: no I/O, no FFI.
// Spells BTF types as C does, for error messages and listings of arguments.

import type { Btf } from "./parse.ts";
import { BTF_KIND } from "./types.ts";

/**
 * Spells a type in C: "const struct sk_buff *", "unsigned int", "u8[6]".
 *
 * @param btf BTF that the type is in.
 * @param id Id of the type.
 */
export function btfTypeName(btf: Btf, id: number): string {
  switch (btf.kind(id)) {
    case 0:
      return "void";
    case BTF_KIND.PTR: {
      const to = btf.sizeOrType(id);
      if (btf.kind(to) === BTF_KIND.FUNC_PROTO) return "void (*)()";
      const text = btfTypeName(btf, to);
      return text.endsWith("*") ? `${text}*` : `${text} *`;
    }
    case BTF_KIND.CONST:
      return `const ${btfTypeName(btf, btf.sizeOrType(id))}`;
    case BTF_KIND.VOLATILE:
    case BTF_KIND.RESTRICT:
      return btfTypeName(btf, btf.sizeOrType(id));
    case BTF_KIND.TYPE_TAG: {
      const text = btfTypeName(btf, btf.sizeOrType(id));
      return btf.name(id) === "user" ? `${text} __user` : text;
    }
    case BTF_KIND.ARRAY: {
      const { type, count } = btf.array(id);
      return `${btfTypeName(btf, type)}[${count}]`;
    }
    case BTF_KIND.STRUCT:
      return `struct ${btf.name(id)}`;
    case BTF_KIND.UNION:
      return `union ${btf.name(id)}`;
    case BTF_KIND.FWD:
      return `${btf.flag(id) ? "union" : "struct"} ${btf.name(id)}`;
    case BTF_KIND.ENUM:
    case BTF_KIND.ENUM64:
      return `enum ${btf.name(id)}`;
    default:
      return btf.name(id);
  }
}
