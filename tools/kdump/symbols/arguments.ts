// Pure: no I/O, no FFI.
// Which argument of which system call has names, by the kernel's name of the call.

import { LINUX_SIGNALS } from "../../ktrace/systems/signals.ts";
import { SETS, type SymbolSet } from "./sets.ts";

const AT_FDCWD = -100n;
/** File descriptors that stand for the working folder. */
const FOLDERS: ReadonlySet<string> = new Set(
  `openat.0 openat2.0 newfstatat.0 statx.0 faccessat.0 faccessat2.0 mkdirat.0 unlinkat.0 renameat.0
   renameat.2 renameat2.0 renameat2.2 linkat.0 linkat.2 symlinkat.1 readlinkat.0 fchmodat.0
   fchmodat2.0 fchownat.0 mknodat.0 utimensat.0 execveat.0 name_to_handle_at.0 open_tree.0`
    .split(/\s+/),
);
const SIGNAL_ARGUMENTS: ReadonlySet<string> = new Set(
  "kill.1 tkill.1 tgkill.2 rt_sigaction.0 rt_sigqueueinfo.1 rt_tgsigqueueinfo.2 pidfd_send_signal.1"
    .split(/\s+/),
);
const MODES: ReadonlySet<string> = new Set(
  `open.2 openat.3 creat.1 chmod.1 fchmod.1 fchmodat.2 fchmodat2.2 mkdir.1 mkdirat.2 mknod.1
   mknodat.2 umask.0`.split(/\s+/),
);

/** call.argument: set. */
const ARGUMENTS: ReadonlyMap<string, string> = new Map(
  `open.1=open openat.2=open dup3.2=dup pipe2.1=pipe newfstatat.3=at statx.2=at statx.3=statx
   faccessat2.3=at fchmodat2.3=at fchownat.4=at linkat.4=at utimensat.3=at execveat.4=at
   unlinkat.2=unlinkat access.1=access faccessat.2=access faccessat2.2=access lseek.2=whence
   mmap.2=protection mmap.3=map mprotect.2=protection pkey_mprotect.2=protection mremap.3=mremap
   msync.2=msync madvise.2=madvise fcntl.1=fcntl flock.1=flock rt_sigprocmask.0=signalHow
   unshare.0=clone setns.1=clone wait4.2=wait4 waitid.0=idType waitid.3=wait
   clock_gettime.0=clock clock_settime.0=clock clock_getres.0=clock clock_nanosleep.0=clock
   clock_nanosleep.1=timer timer_create.0=clock timer_settime.1=timer timerfd_create.0=clock
   timerfd_create.1=timerfd timerfd_settime.1=timerfdSet getrlimit.0=limit setrlimit.0=limit
   prlimit64.1=limit getrusage.0=usage getitimer.0=itimer setitimer.0=itimer futex.1=futex
   epoll_ctl.1=epollOperation epoll_create1.0=epollCreate eventfd2.1=eventfd signalfd4.3=signalfd
   inotify_init1.0=inotifyInit inotify_add_watch.2=inotify memfd_create.1=memfd
   getrandom.2=random renameat2.4=rename preadv2.5=readWrite pwritev2.5=readWrite
   splice.5=splice tee.3=splice vmsplice.3=splice close_range.2=closeRange socket.0=family
   socket.1=socketType socketpair.0=family socketpair.1=socketType accept4.3=acceptFlags
   shutdown.1=shutdown sendto.3=message recvfrom.3=message sendmsg.2=message recvmsg.2=message
   sendmmsg.3=message recvmmsg.3=message setsockopt.1=level getsockopt.1=level prctl.0=prctl
   arch_prctl.0=archPrctl sched_setscheduler.1=scheduler getpriority.0=priority
   setpriority.0=priority ioctl.1=ioctl seccomp.0=seccomp fadvise64.3=fadvise`.trim().split(/\s+/)
    .map((item) => item.split("=") as [string, string]),
);

