// Which system calls are shown: the expressions of -e trace=…

import { type Syscall, syscalls } from "../../core/sources/syscalls/mod.ts";
import { UsageError } from "../cli/command_line.ts";
import { isFd } from "../kdump/symbols/arguments.ts";
import { LINUX } from "../ktrace/systems/linux.ts";
import { I386_CALLS } from "../../core/sources/syscalls/generated/i386.ts";

/** Names of calls for the classes that the types of arguments do not tell. */
const NAMED: Readonly<Record<string, string>> = {
  process:
    "clone clone3 fork vfork execve execveat exit exit_group wait4 waitid kill tkill tgkill " +
    "pidfd_send_signal rt_sigqueueinfo rt_tgsigqueueinfo unshare setns",
  signal: "kill tkill tgkill pause rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo " +
    "rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo sigaltstack signalfd signalfd4 " +
    "pidfd_send_signal",
  memory:
    "brk mmap munmap mprotect pkey_mprotect mremap madvise process_madvise mlock mlock2 munlock " +
    "mlockall munlockall mincore msync mbind set_mempolicy get_mempolicy migrate_pages move_pages " +
    "remap_file_pages set_mempolicy_home_node mseal map_shadow_stack",
  network: "socket connect accept accept4 sendto recvfrom sendmsg recvmsg shutdown bind listen " +
    "getsockname getpeername socketpair setsockopt getsockopt sendmmsg recvmmsg sendfile getpmsg putpmsg",
  ipc: "shmget shmat shmctl shmdt semget semop semctl semtimedop msgget msgsnd msgrcv msgctl",
  clock:
    "gettimeofday settimeofday adjtimex clock_gettime clock_settime clock_getres clock_adjtime time",
  creds:
    "getuid getgid setuid setgid geteuid getegid setreuid setregid getgroups setgroups setresuid " +
    "getresuid setresgid getresgid setfsuid setfsgid capget capset prctl",
  pure: "getpid getppid gettid getuid getgid geteuid getegid getpgrp",
  stat: "stat",
  lstat: "lstat",
  fstat: "fstat newfstatat statx",
};

/** Arguments of type `char *` that are no paths. */
const NO_PATH: Readonly<Record<string, RegExp>> = {
  execve: /^$/,
  init_module: /./,
  delete_module: /./,
  sethostname: /./,
  setdomainname: /./,
  syslog: /./,
  add_key: /./,
  request_key: /./,
  memfd_create: /./,
  fsopen: /./,
  fsconfig: /./,
  mq_open: /./,
  mq_unlink: /./,
};
const PATH_NAME = /name$|^path$|^special|^(put_old|new_root)$/;

function takesPath({ name, args }: Syscall): boolean {
  return !/xattrat$|^f.*xattr$/.test(name) &&
      args.some((arg) =>
        /^(const )?char \*$/.test(arg.type) && PATH_NAME.test(arg.name) &&
        !(arg.name === "name" && /xattr/.test(name)) && NO_PATH[name]?.test(arg.name) !== true
      ) || /^(getcwd|swapon|swapoff|mount|umount|fanotify_mark|inotify_add_watch)$/.test(name);
}

/** Calls that take a descriptor, though the types of arguments do not tell, or that make one. */
const DESCRIPTORS =
  /^(open|openat|openat2|creat|socket|socketpair|pipe2?|epoll_create1?|eventfd2?|timerfd_create|signalfd4?|inotify_init1?|fanotify_init|memfd_create|memfd_secret|mmap|p?select6?|p?poll|mq_open|userfaultfd|perf_event_open|bpf|pidfd_open|open_by_handle_at)$/;

function takesDescriptor({ name, args }: Syscall): boolean {
  return DESCRIPTORS.test(name) || args.some((_, i) => isFd(name, i)) ||
    args.some((arg) => /^(old|new)?dfd$/.test(arg.name));
}

/** Names of all classes of calls that `trace=` takes. */
export const CLASSES: readonly string[] = ["file", "desc", ...Object.keys(NAMED)];

function inClass(one: string, call: Syscall): boolean {
  if (one === "file") return takesPath(call);
  if (one === "desc" || one === "descriptor") return takesDescriptor(call);
  return NAMED[one].split(" ").includes(usualName(call));
}

function usualName({ number, name }: Syscall): string {
  return LINUX.syscall(number) ?? name;
}

/** A test whether a call is shown. */
export type CallFilter = (name: string) => boolean;

/**
 * Reads the value of `-e trace=`: names, classes with or without `%`, `/regular expressions/`, separated by
 * commas; `!` in front means all others; `?` in front of a name allows a name that no call has.
 *
 * @throws {UsageError} A name that no call has.
 */
export function parseTrace(expression: string): CallFilter {
  const inverted = expression.startsWith("!");
  const words = (inverted ? expression.slice(1) : expression).split(",").filter((word) =>
    word !== ""
  );
  const calls = [...syscalls().values()];
  const others = new Set(I386_CALLS.trimEnd().split("\n").map((line) => line.split(" ")[1]));
  const chosen = new Set<string>();
  for (const word of words) {
    if (word === "all") calls.forEach((call) => chosen.add(usualName(call)));
    else if (word === "none") continue;
    else if (word.startsWith("/")) {
      const pattern = regular(word.slice(1).replace(/\/$/, ""));
      const found = calls.map(usualName).filter((name) => pattern.test(name));
      if (found.length === 0) throw new UsageError(`no system call matches ${word}`);
      found.forEach((name) => chosen.add(name));
    } else if (
      CLASSES.includes(word.replace(/^%/, "")) && (word.startsWith("%") || !isCall(word))
    ) {
      const name = word.replace(/^%/, "");
      calls.filter((call) => inClass(name, call)).forEach((call) => chosen.add(usualName(call)));
    } else {
      const name = word.replace(/^\?/, "");
      const call = calls.find((one) => one.name === name || usualName(one) === name);
      if (call !== undefined) chosen.add(usualName(call));
      else if (!word.startsWith("?") && !others.has(name)) {
        throw new UsageError(
          word.startsWith("%")
            ? `no class of system calls is named ${word} (classes: ${CLASSES.join(", ")})`
            : `no system call is named ${name}`,
        );
      } else chosen.add(name);
    }
  }
  return (name) => chosen.has(name) !== inverted;

  function isCall(word: string): boolean {
    return calls.some((one) => usualName(one) === word || one.name === word);
  }
}

function regular(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch {
    throw new UsageError(`no regular expression: /${text}/`);
  }
}
