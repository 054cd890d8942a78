// Pure: no I/O, no FFI.
// Constants of memory. sys/mman.h, linux/mman.h, linux/mempolicy.h, linux/memfd.h, linux/shm.h

import { enumeration, type Field, type Flags, flags, type PerArch } from "./flags.ts";

const PROT_COMMON = {
  PROT_READ: 0x1,
  PROT_WRITE: 0x2,
  PROT_EXEC: 0x4,
  PROT_SEM: 0x8,
  PROT_GROWSDOWN: 0x1000000,
  PROT_GROWSUP: 0x2000000,
};

/** Protections of pages: an argument of mmap, mprotect and pkey_mprotect. */
export const PROTECTION: PerArch<Flags> = {
  x86_64: flags(PROT_COMMON, { zero: "PROT_NONE" }),
  aarch64: flags({ ...PROT_COMMON, PROT_BTI: 0x10, PROT_MTE: 0x20 }, { zero: "PROT_NONE" }),
};

const MAP_COMMON = {
  MAP_FIXED: 0x10,
  MAP_ANONYMOUS: 0x20,
  MAP_GROWSDOWN: 0x100,
  MAP_DENYWRITE: 0x800,
  MAP_EXECUTABLE: 0x1000,
  MAP_LOCKED: 0x2000,
  MAP_NORESERVE: 0x4000,
  MAP_POPULATE: 0x8000,
  MAP_NONBLOCK: 0x10000,
  MAP_STACK: 0x20000,
  MAP_HUGETLB: 0x40000,
  MAP_SYNC: 0x80000,
  MAP_FIXED_NOREPLACE: 0x100000,
};

const MAP_FIELDS: readonly Field[] = [
  {
    mask: 0xf,
    values: { MAP_SHARED: 1, MAP_PRIVATE: 2, MAP_SHARED_VALIDATE: 3, MAP_DROPPABLE: 8 },
  },
  // The upper six of 32 bits hold the binary logarithm of the size of a huge page.
  { mask: 0xfc000000, values: { MAP_HUGE_2MB: 0x54000000, MAP_HUGE_1GB: 0x78000000 } },
];

/** Flags of mmap(2), its fourth argument. */
export const MAP_FLAGS: PerArch<Flags> = {
  x86_64: flags({ ...MAP_COMMON, MAP_32BIT: 0x40, MAP_ABOVE4G: 0x80 }, { fields: MAP_FIELDS }),
  aarch64: flags(MAP_COMMON, { fields: MAP_FIELDS }),
};

/** Flags of mremap(2), its fourth argument. */
export const MREMAP_FLAGS = flags({
  MREMAP_MAYMOVE: 1,
  MREMAP_FIXED: 2,
  MREMAP_DONTUNMAP: 4,
});

/** Flags of msync(2), its third argument. */
export const MSYNC_FLAGS = flags({ MS_ASYNC: 1, MS_INVALIDATE: 2, MS_SYNC: 4 });

/** Flags of mlockall(2), its only argument. */
export const MLOCKALL_FLAGS = flags({ MCL_CURRENT: 1, MCL_FUTURE: 2, MCL_ONFAULT: 4 });

/** Flags of mlock2(2), its third argument. */
export const MLOCK_FLAGS = flags({ MLOCK_ONFAULT: 1 });

/** Advices of madvise(2) and process_madvise(2). */
export const MADVISE = enumeration({
  MADV_NORMAL: 0,
  MADV_RANDOM: 1,
  MADV_SEQUENTIAL: 2,
  MADV_WILLNEED: 3,
  MADV_DONTNEED: 4,
  MADV_FREE: 8,
  MADV_REMOVE: 9,
  MADV_DONTFORK: 10,
  MADV_DOFORK: 11,
  MADV_MERGEABLE: 12,
  MADV_UNMERGEABLE: 13,
  MADV_HUGEPAGE: 14,
  MADV_NOHUGEPAGE: 15,
  MADV_DONTDUMP: 16,
  MADV_DODUMP: 17,
  MADV_WIPEONFORK: 18,
  MADV_KEEPONFORK: 19,
  MADV_COLD: 20,
  MADV_PAGEOUT: 21,
  MADV_POPULATE_READ: 22,
  MADV_POPULATE_WRITE: 23,
  MADV_DONTNEED_LOCKED: 24,
  MADV_COLLAPSE: 25,
  MADV_HWPOISON: 100,
  MADV_SOFT_OFFLINE: 101,
  MADV_GUARD_INSTALL: 102,
  MADV_GUARD_REMOVE: 103,
});

