// bpf(2), with one function per command. map.ts, program.ts and link.ts own the descriptors that
// these functions return. Offsets are those of `union bpf_attr` in include/uapi/linux/bpf.h.

import { arch } from "../sys/arch/mod.ts";
import { syscallError } from "../sys/errno.ts";
import { libc } from "../sys/libc.ts";
import { addressOf, cString, Struct } from "../sys/memory.ts";
import { holdSignals } from "../sys/signal_mask.ts";

const BPF_MAP_CREATE = 0;
const BPF_MAP_LOOKUP_ELEM = 1;
const BPF_MAP_UPDATE_ELEM = 2;
const BPF_MAP_DELETE_ELEM = 3;
const BPF_MAP_GET_NEXT_KEY = 4;
const BPF_PROG_LOAD = 5;
const BPF_PROG_TEST_RUN = 10;
const BPF_OBJ_GET_INFO_BY_FD = 15;
const BPF_RAW_TRACEPOINT_OPEN = 17;
const BPF_BTF_LOAD = 18;
const BPF_BTF_GET_FD_BY_ID = 19;
const BPF_MAP_FREEZE = 22;
const BPF_BTF_GET_NEXT_ID = 23;
const BPF_MAP_LOOKUP_BATCH = 24;
const BPF_MAP_LOOKUP_AND_DELETE_BATCH = 25;
const BPF_LINK_CREATE = 28;
const BPF_ENABLE_STATS = 32;
const BPF_ITER_CREATE = 33;

/** Size of struct bpf_func_info in bytes. */
const FUNC_INFO_BYTES = 8;

/** Size of an object's name field in bytes, its NUL included. */
const BPF_OBJ_NAME_LEN = 16;

/**
 * Calls bpf(2). A failed call returns its errno as a negative number, so that callers can tell an
 * answer such as ENOENT from an error.
 */
function bpf(command: number, attr: Struct): number {
  const c = libc();
  const result = Number(
    c.syscall(
      arch.syscalls.bpf,
      BigInt(command),
      addressOf(attr.bytes),
      BigInt(attr.bytes.length),
      0n,
      0n,
      0n,
    ),
  );
  return result < 0 ? -c.errno() : result;
}

/** Throws the error of a failed call; returns the result of any other. */
function check(result: number, command: string, about?: string): number {
  if (result < 0) throw syscallError(`bpf(${command})`, { errno: -result, about });
  return result;
}

/** Makes a name that the kernel accepts: at most 15 characters of [A-Za-z0-9_.]. */
export function objectName(name: string): string {
  return name.replace(/[^A-Za-z0-9_.]/g, "_").slice(0, BPF_OBJ_NAME_LEN - 1);
}

/** Arguments of {@linkcode mapCreate}, as the kernel takes them. */
export interface MapAttr {
  /** Number of the map type, `BPF_MAP_TYPE_*`. */
  type: number;
  /** Size of a key in bytes. */
  keySize: number;
  /** Size of a value in bytes; for per-CPU types, of one CPU's value. */
  valueSize: number;
  /** Capacity in entries; for a ring buffer in bytes. */
  maxEntries: number;
  /** Flags of the map, a sum of `BPF_F_*`. */
  flags?: number;
  /** Name that bpftool shows; {@linkcode objectName} cuts it. */
  name: string;
}

/**
 * Creates a map in the kernel.
 *
 * @returns The descriptor of the map.
 * @throws {DtError} EPERM without CAP_BPF, EINVAL, E2BIG, ENOMEM.
 */
export function mapCreate(attr: MapAttr): number {
  const struct = new Struct(72)
    .u32(0, attr.type)
    .u32(4, attr.keySize)
    .u32(8, attr.valueSize)
    .u32(12, attr.maxEntries)
    .u32(16, attr.flags ?? 0)
    .raw(28, cString(objectName(attr.name)));
  return check(bpf(BPF_MAP_CREATE, struct), "BPF_MAP_CREATE", attr.name);
}

/** Makes the attributes of the commands that concern one entry. */
function element(fd: number, key: Uint8Array | undefined, value?: Uint8Array, flags = 0): Struct {
  return new Struct(32).u32(0, fd).pointer(8, key).pointer(16, value).u64(24, flags);
}

const ENOENT = 2;

/** Copies the value under a key to `value`; false if the key is absent. */
export function mapLookup(fd: number, key: Uint8Array, value: Uint8Array): boolean {
  const result = bpf(BPF_MAP_LOOKUP_ELEM, element(fd, key, value));
  if (result === -ENOENT) return false;
  check(result, "BPF_MAP_LOOKUP_ELEM");
  return true;
}

