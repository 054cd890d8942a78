// Pure: no I/O, no FFI.
// Names of arguments' values: a table of sets of constants, by the kernel's names of the system calls.

import * as control from "./control.ts";
import * as events from "./events.ts";
import * as files from "./files.ts";
import { nameOf, type SymbolSet } from "./flags.ts";
import * as memory from "./memory.ts";
import * as network from "./network.ts";
import * as processes from "./processes.ts";

/** The architecture whose numbers are shown: that of the running machine. */
export const ARCH = Deno.build.arch === "aarch64" ? "aarch64" : "x86_64";
const OPEN = files.OPEN_FLAGS[ARCH];
const PROTECTION = memory.PROTECTION[ARCH];
const { AT_FLAGS, XATTR_FLAGS } = files;
const { CLOCKS } = events;
const { SIGNALS } = processes;

/** A set of names, or a function that chooses a set by all arguments of the call. */
export type Rule = SymbolSet | ((args: readonly bigint[]) => SymbolSet | undefined);
/** Rules of one call, by number of the argument, from 0. */
export type Rules = Readonly<Record<number, Rule>>;

/** Rules of system calls: by the call's name, then by the argument's number, from 0. */
export const CALLS: Readonly<Record<string, Rules>> = {
  // Files
  open: { 1: OPEN },
  openat: { 2: OPEN },
  open_by_handle_at: { 2: OPEN },
  mq_open: { 1: OPEN },
  dup3: { 2: files.DUP_FLAGS },
  pipe2: { 1: files.PIPE_FLAGS[ARCH] },
  newfstatat: { 3: AT_FLAGS },
  statx: { 2: files.STATX_FLAGS, 3: files.STATX_MASK },
  access: { 1: files.ACCESS_MODES },
  faccessat: { 2: files.ACCESS_MODES },
  faccessat2: { 2: files.ACCESS_MODES, 3: files.FACCESSAT_FLAGS },
  fchmodat2: { 3: AT_FLAGS },
  fchownat: { 4: AT_FLAGS },
  linkat: { 4: AT_FLAGS },
  unlinkat: { 2: files.UNLINKAT_FLAGS },
  utimensat: { 3: AT_FLAGS },
  execveat: { 0: files.AT_FDCWD, 4: AT_FLAGS },
  name_to_handle_at: { 4: files.HANDLE_FLAGS },
  setxattrat: { 2: AT_FLAGS },
  getxattrat: { 2: AT_FLAGS },
  listxattrat: { 2: AT_FLAGS },
  removexattrat: { 2: AT_FLAGS },
  file_getattr: { 4: AT_FLAGS },
  file_setattr: { 4: AT_FLAGS },
  setxattr: { 4: XATTR_FLAGS },
  lsetxattr: { 4: XATTR_FLAGS },
  fsetxattr: { 4: XATTR_FLAGS },
  renameat2: { 4: files.RENAME_FLAGS },
  lseek: { 2: files.SEEK },
  fcntl: { 1: files.FCNTL, 2: fcntlArgument },
  flock: { 1: files.FLOCK },
  preadv2: { 5: files.RWF_FLAGS },
  pwritev2: { 5: files.RWF_FLAGS },
  splice: { 5: files.SPLICE_FLAGS },
  tee: { 3: files.SPLICE_FLAGS },
  vmsplice: { 3: files.SPLICE_FLAGS },
  fallocate: { 1: files.FALLOCATE_FLAGS },
  fadvise64: { 3: files.FADVISE },
  fadvise64_64: { 3: files.FADVISE },
  sync_file_range: { 3: files.SYNC_FILE_RANGE_FLAGS },
  close_range: { 2: files.CLOSE_RANGE_FLAGS },
  mount: { 3: files.MOUNT_FLAGS },
  umount: { 1: files.UMOUNT_FLAGS },
  open_tree: { 2: files.OPEN_TREE_FLAGS },
  open_tree_attr: { 2: files.OPEN_TREE_FLAGS },
  move_mount: { 4: files.MOVE_MOUNT_FLAGS },
  mount_setattr: { 2: AT_FLAGS },
  fsopen: { 1: files.FSOPEN_FLAGS },
  fsmount: { 1: files.FSMOUNT_FLAGS },
  fsconfig: { 1: files.FSCONFIG },

  // Memory
  mmap: { 2: PROTECTION, 3: memory.MAP_FLAGS[ARCH] },
  mprotect: { 2: PROTECTION },
  pkey_mprotect: { 2: PROTECTION },
  pkey_alloc: { 1: memory.PKEY_RIGHTS },
  remap_file_pages: { 4: memory.MAP_FLAGS[ARCH] },
  mremap: { 3: memory.MREMAP_FLAGS },
  msync: { 2: memory.MSYNC_FLAGS },
  mlockall: { 0: memory.MLOCKALL_FLAGS },
  mlock2: { 2: memory.MLOCK_FLAGS },
  madvise: { 2: memory.MADVISE },
  process_madvise: { 3: memory.MADVISE },
  memfd_create: { 1: memory.MEMFD_FLAGS },
  memfd_secret: { 0: memory.MEMFD_SECRET_FLAGS },
  mbind: { 2: memory.MEMORY_POLICY, 5: memory.MOVE_MEMORY_FLAGS },
  set_mempolicy: { 0: memory.MEMORY_POLICY },
  get_mempolicy: { 4: memory.GET_MEMORY_POLICY_FLAGS },
  move_pages: { 5: memory.MOVE_MEMORY_FLAGS },
  shmget: { 0: memory.IPC_KEYS, 2: memory.SHMGET_FLAGS },
  semget: { 0: memory.IPC_KEYS, 2: memory.IPC_FLAGS },
  msgget: { 0: memory.IPC_KEYS, 1: memory.IPC_FLAGS },
  shmat: { 2: memory.SHMAT_FLAGS },
  msgsnd: { 3: memory.MESSAGE_QUEUE_FLAGS },
  msgrcv: { 4: memory.MESSAGE_QUEUE_FLAGS },
  shmctl: { 1: memory.SHMCTL },
  semctl: { 2: memory.SEMCTL },
  msgctl: { 1: memory.MSGCTL },

  // Processes
  clone: { 0: processes.CLONE_FLAGS },
  unshare: { 0: processes.NAMESPACE_FLAGS },
  setns: { 1: processes.NAMESPACE_FLAGS },
  wait4: { 2: processes.WAIT_FLAGS },
  waitid: { 0: processes.WAIT_IDS, 3: processes.WAIT_FLAGS },
  kill: { 1: SIGNALS },
  tkill: { 1: SIGNALS },
  tgkill: { 2: SIGNALS },
  rt_sigaction: { 0: SIGNALS },
  rt_sigqueueinfo: { 1: SIGNALS },
  rt_tgsigqueueinfo: { 2: SIGNALS },
  pidfd_send_signal: { 1: SIGNALS, 3: processes.PIDFD_SIGNAL_FLAGS },
  pidfd_open: { 1: processes.PIDFD_FLAGS },
  rt_sigprocmask: { 0: processes.SIGNAL_MASK_HOW },
  getrlimit: { 0: processes.RESOURCE_LIMITS },
  setrlimit: { 0: processes.RESOURCE_LIMITS },
  prlimit64: { 1: processes.RESOURCE_LIMITS },
  getrusage: { 0: processes.RESOURCE_USAGE },
  getpriority: { 0: processes.PRIORITY_OF },
  setpriority: { 0: processes.PRIORITY_OF },
  ioprio_get: { 0: processes.IO_PRIORITY_OF },
  ioprio_set: { 0: processes.IO_PRIORITY_OF },
  sched_setscheduler: { 1: processes.SCHEDULERS },
  sched_get_priority_max: { 0: processes.SCHEDULERS },
  sched_get_priority_min: { 0: processes.SCHEDULERS },
  kcmp: { 2: processes.KCMP },
  membarrier: { 0: processes.MEMBARRIER },
  rseq: { 2: processes.RSEQ_FLAGS },
  ptrace: { 0: processes.PTRACE },

  // Network
  socket: { 0: network.FAMILIES, 1: network.SOCKET_TYPES, 2: protocols },
  socketpair: { 0: network.FAMILIES, 1: network.SOCKET_TYPES, 2: protocols },
  accept4: { 3: network.SOCKET_FLAGS },
  shutdown: { 1: network.SHUTDOWN },
  sendto: { 3: network.MESSAGE_FLAGS },
  recvfrom: { 3: network.MESSAGE_FLAGS },
  sendmsg: { 2: network.MESSAGE_FLAGS },
  recvmsg: { 2: network.MESSAGE_FLAGS },
  sendmmsg: { 3: network.MESSAGE_FLAGS },
  recvmmsg: { 3: network.MESSAGE_FLAGS },
  setsockopt: { 1: network.SOCKET_LEVELS, 2: socketOptions },
  getsockopt: { 1: network.SOCKET_LEVELS, 2: socketOptions },

  // Events
  futex: { 1: events.FUTEX },
  futex_wake: { 3: events.FUTEX2_FLAGS },
  futex_wait: { 3: events.FUTEX2_FLAGS, 5: CLOCKS },
  futex_waitv: { 4: CLOCKS },
  epoll_ctl: { 1: events.EPOLL_CTL },
  epoll_create1: { 0: events.EPOLL_CREATE_FLAGS },
  eventfd2: { 1: events.EVENTFD_FLAGS },
  signalfd4: { 3: events.SIGNALFD_FLAGS },
  timerfd_create: { 0: CLOCKS, 1: events.TIMERFD_FLAGS },
  timerfd_settime: { 1: events.TIMERFD_SET_FLAGS },
  timer_create: { 0: CLOCKS },
  timer_settime: { 1: events.TIMER_FLAGS },
  clock_gettime: { 0: CLOCKS },
  clock_settime: { 0: CLOCKS },
  clock_getres: { 0: CLOCKS },
  clock_adjtime: { 0: CLOCKS },
  clock_nanosleep: { 0: CLOCKS, 1: events.TIMER_FLAGS },
  getitimer: { 0: events.ITIMERS },
  setitimer: { 0: events.ITIMERS },
  inotify_init1: { 0: events.INOTIFY_FLAGS },
  inotify_add_watch: { 2: events.INOTIFY_MASK },
  fanotify_init: { 0: events.FANOTIFY_INIT_FLAGS, 1: OPEN },
  fanotify_mark: { 1: events.FANOTIFY_MARK_FLAGS },
  io_uring_enter: { 3: events.IO_URING_ENTER_FLAGS },
  io_uring_register: { 1: events.IO_URING_REGISTER },
  getrandom: { 2: events.RANDOM_FLAGS },

  // Control
  prctl: { 0: control.PRCTL, 1: prctlArgument },
  arch_prctl: { 0: control.ARCH_PRCTL },
  ioctl: { 1: control.IOCTL },
  bpf: { 0: control.BPF_COMMANDS },
  perf_event_open: { 4: control.PERF_OPEN_FLAGS },
  seccomp: { 0: control.SECCOMP, 1: seccompFlags },
  landlock_create_ruleset: { 2: control.LANDLOCK_FLAGS },
  landlock_add_rule: { 1: control.LANDLOCK_RULES },
  reboot: { 2: control.REBOOT },
};

