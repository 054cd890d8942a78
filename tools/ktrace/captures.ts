// What of a system call's memory is recorded beside its arguments: paths, data, structures. One table for
// the program that reads it in the kernel and for the tracer that reads it from a process that is stopped.
// All memory is read when the call returns: by then the kernel has paged in its input and filled its output.

import { syscalls } from "../../core/sources/syscalls/mod.ts";
import { KTR, type KtrType } from "./formats/types.ts";

/** Ways to find the address and the length of memory. */
export const HOW = {
  /** A string at an argument. */
  path: 1,
  /** As many bytes as the result says. */
  result: 2,
  /** A fixed number of bytes: `bytes`. */
  fixed: 3,
  /** As many as argument `length` says, at most `bytes`. */
  argument: 4,
  /** As many as the 32-bit word at argument `length` says, at most `bytes`. */
  pointer: 5,
  /** Elements of `bytes`: argument `length` says how many, or the result. */
  array: 6,
  /** Data at an array of iovec that has argument `length` elements; as many bytes as the result says. */
  vector: 7,
  /** Like `vector`, with the array of the msghdr at an argument. */
  message: 8,
  /** Like `message`, of as many mmsghdr as the result says; of each as many bytes as it says itself. */
  messages: 9,
  /** The address of a socket that the msghdr at an argument names, at most `bytes`. */
  messageName: 10,
} as const;

/** Most bytes of a path. */
export const PATH_BYTES = 4096;
/** Most bytes of an array: the 1,024 elements that the kernel takes of a vector. */
export const ARRAY_BYTES = 16384;
/** Elements of vectors, and messages, that are looked at: more than one call has. */
export const MOST_VECTORS = 4096;
/** struct mmsghdr, which starts as struct msghdr does: the address, the vector, the bytes of the message. */
export const MSGHDR_AT = {
  name: 0,
  nameBytes: 8,
  iov: 16,
  count: 24,
  length: 56,
  bytes: 64,
} as const;

/** Stands for the result where an argument's number is wanted. */
export const RESULT = 6;

/** A piece of memory that a system call's records include. */
export interface Capture {
  /** Type of the record that holds the bytes. */
  readonly type: KtrType;
  /** Way to find the memory and its length. */
  readonly how: typeof HOW[keyof typeof HOW];
  /** Index of the argument with the address. */
  readonly argument: number;
  /** Index of the argument that tells the length; see {@linkcode HOW}. */
  readonly length: number;
  /** Bytes of the memory, at most, or of an element; see {@linkcode HOW}. */
  readonly bytes: number;
  /** True for data that the process writes, false for data that it reads. */
  readonly isWrite: boolean;
  /** True if only a call without error is captured: the kernel has filled the memory. */
  readonly onSuccess: boolean;
  /** Name of the structure; empty for paths and data. */
  readonly name: string;
}

function capture(part: Partial<Capture> & Pick<Capture, "type" | "how" | "argument">): Capture {
  return { length: 0, bytes: 0, isWrite: false, onSuccess: false, name: "", ...part };
}

function path(argument: number): Capture {
  return capture({ type: KTR.namei, how: HOW.path, argument });
}

function read(argument: number): Capture {
  return capture({ type: KTR.genio, how: HOW.result, argument, onSuccess: true });
}

function written(argument: number): Capture {
  return { ...read(argument), isWrite: true };
}

/** Where a symbolic link leads to, as long as the result says. */
function link(argument: number): Capture {
  return { ...read(argument), type: KTR.struct, name: "link" };
}

function vector(isWrite: boolean): Capture {
  const how = HOW.vector;
  return capture({ type: KTR.genio, how, argument: 1, length: 2, isWrite, onSuccess: true });
}

function message(isWrite: boolean): Capture {
  return capture({ type: KTR.genio, how: HOW.message, argument: 1, isWrite, onSuccess: true });
}

function messages(isWrite: boolean): Capture {
  return { ...message(isWrite), how: HOW.messages };
}

/** The address in a msghdr: who gets the message, or whom it is from. */
function named(isWrite: boolean): Capture {
  return capture({
    ...{ type: KTR.struct, how: HOW.messageName, argument: 1, bytes: SOCKADDR_BYTES },
    ...{ name: "sockaddr", onSuccess: !isWrite },
  });
}

