// Random structure definitions from a seed, with all that changes a layout.

const SCALARS = [
  ...["char", "unsigned char", "short", "int", "unsigned", "long", "unsigned long long", "float"],
  ...["double", "long double", "__int128", "_Bool", "void *", "int (*)(void)", "enum color"],
  ...["small_t", "wide_t", "loose_t", "enum tiny", "cube_t"],
];
const BIT_TYPES: readonly (readonly [string, number])[] = [
  ...[["char", 8], ["unsigned char", 8], ["short", 16], ["unsigned short", 16]] as const,
  ...[["int", 32], ["unsigned", 32], ["long", 64], ["unsigned long", 64]] as const,
  ...[["_Bool", 1], ["enum color", 32], ["small_t", 16], ["loose_t", 64]] as const,
];

/** Definitions that all random structures may use. */
export const COMMON = `
enum color { RED, GREEN = 5, BLUE };
enum __attribute__((packed)) tiny { T0, T1 };
typedef short small_t;
typedef int wide_t __attribute__((aligned(16)));
typedef long loose_t __attribute__((aligned(4)));
typedef struct { char r, g, b; } cube_t;
`;

/** Makes numbers below 2^32 out of a seed. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  next(below: number): number {
    // A linear congruential step with its bits mixed.
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    let mixed = this.#state;
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x2c1b3c6d) >>> 0;
    mixed ^= mixed >>> 12;
    return (mixed >>> 0) % below;
  }

  chance(percent: number): boolean {
    return this.next(100) < percent;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.next(list.length)];
  }
}

/** The definition of one structure, with pragmas around it, named `struct name` or `union name`. */
export function randomStruct(random: Random, name: string): { text: string; type: string } {
  let members = 0;
  const member = () => `m${members++}`;
  const aligned = () => {
    const values = [1, 2, 4, 8, 16, 32];
    return random.pick([
      ` __attribute__((aligned(${random.pick(values)})))`,
      " __attribute__((packed))",
      ` __attribute__((packed, aligned(${random.pick(values)})))`,
      " __attribute__((__aligned__))",
    ]);
  };
  // A union has no array without a size.
  let inUnion = false;
  const line = (depth: number, last: boolean): string => {
    if (depth < 3 && random.chance(15)) {
      const word = random.chance(70) ? "struct" : "union";
      const attribute = random.chance(20) ? aligned() : "";
      const inner = body(depth + 1);
      const named = random.chance(60) ? ` ${member()}${random.chance(20) ? "[3]" : ""}` : "";
      return `${word} { ${inner} }${attribute}${named};`;
    }
    if (random.chance(35)) {
      const [type, most] = random.pick(BIT_TYPES);
      const rest = random.chance(12) ? aligned() : "";
      if (random.chance(10)) return `${type} : ${random.chance(50) ? 0 : 1 + random.next(most)};`;
      return `${type} ${member()} : ${1 + random.next(most)}${rest};`;
    }
    const type = random.pick(SCALARS);
    const attribute = random.chance(15) ? aligned() : "";
    if (type.includes("(*)")) return `${type.replace("(*)", `(*${member()})`)}${attribute};`;
    if (last && members > 0 && depth === 0 && !inUnion && type !== "wide_t" && random.chance(8)) {
      return `${type} ${member()}[];`;
    }
    // Elements of an array must not be aligned to more than their size.
    const array = type !== "wide_t" && random.chance(15) ? `[${1 + random.next(4)}]` : "";
    const before = random.chance(5) ? "_Alignas(16) " : "";
    return `${before}${type} ${member()}${array}${attribute};`;
  };
  const body = (depth: number): string => {
    const count = 1 + random.next(6);
    const lines: string[] = [];
    for (let i = 0; i < count; i++) lines.push(line(depth, i > 0 && i === count - 1));
    // A structure that has bit fields without a name only is no test of gcc's rules.
    if (!lines.some((one) => /\bm\d+/.test(one))) lines.push(`char ${member()};`);
    return lines.join(" ");
  };
  const word = random.chance(80) ? "struct" : "union";
  inUnion = word === "union";
  const attribute = random.chance(30) ? aligned() : "";
  const definition = (inner: string) =>
    random.chance(50) || attribute === ""
      ? `${word} ${name} { ${inner} }${attribute};`
      : `${word}${attribute} ${name} { ${inner} };`;
  const inner = body(0);
  const pack = random.pick([1, 2, 4, 8, 16]);
  const plain = definition(inner);
  const text = random.pick([
    ...Array(8).fill(plain),
    `#pragma pack(${pack})\n${plain}\n#pragma pack()`,
    `#pragma pack(push, ${pack})\n${plain}\n#pragma pack(pop)`,
  ]);
  return { text, type: `${word} ${name}` };
}