/** Reads a register as an argument of C's type int. */
export function int(value: bigint): number {
  return Number(BigInt.asIntN(32, value));
}

const { values: FCNTL } = files.FCNTL;

function fcntlArgument(args: readonly bigint[]): SymbolSet | undefined {
  switch (int(args[1])) {
    case FCNTL.F_SETFD:
      return files.FD_FLAGS;
    case FCNTL.F_SETFL:
      return OPEN;
    case FCNTL.F_SETSIG:
      return SIGNALS;
    case FCNTL.F_SETLEASE:
      return files.LOCK_TYPES;
    case FCNTL.F_NOTIFY:
      return files.NOTIFY_FLAGS;
    case FCNTL.F_ADD_SEALS:
      return files.SEALS;
    default:
      return undefined;
  }
}

function protocols(args: readonly bigint[]): SymbolSet | undefined {
  const { AF_INET, AF_INET6, AF_NETLINK } = network.FAMILIES.values;
  const family = int(args[0]);
  if (family === AF_NETLINK) return network.NETLINK_PROTOCOLS;
  return family === AF_INET || family === AF_INET6 ? network.IP_PROTOCOLS : undefined;
}

const OPTIONS: Readonly<Record<string, SymbolSet>> = {
  SOL_SOCKET: network.SOCKET_OPTIONS,
  IPPROTO_IP: network.IP_OPTIONS,
  IPPROTO_IPV6: network.IPV6_OPTIONS,
  IPPROTO_TCP: network.TCP_OPTIONS,
  IPPROTO_UDP: network.UDP_OPTIONS,
};

function socketOptions(args: readonly bigint[]): SymbolSet | undefined {
  return OPTIONS[nameOf(network.SOCKET_LEVELS, args[1], 32) ?? ""];
}

function prctlArgument(args: readonly bigint[]): SymbolSet | undefined {
  switch (nameOf(control.PRCTL, args[0], 32)) {
    case "PR_SET_PDEATHSIG":
      return SIGNALS;
    case "PR_CAP_AMBIENT":
      return control.PRCTL_AMBIENT;
    case "PR_SET_SECCOMP":
      return control.PRCTL_SECCOMP;
    case "PR_SET_MM":
      return control.PRCTL_MM;
    case "PR_SET_VMA":
      return control.PRCTL_VMA;
    case "PR_GET_SPECULATION_CTRL":
    case "PR_SET_SPECULATION_CTRL":
      return control.PRCTL_SPECULATION;
    default:
      return undefined;
  }
}

function seccompFlags(args: readonly bigint[]): SymbolSet | undefined {
  return int(args[0]) === control.SECCOMP.values.SECCOMP_SET_MODE_FILTER
    ? control.SECCOMP_FILTER_FLAGS
    : undefined;
}
