// Pure: no I/O, no FFI.
// Constants of calls that wait for events or make descriptors of events: futexes, epoll, timers, clocks,
// inotify, fanotify, io_uring; and the flags of getrandom.

import { enumeration, flags } from "./flags.ts";

/** Operations of futex(2), and the bits that modify an operation. */
export const FUTEX = flags({ FUTEX_PRIVATE_FLAG: 0x80, FUTEX_CLOCK_REALTIME: 0x100 }, {
  fields: [{
    mask: 0x7f,
    values: {
      FUTEX_WAIT: 0,
      FUTEX_WAKE: 1,
      FUTEX_FD: 2,
      FUTEX_REQUEUE: 3,
      FUTEX_CMP_REQUEUE: 4,
      FUTEX_WAKE_OP: 5,
      FUTEX_LOCK_PI: 6,
      FUTEX_UNLOCK_PI: 7,
      FUTEX_TRYLOCK_PI: 8,
      FUTEX_WAIT_BITSET: 9,
      FUTEX_WAKE_BITSET: 10,
      FUTEX_WAIT_REQUEUE_PI: 11,
      FUTEX_CMP_REQUEUE_PI: 12,
      FUTEX_LOCK_PI2: 13,
    },
  }],
});

/** Flags of futex_wait, futex_wake and futex_requeue, with the size of the futex. */
export const FUTEX2_FLAGS = flags({ FUTEX2_NUMA: 4, FUTEX2_MPOL: 8, FUTEX2_PRIVATE: 0x80 }, {
  fields: [{
    mask: 3,
    values: { FUTEX2_SIZE_U8: 0, FUTEX2_SIZE_U16: 1, FUTEX2_SIZE_U32: 2, FUTEX2_SIZE_U64: 3 },
  }],
});

/** Operations of epoll_ctl(2): a descriptor is added, changed or removed. */
export const EPOLL_CTL = enumeration({ EPOLL_CTL_ADD: 1, EPOLL_CTL_DEL: 2, EPOLL_CTL_MOD: 3 });

/** Flags of epoll_create1(2), its only argument. */
export const EPOLL_CREATE_FLAGS = flags({ EPOLL_CLOEXEC: 0x80000 });

/** Events that epoll waits for and reports, in struct epoll_event; in strace's order. */
export const EPOLL_EVENTS = flags({
  EPOLLIN: 0x1,
  EPOLLPRI: 0x2,
  EPOLLOUT: 0x4,
  EPOLLRDNORM: 0x40,
  EPOLLRDBAND: 0x80,
  EPOLLWRNORM: 0x100,
  EPOLLWRBAND: 0x200,
  EPOLLMSG: 0x400,
  EPOLLERR: 0x8,
  EPOLLHUP: 0x10,
  EPOLLRDHUP: 0x2000,
  EPOLLEXCLUSIVE: 0x10000000,
  EPOLLWAKEUP: 0x20000000,
  EPOLLONESHOT: 0x40000000,
  EPOLLET: 0x80000000,
});