/** A structure that the kernel was given. */
function given(name: string, bytes: number, argument: number): Capture {
  return capture({ type: KTR.struct, how: HOW.fixed, argument, bytes, name });
}

/** One that it has filled. */
function filled(name: string, bytes: number, argument: number): Capture {
  return { ...given(name, bytes, argument), onSuccess: true };
}

const isArm = Deno.build.arch === "aarch64";
/** struct stat; struct epoll_event, which x86-64 packs. */
const STAT_BYTES = isArm ? 128 : 144;
const EPOLL_EVENT_BYTES = isArm ? 16 : 12;
const SOCKADDR_BYTES = 128;

/** An address of a socket that was given, with its length in an argument. */
function address(argument: number, length: number): Capture {
  const [bytes, name] = [SOCKADDR_BYTES, "sockaddr"];
  return capture({ type: KTR.struct, how: HOW.argument, argument, length, bytes, name });
}

/** One that was filled, with its length at an argument. */
function peer(argument: number, length: number): Capture {
  return { ...address(argument, length), how: HOW.pointer, onSuccess: true };
}

function array(name: string, bytes: number, argument: number, length: number): Capture {
  const onSuccess = length === RESULT;
  return capture({
    type: KTR.structArray,
    how: HOW.array,
    argument,
    length,
    bytes,
    name,
    onSuccess,
  });
}

const IOVEC = array("iovec", 16, 1, 2);
const MESSAGE = given("msghdr", 56, 1);
const MESSAGES = array("mmsghdr", MSGHDR_AT.bytes, 1, RESULT);

