// Pure: no I/O, no FFI.
// Constants of processes: clone, wait, signals, limits, scheduling.

import { LINUX_SIGNALS } from "../../../core/signal_names.ts";
import { enumeration, flags } from "./flags.ts";

/** Linux's signals by their numbers, from 1. */
export const SIGNALS = enumeration(
  Object.fromEntries(LINUX_SIGNALS.map((name, i) => [name, i + 1])),
);

const CLONE_BITS = {
  CLONE_VM: 0x100,
  CLONE_FS: 0x200,
  CLONE_FILES: 0x400,
  CLONE_SIGHAND: 0x800,
  CLONE_PIDFD: 0x1000,
  CLONE_PTRACE: 0x2000,
  CLONE_VFORK: 0x4000,
  CLONE_PARENT: 0x8000,
  CLONE_THREAD: 0x10000,
  CLONE_NEWNS: 0x20000,
  CLONE_SYSVSEM: 0x40000,
  CLONE_SETTLS: 0x80000,
  CLONE_PARENT_SETTID: 0x100000,
  CLONE_CHILD_CLEARTID: 0x200000,
  CLONE_DETACHED: 0x400000,
  CLONE_UNTRACED: 0x800000,
  CLONE_CHILD_SETTID: 0x1000000,
  CLONE_NEWCGROUP: 0x2000000,
  CLONE_NEWUTS: 0x4000000,
  CLONE_NEWIPC: 0x8000000,
  CLONE_NEWUSER: 0x10000000,
  CLONE_NEWPID: 0x20000000,
  CLONE_NEWNET: 0x40000000,
  CLONE_IO: 0x80000000,
};

/** Flags of clone, with the signal in the lowest byte that the parent gets when the child ends. */
export const CLONE_FLAGS = flags(CLONE_BITS, {
  fields: [{ mask: 0xff, values: SIGNALS.values }],
});

/** Flags of unshare and setns; CLONE_NEWTIME has a bit that clone uses for its signal. */
export const NAMESPACE_FLAGS = flags({ ...CLONE_BITS, CLONE_NEWTIME: 0x80 });

/** Options of wait4 and waitid. WSTOPPED is another name of the bit WUNTRACED. */
export const WAIT_FLAGS = flags({
  WNOHANG: 0x1,
  WUNTRACED: 0x2,
  WEXITED: 0x4,
  WCONTINUED: 0x8,
  WNOWAIT: 0x1000000,
  __WNOTHREAD: 0x20000000,
  __WALL: 0x40000000,
  __WCLONE: 0x80000000,
});

/** Kinds of waitid's second argument: a process, a group, a descriptor, or none. */
export const WAIT_IDS = enumeration({ P_ALL: 0, P_PID: 1, P_PGID: 2, P_PIDFD: 3 });

/** Ways in which rt_sigprocmask(2) changes a thread's mask. */
export const SIGNAL_MASK_HOW = enumeration({ SIG_BLOCK: 0, SIG_UNBLOCK: 1, SIG_SETMASK: 2 });

/** Flags in sa_flags of a struct sigaction; in strace's order. */
export const SIGNAL_ACTION_FLAGS = flags({
  SA_RESTORER: 0x4000000,
  SA_ONSTACK: 0x8000000,
  SA_RESTART: 0x10000000,
  SA_NODEFER: 0x40000000,
  SA_RESETHAND: 0x80000000,
  SA_NOCLDSTOP: 0x1,
  SA_NOCLDWAIT: 0x2,
  SA_SIGINFO: 0x4,
  SA_UNSUPPORTED: 0x400,
  SA_EXPOSE_TAGBITS: 0x800,
});

/** Flags in ss_flags of a stack_t, for sigaltstack(2). */
export const SIGNAL_STACK_FLAGS = flags({
  SS_ONSTACK: 1,
  SS_DISABLE: 2,
  SS_AUTODISARM: 0x80000000,
}, { zero: "0" });

/** Resources that getrlimit, setrlimit and prlimit64 limit. */
export const RESOURCE_LIMITS = enumeration({
  RLIMIT_CPU: 0,
  RLIMIT_FSIZE: 1,
  RLIMIT_DATA: 2,
  RLIMIT_STACK: 3,
  RLIMIT_CORE: 4,
  RLIMIT_RSS: 5,
  RLIMIT_NPROC: 6,
  RLIMIT_NOFILE: 7,
  RLIMIT_MEMLOCK: 8,
  RLIMIT_AS: 9,
  RLIMIT_LOCKS: 10,
  RLIMIT_SIGPENDING: 11,
  RLIMIT_MSGQUEUE: 12,
  RLIMIT_NICE: 13,
  RLIMIT_RTPRIO: 14,
  RLIMIT_RTTIME: 15,
});