/**
 * Writes the value under a key.
 *
 * @throws {DtError} E2BIG the map is full; EEXIST or ENOENT as `flags` ask.
 */
export function mapUpdate(fd: number, key: Uint8Array, value: Uint8Array, flags: number): void {
  check(bpf(BPF_MAP_UPDATE_ELEM, element(fd, key, value, flags)), "BPF_MAP_UPDATE_ELEM");
}

/** Removes an entry; false if the key is absent. */
export function mapDelete(fd: number, key: Uint8Array): boolean {
  const result = bpf(BPF_MAP_DELETE_ELEM, element(fd, key));
  if (result === -ENOENT) return false;
  check(result, "BPF_MAP_DELETE_ELEM");
  return true;
}

/** Copies the key after `key` (undefined: the first key) to `next`; false if there is none. */
export function mapGetNextKey(fd: number, key: Uint8Array | undefined, next: Uint8Array): boolean {
  const result = bpf(BPF_MAP_GET_NEXT_KEY, element(fd, key, next));
  if (result === -ENOENT) return false;
  check(result, "BPF_MAP_GET_NEXT_KEY");
  return true;
}

/** Makes a map read-only for user space. */
export function mapFreeze(fd: number): void {
  check(bpf(BPF_MAP_FREEZE, new Struct(4).u32(0, fd)), "BPF_MAP_FREEZE");
}

/** Buffers of one batch, which {@linkcode mapLookupBatch} fills. */
export interface Batch {
  /** Position in the map, opaque, moved on by each call; at least as long as a key. */
  token: Uint8Array;
  /** Room for `capacity` keys, one after the other. */
  keys: Uint8Array;
  /** Room for `capacity` values, one after the other. */
  values: Uint8Array;
  /** Number of entries that fit the buffers. */
  capacity: number;
}

/**
 * Copies many entries with one system call (Linux 5.6).
 *
 * @param fd Descriptor of the map.
 * @param batch Buffers to fill.
 * @param options `first` starts from the beginning instead of from `batch.token`; `remove` also
 * deletes the copied entries.
 * @returns Number of entries copied, and whether they were the last.
 * @throws {DtError} EINVAL or ENOTSUPP the map type has no batches; ENOSPC `capacity` is smaller
 * than one bucket of the hash.
 */
export function mapLookupBatch(
  fd: number,
  batch: Batch,
  options: { first: boolean; remove?: boolean },
): { count: number; last: boolean } {
  const struct = new Struct(56)
    .pointer(0, options.first ? undefined : batch.token)
    .pointer(8, batch.token)
    .pointer(16, batch.keys)
    .pointer(24, batch.values)
    .u32(32, batch.capacity)
    .u32(36, fd);
  const command = options.remove ? BPF_MAP_LOOKUP_AND_DELETE_BATCH : BPF_MAP_LOOKUP_BATCH;
  const result = bpf(command, struct);
  if (result !== -ENOENT) check(result, "BPF_MAP_LOOKUP_BATCH");
  return { count: struct.getU32(32), last: result === -ENOENT };
}

/** Arguments of {@linkcode progLoad}, as the kernel takes them. */
export interface ProgLoadAttr {
  /** Number of the program type, `BPF_PROG_TYPE_*`. */
  type: number;
  /** Instructions of the program, 8 bytes per slot. */
  code: Uint8Array;
  /** Name that bpftool shows; {@linkcode objectName} cuts it. */
  name: string;
  /** Attach type of the program (`expected_attach_type`). */
  expectedAttachType?: number;
  /** BTF id of the function or typedef to attach to. */
  attachBtfId?: number;
  /** Descriptor of the BTF object with that id, if it belongs to a module. */
  attachBtfFd?: number;
  /** Flags of the load (`prog_flags`). */
  flags?: number;
  /** Descriptor of the BTF of the program's functions, and their bpf_func_info records. */
  functions?: { btfFd: number; info: Uint8Array<ArrayBuffer> };
  /** Buffer for the verifier's log; absent for no log, which is faster. */
  log?: Uint8Array;
}

const EAGAIN = 11;
/** How often a load that was interrupted is tried again. */
const MOST_LOADS = 100;

/**
 * Loads a program, as GPL. The kernel gives a verification up (EAGAIN) when a signal waits for this
 * thread, so signals are held back meanwhile, and a load that SIGSTOP has interrupted is tried
 * again.
 *
 * @returns The descriptor, or a negative errno.
 */
