// The C library through Deno's FFI. Only this file, memory.ts and probe_library.ts name Deno.dlopen
// or UnsafePointer. Every call into the kernel passes `libc()` or `processLibc()`; unit tests
// replace the first with `replaceLibc()`.

/**
 * The functions of the C library that every session needs. Integers of 64 bits are bigint (a Number
 * would leave V8's fast call path), and so are addresses.
 */
export interface Libc {
  /** `long syscall(long number, ...)`; -1 and errno on failure. */
  syscall(
    number: bigint,
    a: bigint,
    b: bigint,
    c: bigint,
    d: bigint,
    e: bigint,
    f: bigint,
  ): bigint;
  /**
   * `void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset)`; all ones on
   * failure.
   */
  mmap(
    addr: bigint,
    length: bigint,
    prot: number,
    flags: number,
    fd: number,
    offset: bigint,
  ): bigint;
  /** `int munmap(void *addr, size_t length)` */
  munmap(addr: bigint, length: bigint): number;
  /** `int close(int fd)`: gives the descriptor up. */
  close(fd: number): number;
  /** `ssize_t read(int fd, void *buffer, size_t count)` */
  read(fd: number, buffer: Uint8Array, count: bigint): bigint;
  /** `ssize_t write(int fd, const void *buffer, size_t count)` */
  write(fd: number, buffer: Uint8Array, count: bigint): bigint;
  /** `int ioctl(int fd, unsigned long request, unsigned long argument)` */
  ioctl(fd: number, request: bigint, argument: bigint): number;
  /** `int eventfd(unsigned int initval, int flags)` */
  eventfd(initval: number, flags: number): number;
  /** `int epoll_create1(int flags)`: a new epoll set. */
  epoll_create1(flags: number): number;
  /** `int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)` */
  epoll_ctl(epfd: number, op: number, fd: number, event: Uint8Array): number;
  /** `int epoll_wait(...)` on a thread of Deno's blocking pool; errno cannot be read afterwards. */
  epoll_wait(epfd: number, events: bigint, maxevents: number, timeoutMs: number): Promise<number>;
  /** `int clock_gettime(clockid_t clock, struct timespec *tp)` */
  clock_gettime(clock: number, timespec: BigInt64Array): number;
  /** `int getpagesize(void)`: size of a page in bytes. */
  getpagesize(): number;
  /** `int kill(pid_t pid, int signal)` */
  kill(pid: number, signal: number): number;
  /** `int sigaction(int signum, const struct sigaction *act, struct sigaction *oldact)` */
  sigaction(signal: number, action: bigint, old: bigint): number;
  /** errno of this thread's last failed synchronous call. */
  errno(): number;
}

/**
 * Copies between two lists of memory ranges, one in this process and one in another; returns the
 * bytes copied, or -1 with errno set.
 */
export type CopyVectors = (
  pid: number,
  local: bigint,
  locals: bigint,
  remote: bigint,
  remotes: bigint,
  flags: bigint,
) => bigint;

/**
 * The functions of the C library that only the tracing of other processes needs; they are opened on
 * first use.
 */
export interface ProcessLibc {
  /** `long ptrace(enum __ptrace_request op, pid_t pid, void *addr, void *data)`, cut to 32 bits. */
  ptrace(request: number, pid: number, addr: bigint, data: bigint): number;
  /** `pid_t wait4(pid_t pid, int *status, int options, struct rusage *rusage)` */
  wait4(pid: number, status: bigint, options: number, rusage: bigint): number;
  /** `int waitid(idtype_t idtype, id_t id, siginfo_t *infop, int options)` */
  waitid(type: number, id: number, info: bigint, options: number): number;
  /** The function waitid(2), run on a thread of Deno's blocking pool. */
  waitid_later(type: number, id: number, info: bigint, options: number): Promise<number>;
  /** `int usleep(useconds_t usec)` on Deno's blocking pool. */
  usleep(microseconds: number): Promise<number>;
  /** `ssize_t process_vm_readv(pid, local, liovcnt, remote, riovcnt, flags)` */
  readonly process_vm_readv: CopyVectors;
  /** `ssize_t process_vm_writev(pid, local, liovcnt, remote, riovcnt, flags)` */
  readonly process_vm_writev: CopyVectors;
  /** `int posix_spawn(pid_t *pid, const char *path, actions, attr, char *argv[], char *envp[])` */
  posix_spawn(
    pid: Int32Array,
    path: Uint8Array,
    actions: Uint8Array,
    attributes: Uint8Array,
    argv: BigUint64Array,
    envp: BigUint64Array,
  ): number;
  /** `int posix_spawn_file_actions_init(posix_spawn_file_actions_t *actions)`: an empty list. */
  posix_spawn_file_actions_init(actions: Uint8Array): number;
  /** `int posix_spawn_file_actions_destroy(posix_spawn_file_actions_t *actions)`: frees it. */
  posix_spawn_file_actions_destroy(actions: Uint8Array): number;
  /** `int posix_spawn_file_actions_adddup2(actions, int fd, int newfd)`: adds a dup2(2). */
  posix_spawn_file_actions_adddup2(actions: Uint8Array, fd: number, newfd: number): number;
  /** `int posix_spawnattr_init(posix_spawnattr_t *attr)`: sets the defaults. */
  posix_spawnattr_init(attributes: Uint8Array): number;
  /** `int posix_spawnattr_setflags(posix_spawnattr_t *attr, short flags)` */
  posix_spawnattr_setflags(attributes: Uint8Array, flags: number): number;
  /** `int posix_spawnattr_setsigdefault(posix_spawnattr_t *attr, const sigset_t *set)` */
  posix_spawnattr_setsigdefault(attributes: Uint8Array, set: Uint8Array): number;
  /** `int posix_spawnattr_setsigmask(posix_spawnattr_t *attr, const sigset_t *set)` */
  posix_spawnattr_setsigmask(attributes: Uint8Array, set: Uint8Array): number;
  /** `void *dlsym(void *handle, const char *symbol)` */
  dlsym(handle: bigint, symbol: Uint8Array): bigint;
}

