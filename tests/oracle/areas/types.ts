// Types: declared variables, casts between all of them, sizes, limits.

const INTEGERS = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"];
const TYPES = [
  ...INTEGERS,
  "bool",
  "string",
  "string[8]",
  "string[2]",
  "buffer[4]",
  "inet[4]",
  "inet[16]",
  "void",
  "void *",
  "int8 *",
  "uint64 *",
  "int32[4]",
  "uint8[2][3]",
  "int32[4] *",
  "int32 **",
  "struct task_struct",
  "struct task_struct *",
  "struct list_head",
  "struct nothing",
  "enum pid_type",
  "size_t",
  "char",
  "short",
  "int",
  "long",
  "unsigned int",
  "uint64_t",
  "pid_t",
  "nothing",
  "count_t",
  "sum_t",
  "min_t",
  "hist_t",
  "username",
  "ksym_t",
  "timestamp",
  "(int32, string)",
];
const VALUES = [
  "0",
  "1",
  "-1",
  "127",
  "128",
  "255",
  "256",
  "-129",
  "65536",
  "4294967296",
  "9223372036854775808",
  "true",
  '"ab"',
  "(1, 2)",
  "uid",
  "(void *)7",
];

export const entries: string[] = [
  ...TYPES.flatMap((type) => [
    `BEGIN { print(sizeof(${type})); }`,
    `BEGIN { let $a: ${type}; print($a); }`,
    `BEGIN { let $a: ${type} = 5; print($a); }`,
    `BEGIN { let $a: ${type} = "abc"; print($a); }`,
  ]),
  ...INTEGERS.flatMap((type) =>
    VALUES.flatMap((value) => [
      `BEGIN { $a = (${type})${value}; print($a); @m = $a; }`,
      `BEGIN { let $a: ${type} = ${value}; print($a); }`,
    ])
  ),
  ...["bool", "string", "int8 *", "void *", "int8[8]", "uint8[4]", "bool[8]", "string[4]"].flatMap((
    type,
  ) => VALUES.map((value) => `BEGIN { $a = (${type})${value}; print($a); }`)),
  ...INTEGERS.flatMap((from) =>
    INTEGERS.filter((to) => to !== from).map((to) =>
      `BEGIN { $a = (${from})-3; $b = (${to})$a; print($b); $c = (${from})7; $c = (${to})7; print(sizeof($c)); }`
    )
  ),
  ...INTEGERS.flatMap((type) => [
    `BEGIN { @m = (${type})1; @m = 300; print(@m); }`,
    `BEGIN { @m = (${type})1; @m = -1; print(@m); }`,
    `BEGIN { @m[(${type})1] = 1; @m[-1] = 2; @m[300] = 3; }`,
    `BEGIN { @m = sum((${type})100); @m = sum((${type})-100); }`,
    `BEGIN { @m = min((${type})100); @m = min((${type})-100); @x = max((${type})100); @x = max((${type})-100); }`,
    `BEGIN { @m = avg((${type})100); @m = avg((${type})-100); @s = stats((${type})100); @s = stats((${type})-101); }`,
    `BEGIN { @m = hist((${type})100); @m = hist((${type})-100); @l = lhist((${type})-5, -10, 10, 5); }`,
    `BEGIN { $a = (1, (${type})2, "x"); print($a); print(sizeof($a)); }`,
    `BEGIN { $a = (x=(${type})2, y="x"); print($a); print(sizeof($a)); }`,
    `BEGIN { if ((${type})-1) { print("yes"); } if ((${type})0) { print("no"); } print(!(${type})256); }`,
    `BEGIN { $a = true ? (${type})1 : 70000; print($a); print(sizeof($a)); }`,
  ]),
];
