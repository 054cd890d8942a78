// Pure: no I/O, no FFI.
// The table of builtin values: names that a script can read without an argument.

import { BOOL, PROBE, string, type StringType, type Type, UINT32, UINT64 } from "./types.ts";

/** How one builtin value comes about. */
interface Builtin {
  /** Type of a value that the planes read as it is. Without a type, the checker makes the value. */
  readonly type?: Type;
  /**
   * How a plane hands the value over: in a register, or by writing to memory. Without this entry, no
   * plane knows the name: the checker makes other nodes of the builtin.
   */
  readonly read?: "register" | "memory";
  /** True if scripts cannot write the name: the checker makes the value for other syntax. */
  readonly hidden?: true;
  /** True if scripts can also write `__builtin_NAME`. */
  readonly prefixed?: true;
}

/** Bytes of a thread's name in the kernel, its NUL included (TASK_COMM_LEN). */
export const COMM_BYTES = 16;

/** The type of a thread's name. */
const COMM: StringType = string(COMM_BYTES);

/** Every builtin value by its name. */
export const BUILTINS = {
  pid: { type: UINT32, read: "register" },
  tid: { type: UINT32, read: "register" },
  uid: { type: UINT64, read: "register" },
  gid: { type: UINT64, read: "register" },
  username: { type: { kind: "coded", as: "username" }, read: "register" },
  cpu: { type: UINT64, read: "register", prefixed: true },
  numaid: { type: UINT32, read: "register" },
  cpid: { type: UINT64, read: "register", prefixed: true },
  has_cpid: { type: BOOL, read: "register" },
  nsecs: { type: UINT64, read: "register" },
  elapsed: { type: UINT64, read: "register", prefixed: true },
  jiffies: { type: UINT64, read: "register" },
  rand: { type: UINT32, read: "register" },
  cgroup: { type: UINT64, read: "register" },
  comm: { type: COMM, read: "memory", prefixed: true },
  probe: { type: PROBE, read: "register", prefixed: true },

  // The checker gives these their types, by the probe and by the kernel's types.
  ctx: { read: "register" },
  curtask: { read: "register" },
  func: { read: "register", prefixed: true },
  // Read by the user plane only: on the kernel plane, they are members of the task structure.
  ppid: { read: "register" },
  leader_tid: { read: "register" },
  pcomm: { read: "memory" },
  leader_comm: { read: "memory" },

  // The checker makes other nodes of these.
  args: {},
  retval: { prefixed: true },
  ncpus: { prefixed: true },
  probetype: { prefixed: true },
  usermode: { prefixed: true },
  config: { prefixed: true },
  container: {},
  pod: {},

  // What pid(init) and tid(init) read: ids in the first pid namespace.
  pid_init: { type: UINT32, read: "register", hidden: true },
  tid_init: { type: UINT32, read: "register", hidden: true },
} as const satisfies Readonly<Record<string, Builtin>>;

/** What `container` and `pod` read of a cgroup: filters of cgroup_path() that no script can write. */
export const OWNER_PARTS = { container: "\x01container", pod: "\x01pod" } as const;

type Table = typeof BUILTINS;

/** Name of a builtin value. */
export type BuiltinName = keyof Table;

/** Names of builtins whose entry in the table has certain properties. */
type Having<Entry> = {
  [Name in BuiltinName]: Table[Name] extends Entry ? Name : never;
}[BuiltinName];

/** Builtins that every plane reads into a register. */
export type RegisterBuiltin = Having<{ read: "register" }>;
/** Builtins that every plane writes to memory. */
export type MemoryBuiltin = Having<{ read: "memory" }>;
/** Builtins whose nodes the checker makes. */
export type ComposedBuiltin = Exclude<BuiltinName, Having<{ type: Type }>>;

/** True for a name that scripts can write, `arg0` … `arg9` left aside. */
export function isBuiltin(name: string): name is BuiltinName {
  return Object.hasOwn(BUILTINS, name) && !("hidden" in BUILTINS[name as BuiltinName]);
}

/** The builtin that a name stands for, the prefix `__builtin_` left out, or the name itself. */
export function plainName(text: string): string {
  const name = text.replace(/^__builtin_/, "");
  return isBuiltin(name) && "prefixed" in BUILTINS[name] ? name : text;
}

/** True for a builtin that planes write to memory. */
export function isMemoryBuiltin(name: BuiltinName): name is MemoryBuiltin {
  const entry: Builtin = BUILTINS[name];
  return entry.read === "memory";
}

/** Every builtin that scripts can write. */
export const BUILTIN_NAMES: readonly BuiltinName[] = Object.keys(BUILTINS).filter(isBuiltin);

/** Matches the names `arg0` … `arg9`: registers with a probe's arguments. */
export const ARGUMENT_NAME = /^arg([0-9])$/;