export function progLoad(attr: ProgLoadAttr): number {
  const struct = new Struct(120)
    .u32(0, attr.type)
    .u32(4, attr.code.length / 8)
    .pointer(8, attr.code)
    .pointer(16, cString("GPL"))
    .u32(24, attr.log === undefined ? 0 : 1)
    .u32(28, attr.log?.length ?? 0)
    .pointer(32, attr.log)
    .u32(44, attr.flags ?? 0)
    .raw(48, cString(objectName(attr.name)))
    .u32(68, attr.expectedAttachType ?? 0)
    .u32(108, attr.attachBtfId ?? 0)
    .u32(112, attr.attachBtfFd ?? 0);
  if (attr.functions !== undefined) {
    struct.u32(72, attr.functions.btfFd)
      .u32(76, FUNC_INFO_BYTES)
      .pointer(80, attr.functions.info)
      .u32(88, attr.functions.info.length / FUNC_INFO_BYTES);
  }
  using _quiet = holdSignals();
  let fd = bpf(BPF_PROG_LOAD, struct);
  for (let i = 1; fd === -EAGAIN && i < MOST_LOADS; i++) fd = bpf(BPF_PROG_LOAD, struct);
  return fd;
}

/**
 * Loads a BTF blob (Linux 4.18).
 *
 * @returns The descriptor of the BTF object.
 * @throws {DtError} EPERM without CAP_BPF; EINVAL the blob is not valid.
 */
export function btfLoad(bytes: Uint8Array<ArrayBuffer>): number {
  const struct = new Struct(28).pointer(0, bytes).u32(16, bytes.length);
  return check(bpf(BPF_BTF_LOAD, struct), "BPF_BTF_LOAD");
}

/** Flag of a test run: run on the CPU that the attributes name. */
const BPF_F_TEST_RUN_ON_CPU = 1;

/**
 * Runs a raw tracepoint or syscall program once, in this thread.
 *
 * @param fd Descriptor of the program.
 * @param context Bytes of the program's context.
 * @param cpu Number of the CPU to run on instead of this thread's CPU.
 * @returns The program's result, R0.
 * @throws {DtError} EINVAL the type cannot be run; ENXIO no such CPU.
 */
export function progTestRun(fd: number, context: Uint8Array, cpu?: number): number {
  const struct = new Struct(80).u32(0, fd).u32(40, context.length).pointer(48, context);
  if (cpu !== undefined) struct.u32(64, BPF_F_TEST_RUN_ON_CPU).u32(68, cpu);
  check(bpf(BPF_PROG_TEST_RUN, struct), "BPF_PROG_TEST_RUN");
  return struct.getU32(4);
}

/** Makes the kernel measure programs while the returned descriptor is open (Linux 5.8). */
export function enableRunTimeStats(): number {
  return check(bpf(BPF_ENABLE_STATS, new Struct(4).u32(0, 0)), "BPF_ENABLE_STATS");
}

/**
 * Asks for facts about an object: fills `info` (struct bpf_prog_info and the like) and returns it.
 */
export function objGetInfo(fd: number, info: Struct): Struct {
  const struct = new Struct(16).u32(0, fd).u32(4, info.bytes.length).pointer(8, info.bytes);
  check(bpf(BPF_OBJ_GET_INFO_BY_FD, struct), "BPF_OBJ_GET_INFO_BY_FD");
  return info;
}

/**
 * Attaches a program to a raw tracepoint by name; undefined for a BTF-typed program, which names
 * its tracepoint itself. Closing the returned descriptor detaches it.
 */
export function rawTracepointOpen(name: string | undefined, progFd: number): number {
  const struct = new Struct(16)
    .pointer(0, name === undefined ? undefined : cString(name))
    .u32(8, progFd);
  return check(bpf(BPF_RAW_TRACEPOINT_OPEN, struct), "BPF_RAW_TRACEPOINT_OPEN", name);
}

/** Type of a link between a program and a perf event (Linux 5.15). */
const BPF_PERF_EVENT = 41;

/** Attaches a program to a perf event; closing the returned descriptor detaches it. */
export function linkCreatePerfEvent(progFd: number, perfFd: number, cookie = 0n): number {
  const struct = new Struct(64).u32(0, progFd).u32(4, perfFd).u32(8, BPF_PERF_EVENT)
    .u64(16, cookie);
  return check(bpf(BPF_LINK_CREATE, struct), "BPF_LINK_CREATE");
}

/** Attach type of a program at many places of a file (Linux 6.6). */
export const BPF_TRACE_UPROBE_MULTI = 48;
/** Flag of such a link: run at the return of the functions. */
const BPF_F_UPROBE_MULTI_RETURN = 1;