const SOL_SOCKET = 1n;
const IPPROTO_TCP = 6n;
const CSIGNAL = 0xffn;

/**
 * Name of an argument's value: "O_RDONLY|O_CLOEXEC".
 *
 * @param call The kernel's name of the call: "newfstatat".
 * @param args All arguments, as registers hold them.
 * @returns undefined if it has none.
 */
export function symbolOf(
  call: string,
  index: number,
  args: readonly bigint[],
): string | undefined {
  const place = `${call}.${index}`;
  const value = args[index];
  if (FOLDERS.has(place)) return BigInt.asIntN(32, value) === AT_FDCWD ? "AT_FDCWD" : undefined;
  if (SIGNAL_ARGUMENTS.has(place)) return LINUX_SIGNALS[Number(BigInt.asIntN(32, value)) - 1];
  if (place === "clone.0") return cloneFlags(value);
  if (call === "setsockopt" || call === "getsockopt") {
    if (index === 2) {
      const level = BigInt.asIntN(32, args[1]);
      if (level === SOL_SOCKET) return nameOf(SETS.socketOption, value);
      return level === IPPROTO_TCP ? nameOf(SETS.tcpOption, value) : undefined;
    }
  }
  // A file's status flags, where they are set.
  if (place === "fcntl.2" && BigInt.asIntN(32, args[1]) === 4n) return nameOf(SETS.open, value);
  const set = ARGUMENTS.get(place);
  return set === undefined ? undefined : nameOf(SETS[set], value);
}

function cloneFlags(value: bigint): string | undefined {
  const signal = LINUX_SIGNALS[Number(value & CSIGNAL) - 1];
  const flags = nameOf(SETS.clone, value & ~CSIGNAL);
  return [flags, signal].filter((one) => one !== undefined).join("|") || undefined;
}

function nameOf(set: SymbolSet, value: bigint): string | undefined {
  if (set.kind === "values") return set.names.get(BigInt.asIntN(32, value));
  let rest = BigInt.asUintN(32, value);
  const found: string[] = [];
  if (set.field !== undefined) {
    const name = set.field.names.get(rest & set.field.mask);
    // Zero is a name of its own only where no bit of the field has one.
    if (name !== undefined) {
      found.push(name);
      rest &= ~set.field.mask;
    }
  }
  // What has more bits first: O_SYNC has O_DSYNC's.
  const names = [...set.names].sort(([a], [b]) => bitsOf(b) - bitsOf(a));
  for (const [bits, name] of names) {
    if ((rest & bits) !== bits) continue;
    found.push(name);
    rest &= ~bits;
  }
  if (rest !== 0n) found.push(`0x${rest.toString(16)}`);
  return found.length === 0 ? undefined : found.join("|");
}

function bitsOf(value: bigint): number {
  let count = 0;
  for (let rest = value; rest !== 0n; rest &= rest - 1n) count++;
  return count;
}

/** Is this argument the mode of a file? */
export function isMode(call: string, index: number): boolean {
  return MODES.has(`${call}.${index}`);
}

const O_CREAT = 0x40n;
const O_TMPFILE_BIT = 0x400000n;
/** F_GETFD, F_GETFL, F_GETOWN, F_GETSIG, F_GETPIPE_SZ, F_GET_SEALS */
const WITHOUT_ARGUMENT: readonly bigint[] = [1n, 3n, 9n, 11n, 1032n, 1034n];

/** Is this an argument that the call does not look at? */
export function isUnused(call: string, index: number, args: readonly bigint[]): boolean {
  if ((call === "open" && index === 2) || (call === "openat" && index === 3)) {
    return (args[index - 1] & (O_CREAT | O_TMPFILE_BIT)) === 0n;
  }
  return call === "fcntl" && index === 2 && WITHOUT_ARGUMENT.includes(BigInt.asIntN(32, args[1]));
}
