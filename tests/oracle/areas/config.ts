// Every key of a config block and its variable of the environment, with values that fit and that do not.

import type { Entry } from "../corpus.ts";

const KEYS: Readonly<Record<string, readonly string[]>> = {
  cache_user_symbols: ['"PER_PID"', '"PER_PROGRAM"', '"NONE"', "true", '"nonsense"'],
  cpp_demangle: ["true", "false", "0", "2", '"yes"'],
  lazy_symbolication: ["true", "false", '"x"'],
  license: ['"GPL"', '"Dual BSD/GPL"', '"MIT"', '""', "5"],
  log_size: ["1000000", "0", "-1", '"x"'],
  max_bpf_progs: ["10", "0", "-1", '"x"'],
  max_cat_bytes: ["5", "0", "-1", '"x"', "1e3", "0x10", "1_000"],
  max_map_keys: ["2", "0", "-1", '"x"'],
  max_probes: ["2", "0", "-1", '"x"'],
  max_strlen: ["8", "0", "-1", '"8"', '"x"', "true"],
  missing_probes: ['"error"', '"warn"', '"ignore"', '"x"', "1"],
  on_stack_limit: ["32", "0", "-1", '"x"'],
  perf_rb_pages: ["64", "63", "0", "-1", '"x"'],
  print_maps_on_exit: ["true", "false", "1", "0", "2", '"x"'],
  show_debug_info: ["true", "false", '"x"'],
  stack_mode: ['"bpftrace"', '"perf"', '"raw"', '"build_id"', '"x"', "1"],
  str_trunc_trailer: ['"~"', '""', "5"],
  use_blazesym: ["true", "false", '"x"'],
  unstable_tseries: ['"warn"', '"enable"', '"error"', '"x"', "true"],
  unstable_import: ['"warn"', '"enable"', '"error"', "false"],
  unstable_typeinfo: ['"warn"', '"enable"', '"error"'],
  unstable_dw_ustack: ['"warn"', '"enable"', '"error"'],
  strlen: ["8"],
  no_cpp_demangle: ["true"],
  cat_bytes_max: ["5"],
  map_keys_max: ["5"],
  no_such_key: ["5"],
  unstable_macro: ['"warn"'],
  unstable_map_decl: ['"enable"'],
  max_ast_nodes: ["1000"],
  max_type_res_iterations: ["5"],
  verify_llvm_ir: ["true"],
  btf: ['"x"'],
  debug_output: ["true"],
};

const BODY = 'BEGIN { print(str("a string of some length")); @m[1] = (int64)3; print(@m[1]); }';

export const entries: Entry[] = [
  ...Object.entries(KEYS).flatMap(([key, values]) =>
    values.flatMap((value): Entry[] => [
      `config = { ${key} = ${value} } ${BODY}`,
      {
        args: ["-e", BODY],
        env: { [`BPFTRACE_${key.toUpperCase()}`]: value.replaceAll('"', "") },
      },
    ])
  ),
  ...Object.keys(KEYS).map((key) => `BEGIN { print(config.${key}); }`),
  `config = { max_strlen = 8; max_map_keys = 2 } ${BODY}`,
  `config = { max_strlen = 8, max_map_keys = 2, } ${BODY}`,
  `config = { max_strlen = 8; max_map_keys = 2; } ${BODY}`,
  `config = { MAX_STRLEN = 8 } ${BODY}`,
  `config = { BPFTRACE_MAX_STRLEN = 8 } ${BODY}`,
  `config = { max_strlen = 8; max_strlen = 9 } ${BODY}`,
  `config = { } ${BODY}`,
  `config = { max_strlen } ${BODY}`,
  `config = { max_strlen = } ${BODY}`,
  `config = { max_strlen: 8 } ${BODY}`,
  `config { max_strlen = 8 } ${BODY}`,
  `config = { max_strlen = 8 }; ${BODY}`,
  `config = { max_strlen = 8 } config = { max_map_keys = 2 } ${BODY}`,
  { args: ["-e", `config = { max_strlen = 8 } ${BODY}`], env: { BPFTRACE_MAX_STRLEN: "5" } },
  "config = { max_map_keys = 2 } BEGIN { @a[1] = 1; @a[2] = 2; @a[3] = 3; print(len(@a)); }",
  "config = { max_map_keys = 1 } BEGIN { @a[1] = 1; @a[2] = count(); }",
  'config = { license = "MIT" } BEGIN { print(1); }',
  'config = { license = "MIT" } BEGIN { print(str(comm)); @ = count(); print(kstack(1) == kstack(1)); }',
];