/** Events that poll(2) waits for and reports, in struct pollfd. */
export const POLL_EVENTS = flags({
  POLLIN: 0x1,
  POLLPRI: 0x2,
  POLLOUT: 0x4,
  POLLERR: 0x8,
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

/** Flags of eventfd2(2), its second argument. */
export const EVENTFD_FLAGS = flags({
  EFD_SEMAPHORE: 1,
  EFD_NONBLOCK: 0x800,
  EFD_CLOEXEC: 0x80000,
});

/** Flags of signalfd4(2), its fourth argument. */
export const SIGNALFD_FLAGS = flags({ SFD_NONBLOCK: 0x800, SFD_CLOEXEC: 0x80000 });

/** Flags that timerfd_create(2) gives to the new descriptor. */
export const TIMERFD_FLAGS = flags({ TFD_NONBLOCK: 0x800, TFD_CLOEXEC: 0x80000 });

/** Flags of timerfd_settime(2), which say how its time is meant. */
export const TIMERFD_SET_FLAGS = flags({ TFD_TIMER_ABSTIME: 1, TFD_TIMER_CANCEL_ON_SET: 2 });

/** Flags of timer_settime(2) and clock_nanosleep(2): the time is absolute. */
export const TIMER_FLAGS = flags({ TIMER_ABSTIME: 1 });

/** Clocks of clock_gettime(2) and of timers, by CLOCK_ constant. */
export const CLOCKS = enumeration({
  CLOCK_REALTIME: 0,
  CLOCK_MONOTONIC: 1,
  CLOCK_PROCESS_CPUTIME_ID: 2,
  CLOCK_THREAD_CPUTIME_ID: 3,
  CLOCK_MONOTONIC_RAW: 4,
  CLOCK_REALTIME_COARSE: 5,
  CLOCK_MONOTONIC_COARSE: 6,
  CLOCK_BOOTTIME: 7,
  CLOCK_REALTIME_ALARM: 8,
  CLOCK_BOOTTIME_ALARM: 9,
  CLOCK_TAI: 11,
});

/** Interval timers that getitimer(2) and setitimer(2) choose from. */
export const ITIMERS = enumeration({ ITIMER_REAL: 0, ITIMER_VIRTUAL: 1, ITIMER_PROF: 2 });

/** Flags of inotify_init1(2), its only argument. */
export const INOTIFY_FLAGS = flags({ IN_NONBLOCK: 0x800, IN_CLOEXEC: 0x80000 });

/** Events and options in the mask of inotify_add_watch(2). */
export const INOTIFY_MASK = flags({
  IN_ALL_EVENTS: 0xfff,
  IN_ACCESS: 0x1,
  IN_MODIFY: 0x2,
  IN_ATTRIB: 0x4,
  IN_CLOSE_WRITE: 0x8,
  IN_CLOSE_NOWRITE: 0x10,
  IN_OPEN: 0x20,
  IN_MOVED_FROM: 0x40,
  IN_MOVED_TO: 0x80,
  IN_CREATE: 0x100,
  IN_DELETE: 0x200,
  IN_DELETE_SELF: 0x400,
  IN_MOVE_SELF: 0x800,
  IN_ONLYDIR: 0x1000000,
  IN_DONT_FOLLOW: 0x2000000,
  IN_EXCL_UNLINK: 0x4000000,
  IN_MASK_CREATE: 0x10000000,
  IN_MASK_ADD: 0x20000000,
  IN_ISDIR: 0x40000000,
  IN_ONESHOT: 0x80000000,
});

/** Flags of fanotify_init(2), its first argument. */
export const FANOTIFY_INIT_FLAGS = flags({
  FAN_CLOEXEC: 0x1,
  FAN_NONBLOCK: 0x2,
  FAN_UNLIMITED_QUEUE: 0x10,
  FAN_UNLIMITED_MARKS: 0x20,
  FAN_ENABLE_AUDIT: 0x40,
  FAN_REPORT_PIDFD: 0x80,
  FAN_REPORT_TID: 0x100,
  FAN_REPORT_FID: 0x200,
  FAN_REPORT_DIR_FID: 0x400,
  FAN_REPORT_NAME: 0x800,
  FAN_REPORT_TARGET_FID: 0x1000,
}, {
  fields: [{
    mask: 0xc,
    values: { FAN_CLASS_NOTIF: 0, FAN_CLASS_CONTENT: 4, FAN_CLASS_PRE_CONTENT: 8 },
  }],
});

/** Flags of fanotify_mark(2), its second argument. */
export const FANOTIFY_MARK_FLAGS = flags({
  FAN_MARK_ADD: 0x1,
  FAN_MARK_REMOVE: 0x2,
  FAN_MARK_DONT_FOLLOW: 0x4,
  FAN_MARK_ONLYDIR: 0x8,
  FAN_MARK_MOUNT: 0x10,
  FAN_MARK_IGNORED_MASK: 0x20,
  FAN_MARK_IGNORED_SURV_MODIFY: 0x40,
  FAN_MARK_FLUSH: 0x80,
  FAN_MARK_FILESYSTEM: 0x100,
  FAN_MARK_EVICTABLE: 0x200,
  FAN_MARK_IGNORE: 0x400,
});

/** Flags of io_uring_enter(2), its fourth argument. */
export const IO_URING_ENTER_FLAGS = flags({
  IORING_ENTER_GETEVENTS: 0x1,
  IORING_ENTER_SQ_WAKEUP: 0x2,
  IORING_ENTER_SQ_WAIT: 0x4,
  IORING_ENTER_EXT_ARG: 0x8,
  IORING_ENTER_REGISTERED_RING: 0x10,
  IORING_ENTER_ABS_TIMER: 0x20,
  IORING_ENTER_EXT_ARG_REG: 0x40,
});

/** Operations that io_uring_register(2) takes as its second argument. */
export const IO_URING_REGISTER = enumeration({
  IORING_REGISTER_BUFFERS: 0,
  IORING_UNREGISTER_BUFFERS: 1,
  IORING_REGISTER_FILES: 2,
  IORING_UNREGISTER_FILES: 3,
  IORING_REGISTER_EVENTFD: 4,
  IORING_UNREGISTER_EVENTFD: 5,
  IORING_REGISTER_FILES_UPDATE: 6,
  IORING_REGISTER_EVENTFD_ASYNC: 7,
  IORING_REGISTER_PROBE: 8,
  IORING_REGISTER_PERSONALITY: 9,
  IORING_UNREGISTER_PERSONALITY: 10,
  IORING_REGISTER_RESTRICTIONS: 11,
  IORING_REGISTER_ENABLE_RINGS: 12,
  IORING_REGISTER_FILES2: 13,
  IORING_REGISTER_FILES_UPDATE2: 14,
  IORING_REGISTER_BUFFERS2: 15,
  IORING_REGISTER_BUFFERS_UPDATE: 16,
  IORING_REGISTER_IOWQ_AFF: 17,
  IORING_UNREGISTER_IOWQ_AFF: 18,
  IORING_REGISTER_IOWQ_MAX_WORKERS: 19,
  IORING_REGISTER_RING_FDS: 20,
  IORING_UNREGISTER_RING_FDS: 21,
  IORING_REGISTER_PBUF_RING: 22,
  IORING_UNREGISTER_PBUF_RING: 23,
  IORING_REGISTER_SYNC_CANCEL: 24,
  IORING_REGISTER_FILE_ALLOC_RANGE: 25,
});

/** Flags of getrandom(2), its third argument. */
export const RANDOM_FLAGS = flags({ GRND_NONBLOCK: 1, GRND_RANDOM: 2, GRND_INSECURE: 4 });
