// Operators with operands of every width and sign: as constants, in variables, in maps.

const OPERATORS = ["+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>", "<", "<=", "==", "!="];
const PAIRS = [
  ["(int8)100", "(int8)100"],
  ["(uint8)200", "(uint8)100"],
  ["(int16)30000", "(uint8)9"],
  ["(uint32)4000000000", "(uint32)3"],
  ["(int32)-5", "(int32)3"],
  ["(int64)-5", "(uint64)3"],
  ["(uint64)-1", "(uint8)1"],
  ["(uint32)7", "(int64)-2"],
];
const LITERALS = [
  ["7", "2"],
  ["-7", "2"],
  ["7", "-2"],
  ["0x7fffffffffffffff", "1"],
  ["0xffffffffffffffff", "1"],
  ["1", "63"],
];

export const entries: string[] = [
  ...OPERATORS.flatMap((operator) =>
    PAIRS.map(([left, right]) =>
      `BEGIN { $a = ${left}; $b = ${right}; print($a ${operator} $b); print(sizeof($a ${operator} $b)); }`
    )
  ),
  ...OPERATORS.flatMap((operator) =>
    LITERALS.map(([left, right]) => `BEGIN { print(${left} ${operator} ${right}); }`)
  ),
  ...OPERATORS.flatMap((operator) => [
    `BEGIN { @a = 12; @b = (uint8)5; @c = @a ${operator} @b; }`,
    `BEGIN { @a[1] = (int32)-12; $c = @a[1] ${operator} 5; print($c); print($c == 1); }`,
    `BEGIN { $p = (int32 *)0x1000; print($p ${operator} 2); }`,
    `BEGIN { $p = (int32 *)0x1000; $q = (int32 *)0x1010; print($p ${operator} $q); }`,
    `BEGIN { print("abc" ${operator} "abd"); }`,
    `BEGIN { print(true ${operator} false); }`,
    `BEGIN { print((1, "a") ${operator} (1, "b")); }`,
    `BEGIN { $a = 5; print($a ${operator} "x"); }`,
  ]),
  ...["+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>"].flatMap((operator) => [
    `BEGIN { $a = 13; $a ${operator}= 3; print($a); }`,
    `BEGIN { $a = (uint8)250; $a ${operator}= 10; print($a); print(sizeof($a)); }`,
    `BEGIN { @a = 13; @a ${operator}= 3; @b ${operator}= 3; @c["k"] ${operator}= 3; }`,
    `BEGIN { let $a: int8 = 100; $a ${operator}= 100; print($a); }`,
    `BEGIN { @s = "a"; @s ${operator}= "b"; }`,
    `BEGIN { $p = (int32 *)0x1000; $p ${operator}= 2; print($p); }`,
  ]),
  ...["-", "!", "~", "++", "--", "*", "&"].flatMap((operator) =>
    ["$a", "@a", "5", "-5", "(uint8)5", "true", '"a"', "(1, 2)", "uid"].map((operand) =>
      `BEGIN { $a = (int16)7; @a = (uint32)7; print(${operator}${operand}); }`
    )
  ),
  ...["$a++", "$a--", "@a++", "@a--", "@k[1]++", "@k[2]--", "$p++", "$t++", "5++"].map((operand) =>
    `BEGIN { $a = 1; @a = 1; @k[1] = 1; $p = (int16 *)8; $t = (1, 2); print(${operand}); print(${
      operand.replace(/[+-]+$/, "")
    }); }`
  ),
];