/** By the kernel's names of the calls. */
const CAPTURES: Readonly<Record<string, readonly Capture[]>> = {
  open: [path(0)],
  openat: [path(1)],
  openat2: [path(1), given("open_how", 24, 2)],
  creat: [path(0)],
  newstat: [path(0), filled("stat", STAT_BYTES, 1)],
  newlstat: [path(0), filled("stat", STAT_BYTES, 1)],
  newfstat: [filled("stat", STAT_BYTES, 1)],
  newfstatat: [path(1), filled("stat", STAT_BYTES, 2)],
  statx: [path(1), filled("statx", 256, 4)],
  access: [path(0)],
  faccessat: [path(1)],
  faccessat2: [path(1)],
  chdir: [path(0)],
  chroot: [path(0)],
  mkdir: [path(0)],
  mkdirat: [path(1)],
  rmdir: [path(0)],
  unlink: [path(0)],
  unlinkat: [path(1)],
  rename: [path(0), path(1)],
  renameat: [path(1), path(3)],
  renameat2: [path(1), path(3)],
  link: [path(0), path(1)],
  linkat: [path(1), path(3)],
  symlink: [path(0), path(1)],
  symlinkat: [path(0), path(2)],
  readlink: [path(0), link(1)],
  readlinkat: [path(1), link(2)],
  getrandom: [{ ...read(0), type: KTR.struct, name: "random" }],
  getcwd: [{ ...path(0), onSuccess: true }],
  chmod: [path(0)],
  fchmodat: [path(1)],
  fchmodat2: [path(1)],
  chown: [path(0)],
  lchown: [path(0)],
  fchownat: [path(1)],
  truncate: [path(0)],
  mknod: [path(0)],
  mknodat: [path(1)],
  mount: [path(0), path(1)],
  umount: [path(0)],
  pivot_root: [path(0), path(1)],
  swapon: [path(0)],
  swapoff: [path(0)],
  acct: [path(0)],
  utime: [path(0)],
  utimes: [path(0)],
  utimensat: [path(1), given("timespec2", 32, 3)],
  statfs: [path(0), filled("statfs", 120, 1)],
  fstatfs: [filled("statfs", 120, 1)],
  getxattr: [path(0)],
  lgetxattr: [path(0)],
  setxattr: [path(0)],
  lsetxattr: [path(0)],
  listxattr: [path(0)],
  llistxattr: [path(0)],
  removexattr: [path(0)],
  lremovexattr: [path(0)],
  inotify_add_watch: [path(1)],
  name_to_handle_at: [path(1)],
  open_tree: [path(1)],
  // One that succeeds has another memory when it returns: the event of the exec tells its path.
  execve: [path(0)],
  execveat: [path(1)],
  read: [read(1)],
  pread64: [read(1)],
  write: [written(1)],
  pwrite64: [written(1)],
  readv: [IOVEC, vector(false)],
  preadv: [IOVEC, vector(false)],
  preadv2: [IOVEC, vector(false)],
  writev: [IOVEC, vector(true)],
  pwritev: [IOVEC, vector(true)],
  pwritev2: [IOVEC, vector(true)],
  recvfrom: [read(1), peer(4, 5)],
  sendto: [address(4, 5), written(1)],
  recvmsg: [MESSAGE, named(false), message(false)],
  sendmsg: [MESSAGE, named(true), message(true)],
  recvmmsg: [MESSAGES, named(false), messages(false)],
  sendmmsg: [MESSAGES, named(true), messages(true)],
  connect: [address(1, 2)],
  bind: [address(1, 2)],
  accept: [peer(1, 2)],
  accept4: [peer(1, 2)],
  getsockname: [peer(1, 2)],
  getpeername: [peer(1, 2)],
  pipe: [filled("fds", 8, 0)],
  pipe2: [filled("fds", 8, 0)],
  socketpair: [filled("fds", 8, 3)],
  nanosleep: [given("timespec", 16, 0)],
  clock_nanosleep: [given("timespec", 16, 2)],
  clock_gettime: [filled("timespec", 16, 1)],
  clock_getres: [filled("timespec", 16, 1)],
  clock_settime: [given("timespec", 16, 1)],
  gettimeofday: [filled("timeval", 16, 0)],
  setitimer: [given("itimerval", 32, 1)],
  getitimer: [filled("itimerval", 32, 1)],
  timer_settime: [given("itimerspec", 32, 2)],
  timer_gettime: [filled("itimerspec", 32, 1)],
  timerfd_settime: [given("itimerspec", 32, 2)],
  timerfd_gettime: [filled("itimerspec", 32, 1)],
  getrlimit: [filled("rlimit", 16, 1)],
  setrlimit: [given("rlimit", 16, 1)],
  prlimit64: [given("rlimit", 16, 2), filled("rlimit", 16, 3)],
  getrusage: [filled("rusage", 144, 1)],
  wait4: [filled("status", 4, 1), filled("rusage", 144, 3)],
  rt_sigaction: [given("sigaction", 32, 1), filled("sigaction", 32, 2)],
  rt_sigprocmask: [given("sigset", 8, 1), filled("sigset", 8, 2)],
  rt_sigsuspend: [given("sigset", 8, 0)],
  sigaltstack: [given("stack", 24, 0), filled("stack", 24, 1)],
  select: [given("timeval", 16, 4)],
  pselect6: [given("timespec", 16, 4)],
  poll: [array("pollfd", 8, 0, 1)],
  ppoll: [array("pollfd", 8, 0, 1), given("timespec", 16, 2)],
  epoll_ctl: [given("epoll_event", EPOLL_EVENT_BYTES, 3)],
  epoll_wait: [array("epoll_event", EPOLL_EVENT_BYTES, 1, RESULT)],
  epoll_pwait: [array("epoll_event", EPOLL_EVENT_BYTES, 1, RESULT)],
  newuname: [filled("utsname", 390, 0)],
  sysinfo: [filled("sysinfo", 112, 0)],
};

/** Most captures of a call. */
export const MOST_CAPTURES = 3;

/** What to record of a call, by its number. */
export function capturesByNumber(): (readonly Capture[] | undefined)[] {
  const byNumber: (readonly Capture[] | undefined)[] = [];
  for (const { name, number } of syscalls().values()) byNumber[number] = CAPTURES[name];
  return byNumber;
}

/** Names of structures, by the numbers that programs write. */
export const STRUCT_NAMES: readonly string[] = [
  ...new Set(Object.values(CAPTURES).flat().map(({ name }) => name)),
];