/** Whose usage getrusage(2) reports, its first argument. */
export const RESOURCE_USAGE = enumeration({
  RUSAGE_SELF: 0,
  RUSAGE_CHILDREN: -1,
  RUSAGE_THREAD: 1,
});

/** Whose priority getpriority(2) and setpriority(2) are about. */
export const PRIORITY_OF = enumeration({ PRIO_PROCESS: 0, PRIO_PGRP: 1, PRIO_USER: 2 });

/** Whose I/O priority ioprio_get(2) and ioprio_set(2) are about. */
export const IO_PRIORITY_OF = enumeration({
  IOPRIO_WHO_PROCESS: 1,
  IOPRIO_WHO_PGRP: 2,
  IOPRIO_WHO_USER: 3,
});

/** Policies that sched_setscheduler(2) takes as its second argument. */
export const SCHEDULERS = flags({ SCHED_RESET_ON_FORK: 0x40000000 }, {
  fields: [{
    mask: 0xff,
    values: {
      SCHED_OTHER: 0,
      SCHED_FIFO: 1,
      SCHED_RR: 2,
      SCHED_BATCH: 3,
      SCHED_IDLE: 5,
      SCHED_DEADLINE: 6,
      SCHED_EXT: 7,
    },
  }],
});

/** Flags of pidfd_open(2), its second argument. */
export const PIDFD_FLAGS = flags({ PIDFD_NONBLOCK: 0x800, PIDFD_THREAD: 0x80 });

/** Flags of pidfd_send_signal(2): who gets the signal. */
export const PIDFD_SIGNAL_FLAGS = flags({
  PIDFD_SIGNAL_THREAD: 1,
  PIDFD_SIGNAL_THREAD_GROUP: 2,
  PIDFD_SIGNAL_PROCESS_GROUP: 4,
});

/** Resources of two processes that kcmp(2) compares. */
export const KCMP = enumeration({
  KCMP_FILE: 0,
  KCMP_VM: 1,
  KCMP_FILES: 2,
  KCMP_FS: 3,
  KCMP_SIGHAND: 4,
  KCMP_IO: 5,
  KCMP_SYSVSEM: 6,
  KCMP_EPOLL_TFD: 7,
});

/** Commands that membarrier(2) takes as its first argument. */
export const MEMBARRIER = enumeration({
  MEMBARRIER_CMD_QUERY: 0,
  MEMBARRIER_CMD_GLOBAL: 1,
  MEMBARRIER_CMD_GLOBAL_EXPEDITED: 2,
  MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED: 4,
  MEMBARRIER_CMD_PRIVATE_EXPEDITED: 8,
  MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED: 16,
  MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE: 32,
  MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE: 64,
  MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ: 128,
  MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ: 256,
  MEMBARRIER_CMD_GET_REGISTRATIONS: 512,
});

/** Flags of rseq(2), its third argument. */
export const RSEQ_FLAGS = flags({ RSEQ_FLAG_UNREGISTER: 1 });

/** Requests that ptrace(2) takes as its first argument. */
export const PTRACE = enumeration({
  PTRACE_TRACEME: 0,
  PTRACE_PEEKTEXT: 1,
  PTRACE_PEEKDATA: 2,
  PTRACE_PEEKUSR: 3,
  PTRACE_POKETEXT: 4,
  PTRACE_POKEDATA: 5,
  PTRACE_POKEUSR: 6,
  PTRACE_CONT: 7,
  PTRACE_KILL: 8,
  PTRACE_SINGLESTEP: 9,
  PTRACE_ATTACH: 16,
  PTRACE_DETACH: 17,
  PTRACE_SYSCALL: 24,
  PTRACE_SETOPTIONS: 0x4200,
  PTRACE_GETEVENTMSG: 0x4201,
  PTRACE_GETSIGINFO: 0x4202,
  PTRACE_SETSIGINFO: 0x4203,
  PTRACE_GETREGSET: 0x4204,
  PTRACE_SETREGSET: 0x4205,
  PTRACE_SEIZE: 0x4206,
  PTRACE_INTERRUPT: 0x4207,
  PTRACE_LISTEN: 0x4208,
  PTRACE_PEEKSIGINFO: 0x4209,
  PTRACE_GETSIGMASK: 0x420a,
  PTRACE_SETSIGMASK: 0x420b,
  PTRACE_SECCOMP_GET_FILTER: 0x420c,
  PTRACE_SECCOMP_GET_METADATA: 0x420d,
  PTRACE_GET_SYSCALL_INFO: 0x420e,
  PTRACE_GET_RSEQ_CONFIGURATION: 0x420f,
});