/** A place in a file at which a program is to run. */
export interface UprobePlace {
  /** Offset of the instruction in the file, in bytes. */
  readonly offset: bigint;
  /** Number that the program reads with bpf_get_attach_cookie() to tell the places apart. */
  readonly cookie: bigint;
  /**
   * Offset in the file of a 16-bit counter that the kernel raises while the probe is attached; 0
   * for none.
   */
  readonly counter: bigint;
}

/**
 * Attaches a program to places of a file (Linux 6.6); closing the returned descriptor detaches it
 * from all.
 */
export function linkCreateUprobeMulti(
  progFd: number,
  path: string,
  places: readonly UprobePlace[],
  isReturn: boolean,
): number {
  const words = (value: (place: UprobePlace) => bigint) =>
    new Uint8Array(BigUint64Array.from(places, value).buffer);
  const counters = places.some(({ counter }) => counter !== 0n);
  const struct = new Struct(64).u32(0, progFd).u32(8, BPF_TRACE_UPROBE_MULTI)
    .pointer(16, cString(path)).pointer(24, words(({ offset }) => offset))
    .pointer(32, counters ? words(({ counter }) => counter) : undefined)
    .pointer(40, words(({ cookie }) => cookie)).u32(48, places.length)
    .u32(52, isReturn ? BPF_F_UPROBE_MULTI_RETURN : 0);
  return check(bpf(BPF_LINK_CREATE, struct), "BPF_LINK_CREATE", path);
}

/** Attach type of a program at many functions of the kernel (Linux 5.18). */
export const BPF_TRACE_KPROBE_MULTI = 42;
/** Flag of such a link: run at the return of the functions. */
const BPF_F_KPROBE_MULTI_RETURN = 1;

/** A kernel function at which a program is to run. */
export interface KprobeSymbol {
  /** Name of the function, as in /proc/kallsyms. */
  readonly name: string;
  /** Number that the program reads with bpf_get_attach_cookie() to tell the functions apart. */
  readonly cookie: bigint;
}

/**
 * Attaches a program to functions of the kernel (Linux 5.18 with CONFIG_FPROBE).
 *
 * @param progFd Descriptor of the program.
 * @param symbols The functions; each name must be unique.
 * @param isReturn True to run at the return of the functions.
 * @returns A descriptor; closing it detaches the program from all functions.
 * @throws {DtError} ESRCH one of the functions cannot be traced; EOPNOTSUPP the kernel lacks
 * CONFIG_FPROBE.
 */
export function linkCreateKprobeMulti(
  progFd: number,
  symbols: readonly KprobeSymbol[],
  isReturn: boolean,
): number {
  const names = new Struct(symbols.length * 8);
  symbols.forEach(({ name }, i) => names.pointer(i * 8, cString(name)));
  const cookies = new Uint8Array(BigUint64Array.from(symbols, ({ cookie }) => cookie).buffer);
  const struct = new Struct(64).u32(0, progFd).u32(8, BPF_TRACE_KPROBE_MULTI)
    .u32(16, isReturn ? BPF_F_KPROBE_MULTI_RETURN : 0).u32(20, symbols.length)
    .pointer(24, symbols.length === 0 ? undefined : names)
    .pointer(40, symbols.length === 0 ? undefined : cookies);
  const what = symbols.length === 1 ? symbols[0].name : `${symbols.length} functions`;
  return check(bpf(BPF_LINK_CREATE, struct), "BPF_LINK_CREATE", what);
}

/** Finds the id of the BTF object that follows `id`; undefined after the last. */
export function btfNextId(id: number): number | undefined {
  const struct = new Struct(12).u32(0, id);
  const result = bpf(BPF_BTF_GET_NEXT_ID, struct);
  if (result === -ENOENT) return undefined;
  check(result, "BPF_BTF_GET_NEXT_ID");
  return struct.getU32(4);
}

/** Opens a BTF object by its id (Linux 4.18); the caller owns the descriptor. */
export function btfById(id: number): number {
  return check(bpf(BPF_BTF_GET_FD_BY_ID, new Struct(12).u32(0, id)), "BPF_BTF_GET_FD_BY_ID");
}

/** Attach type of a program of an iterator (Linux 5.8). */
export const BPF_TRACE_ITER = 28;

/** Attaches a program to the iterator that it named when it was loaded (Linux 5.8). */
export function linkCreateIterator(progFd: number): number {
  const struct = new Struct(64).u32(0, progFd).u32(8, BPF_TRACE_ITER);
  return check(bpf(BPF_LINK_CREATE, struct), "BPF_LINK_CREATE");
}

/** Makes a descriptor of a linked iterator: reading it runs the program for the next objects. */
export function iterCreate(linkFd: number): number {
  return check(bpf(BPF_ITER_CREATE, new Struct(8).u32(0, linkFd)), "BPF_ITER_CREATE");
}