/** Types of the parameters and results of {@linkcode Libc}, in Deno's notation. */
const SYMBOLS = {
  syscall: {
    parameters: ["i64", "i64", "i64", "i64", "i64", "i64", "i64"],
    result: "i64",
  },
  mmap: { parameters: ["usize", "usize", "i32", "i32", "i32", "i64"], result: "usize" },
  munmap: { parameters: ["usize", "usize"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  read: { parameters: ["i32", "buffer", "usize"], result: "i64" },
  write: { parameters: ["i32", "buffer", "usize"], result: "i64" },
  ioctl: { parameters: ["i32", "usize", "usize"], result: "i32" },
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  epoll_create1: { parameters: ["i32"], result: "i32" },
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  epoll_wait: {
    parameters: ["i32", "usize", "i32", "i32"],
    result: "i32",
    nonblocking: true,
  },
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
  getpagesize: { parameters: [], result: "i32" },
  kill: { parameters: ["i32", "i32"], result: "i32" },
  sigaction: { parameters: ["i32", "usize", "usize"], result: "i32" },
  __errno_location: { parameters: [], result: "pointer" },
} as const;

/** Types of process_vm_readv(2) and process_vm_writev(2). */
const VECTORS = {
  parameters: ["i32", "usize", "usize", "usize", "usize", "usize"],
  result: "i64",
} as const;

/** Types of the parameters and results of {@linkcode ProcessLibc}, in Deno's notation. */
const PROCESS_SYMBOLS = {
  ptrace: { parameters: ["u32", "i32", "usize", "usize"], result: "i32" },
  wait4: { parameters: ["i32", "usize", "i32", "usize"], result: "i32" },
  waitid: { parameters: ["i32", "u32", "usize", "i32"], result: "i32" },
  waitid_later: {
    name: "waitid",
    parameters: ["i32", "u32", "usize", "i32"],
    result: "i32",
    nonblocking: true,
  },
  usleep: { parameters: ["u32"], result: "i32", nonblocking: true },
  process_vm_readv: VECTORS,
  process_vm_writev: VECTORS,
  posix_spawn: {
    parameters: ["buffer", "buffer", "buffer", "buffer", "buffer", "buffer"],
    result: "i32",
  },
  posix_spawn_file_actions_init: { parameters: ["buffer"], result: "i32" },
  posix_spawn_file_actions_destroy: { parameters: ["buffer"], result: "i32" },
  posix_spawn_file_actions_adddup2: { parameters: ["buffer", "i32", "i32"], result: "i32" },
  posix_spawnattr_init: { parameters: ["buffer"], result: "i32" },
  posix_spawnattr_setflags: { parameters: ["buffer", "i16"], result: "i32" },
  posix_spawnattr_setsigdefault: { parameters: ["buffer", "buffer"], result: "i32" },
  posix_spawnattr_setsigmask: { parameters: ["buffer", "buffer"], result: "i32" },
} as const;

/** The loader's function; C libraries older than glibc 2.34 have it in a library of its own. */
const LOADER_SYMBOLS = {
  dlsym: { parameters: ["usize", "buffer"], result: "usize" },
} as const;
const OLD_LOADER = "libdl.so.2";

/** File names of the C library: glibc's, then musl's for the running architecture. */
function sonames(): string[] {
  return ["libc.so.6", `libc.musl-${Deno.build.arch}.so.1`];
}

/**
 * Opens functions of the C library that this system has.
 *
 * @throws {Error} Neither library can be loaded, or a function is missing in it.
 */
function dlopen<S extends Deno.ForeignLibraryInterface>(symbols: S, names = sonames()) {
  let failure: unknown;
  for (const soname of names) {
    try {
      return Deno.dlopen(soname, symbols).symbols;
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

function open(): Libc {
  const symbols = dlopen(SYMBOLS);
  // errno has one address per thread, and a JavaScript realm never changes its thread.
  const location = symbols.__errno_location();
  const errno = new Int32Array(Deno.UnsafePointerView.getArrayBuffer(location!, 4));
  return Object.assign(Object.create(null), symbols, { errno: () => errno[0] }) as Libc;
}

let processes: ProcessLibc | undefined;

/** Returns the functions for tracing other processes; the first call opens them. */
export function processLibc(): ProcessLibc {
  return processes ??= Object.assign(
    Object.create(null),
    dlopen(PROCESS_SYMBOLS),
    dlopen(LOADER_SYMBOLS, [...sonames(), OLD_LOADER]),
  ) as ProcessLibc;
}

let current: Libc | undefined;

/** Returns the functions of the C library; the first call opens them. */
export function libc(): Libc {
  return current ??= open();
}

/**
 * Replaces functions of the C library until the returned object is disposed. For tests only.
 *
 * @param fake The functions to replace; the others stay real.
 * @returns A handle; disposing it restores the functions that were there before.
 */
export function replaceLibc(fake: Partial<Libc>): Disposable {
  const before = current;
  current = Object.assign(Object.create(null), libc(), fake) as Libc;
  return {
    [Symbol.dispose]() {
      current = before;
    },
  };
}
