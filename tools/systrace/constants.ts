// Pure: no I/O, no FFI.
// Constants within structures, which kdump shows as numbers.

import { type Flags, flags } from "../kdump/symbols/flags.ts";

/** Events of poll(2). asm-generic/poll.h */
export const POLL_EVENTS: Flags = flags({
  POLLIN: 1,
  POLLPRI: 2,
  POLLOUT: 4,
  POLLERR: 8,
  POLLHUP: 0x10,
  POLLNVAL: 0x20,
  POLLRDNORM: 0x40,
  POLLRDBAND: 0x80,
  POLLWRNORM: 0x100,
  POLLWRBAND: 0x200,
  POLLMSG: 0x400,
  POLLREMOVE: 0x1000,
  POLLRDHUP: 0x2000,
}, { zero: "0" });

/** Events of epoll(7). linux/eventpoll.h */
export const EPOLL_EVENTS: Flags = flags({
  EPOLLIN: 1,
  EPOLLPRI: 2,
  EPOLLOUT: 4,
  EPOLLRDNORM: 0x40,
  EPOLLRDBAND: 0x80,
  EPOLLWRNORM: 0x100,
  EPOLLWRBAND: 0x200,
  EPOLLMSG: 0x400,
  EPOLLERR: 8,
  EPOLLHUP: 0x10,
  EPOLLRDHUP: 0x2000,
  EPOLLEXCLUSIVE: 0x1000_0000,
  EPOLLWAKEUP: 0x2000_0000,
  EPOLLONESHOT: 0x4000_0000,
  EPOLLET: 0x8000_0000,
});

/** Flags of sigaction(2). asm-generic/signal-defs.h */
export const SIGNAL_ACTION_FLAGS: Flags = flags({
  SA_RESTORER: 0x0400_0000,
  SA_ONSTACK: 0x0800_0000,
  SA_RESTART: 0x1000_0000,
  SA_NODEFER: 0x4000_0000,
  SA_RESETHAND: 0x8000_0000,
  SA_NOCLDSTOP: 1,
  SA_NOCLDWAIT: 2,
  SA_SIGINFO: 4,
});

/** Flags of sigaltstack(2). linux/signal.h */
export const STACK_FLAGS: Flags = flags(
  { SS_ONSTACK: 1, SS_DISABLE: 2, SS_AUTODISARM: 0x8000_0000 },
  { zero: "0" },
);

/** Attributes that statx(2) tells. linux/stat.h */
export const STATX_ATTRIBUTES: Flags = flags({
  STATX_ATTR_COMPRESSED: 4,
  STATX_ATTR_IMMUTABLE: 0x10,
  STATX_ATTR_APPEND: 0x20,
  STATX_ATTR_NODUMP: 0x40,
  STATX_ATTR_ENCRYPTED: 0x800,
  STATX_ATTR_AUTOMOUNT: 0x1000,
  STATX_ATTR_MOUNT_ROOT: 0x2000,
  STATX_ATTR_VERITY: 0x10_0000,
  STATX_ATTR_DAX: 0x20_0000,
}, { zero: "0" });

/** Names of a file's types, by the bits of S_IFMT. linux/stat.h */
export const FILE_TYPES: Readonly<Record<number, string>> = {
  0o010000: "S_IFIFO",
  0o020000: "S_IFCHR",
  0o040000: "S_IFDIR",
  0o060000: "S_IFBLK",
  0o100000: "S_IFREG",
  0o120000: "S_IFLNK",
  0o140000: "S_IFSOCK",
};