/** Flags of memfd_create(2), its second argument. */
export const MEMFD_FLAGS = flags({
  MFD_CLOEXEC: 0x1,
  MFD_ALLOW_SEALING: 0x2,
  MFD_HUGETLB: 0x4,
  MFD_NOEXEC_SEAL: 0x8,
  MFD_EXEC: 0x10,
}, {
  fields: [{
    mask: 0xfc000000,
    values: { MFD_HUGE_2MB: 0x54000000, MFD_HUGE_1GB: 0x78000000 },
  }],
});

/** Flags of memfd_secret(2), its only argument. */
export const MEMFD_SECRET_FLAGS = flags({ FD_CLOEXEC: 1 });

/** Policies of set_mempolicy and mbind, with bits that say how node numbers are meant. */
export const MEMORY_POLICY = flags({
  MPOL_F_STATIC_NODES: 0x8000,
  MPOL_F_RELATIVE_NODES: 0x4000,
  MPOL_F_NUMA_BALANCING: 0x2000,
}, {
  fields: [{
    mask: 0xff,
    values: {
      MPOL_DEFAULT: 0,
      MPOL_PREFERRED: 1,
      MPOL_BIND: 2,
      MPOL_INTERLEAVE: 3,
      MPOL_LOCAL: 4,
      MPOL_PREFERRED_MANY: 5,
      MPOL_WEIGHTED_INTERLEAVE: 6,
    },
  }],
});

/** Flags of get_mempolicy(2), its fifth argument. */
export const GET_MEMORY_POLICY_FLAGS = flags({
  MPOL_F_NODE: 1,
  MPOL_F_ADDR: 2,
  MPOL_F_MEMS_ALLOWED: 4,
});

/** Flags of mbind(2) and move_pages(2), which say what pages move. */
export const MOVE_MEMORY_FLAGS = flags({
  MPOL_MF_STRICT: 1,
  MPOL_MF_MOVE: 2,
  MPOL_MF_MOVE_ALL: 4,
});

/** Accesses that a new key of pkey_alloc(2) forbids. */
export const PKEY_RIGHTS = flags({ PKEY_DISABLE_ACCESS: 1, PKEY_DISABLE_WRITE: 2 });

const PERMISSIONS = { mask: 0o777, values: {}, isPermissions: true };

/** Flags of semget(2) and msgget(2), with permissions in octal. */
export const IPC_FLAGS = flags({ IPC_CREAT: 0o1000, IPC_EXCL: 0o2000 }, { fields: [PERMISSIONS] });

/** Flags of shmget(2), with permissions in octal. */
export const SHMGET_FLAGS = flags({
  ...IPC_FLAGS.values,
  SHM_HUGETLB: 0o4000,
  SHM_NORESERVE: 0o10000,
}, { fields: [PERMISSIONS] });

/** Flags of shmat(2), its third argument. */
export const SHMAT_FLAGS = flags({
  SHM_RDONLY: 0o10000,
  SHM_RND: 0o20000,
  SHM_REMAP: 0o40000,
  SHM_EXEC: 0o100000,
});

/** Flags of msgsnd(2) and msgrcv(2), the last argument. */
export const MESSAGE_QUEUE_FLAGS = flags({
  IPC_NOWAIT: 0o4000,
  MSG_NOERROR: 0o10000,
  MSG_EXCEPT: 0o20000,
  MSG_COPY: 0o40000,
});

/** The key of System V IPC that names no object others could find. */
export const IPC_KEYS = enumeration({ IPC_PRIVATE: 0 });

const IPC_COMMANDS = { IPC_RMID: 0, IPC_SET: 1, IPC_STAT: 2, IPC_INFO: 3 };

/** Commands that shmctl(2) takes as its second argument. */
export const SHMCTL = enumeration({
  ...IPC_COMMANDS,
  SHM_LOCK: 11,
  SHM_UNLOCK: 12,
  SHM_STAT: 13,
  SHM_INFO: 14,
  SHM_STAT_ANY: 15,
});

/** Commands that semctl(2) takes as its third argument. */
export const SEMCTL = enumeration({
  ...IPC_COMMANDS,
  GETPID: 11,
  GETVAL: 12,
  GETALL: 13,
  GETNCNT: 14,
  GETZCNT: 15,
  SETVAL: 16,
  SETALL: 17,
  SEM_STAT: 18,
  SEM_INFO: 19,
  SEM_STAT_ANY: 20,
});

/** Commands that msgctl(2) takes as its second argument. */
export const MSGCTL = enumeration({
  ...IPC_COMMANDS,
  MSG_STAT: 11,
  MSG_INFO: 12,
  MSG_STAT_ANY: 13,
});
