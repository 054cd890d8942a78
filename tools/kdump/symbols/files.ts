// Pure: no I/O, no FFI.
// Constants of files. fcntl.h, linux/fcntl.h, linux/fs.h, linux/stat.h, linux/mount.h

import { enumeration, type Flags, flags, type PerArch } from "./flags.ts";

const ACCESS_MODE = { mask: 3, values: { O_RDONLY: 0, O_WRONLY: 1, O_RDWR: 2 } };

const OPEN_COMMON = {
  O_CREAT: 0x40,
  O_EXCL: 0x80,
  O_NOCTTY: 0x100,
  O_TRUNC: 0x200,
  O_APPEND: 0x400,
  O_NONBLOCK: 0x800,
  O_DSYNC: 0x1000,
  O_SYNC: 0x101000,
  O_ASYNC: 0x2000,
  O_NOATIME: 0x40000,
  O_CLOEXEC: 0x80000,
  O_PATH: 0x200000,
};

/** Flags of open, openat and open_by_handle_at, and of fcntl's F_SETFL. */
export const OPEN_FLAGS: PerArch<Flags> = {
  x86_64: flags({
    ...OPEN_COMMON,
    O_DIRECT: 0x4000,
    O_LARGEFILE: 0x8000,
    O_DIRECTORY: 0x10000,
    O_NOFOLLOW: 0x20000,
    O_TMPFILE: 0x410000,
  }, { fields: [ACCESS_MODE] }),
  aarch64: flags({
    ...OPEN_COMMON,
    O_DIRECTORY: 0x4000,
    O_NOFOLLOW: 0x8000,
    O_DIRECT: 0x10000,
    O_LARGEFILE: 0x20000,
    O_TMPFILE: 0x404000,
  }, { fields: [ACCESS_MODE] }),
};

/** Flags of pipe2(2), its second argument. */
export const PIPE_FLAGS: PerArch<Flags> = {
  x86_64: flags({ O_NONBLOCK: 0x800, O_CLOEXEC: 0x80000, O_DIRECT: 0x4000 }),
  aarch64: flags({ O_NONBLOCK: 0x800, O_CLOEXEC: 0x80000, O_DIRECT: 0x10000 }),
};

/** Flags of dup3(2), its third argument. */
export const DUP_FLAGS = flags({ O_CLOEXEC: 0x80000 });

/** A number in the place of a descriptor, which stands for the working folder. */
export const AT_FDCWD = enumeration({ AT_FDCWD: -100 });

/** Flags of the calls that take a folder and a path, such as linkat(2). */
export const AT_FLAGS = flags({
  AT_SYMLINK_NOFOLLOW: 0x100,
  AT_SYMLINK_FOLLOW: 0x400,
  AT_NO_AUTOMOUNT: 0x800,
  AT_EMPTY_PATH: 0x1000,
  AT_RECURSIVE: 0x8000,
});

/** Flags of statx(2), its third argument. */
export const STATX_FLAGS = flags({
  ...AT_FLAGS.values,
  AT_STATX_FORCE_SYNC: 0x2000,
  AT_STATX_DONT_SYNC: 0x4000,
});

/** Flags of faccessat2(2), its fourth argument. */
export const FACCESSAT_FLAGS = flags({ ...AT_FLAGS.values, AT_EACCESS: 0x200 });

/** Flags of unlinkat(2), its third argument. */
export const UNLINKAT_FLAGS = flags({ AT_REMOVEDIR: 0x200 });

/** Flags of name_to_handle_at(2), where AT_HANDLE_FID has the bit that is AT_REMOVEDIR elsewhere. */
export const HANDLE_FLAGS = flags({ ...AT_FLAGS.values, AT_HANDLE_FID: 0x200 });

/** Fields that a caller of statx(2) asks for, as bits of the call's mask. */
export const STATX_MASK = flags({
  STATX_BASIC_STATS: 0x7ff,
  STATX_TYPE: 0x1,
  STATX_MODE: 0x2,
  STATX_NLINK: 0x4,
  STATX_UID: 0x8,
  STATX_GID: 0x10,
  STATX_ATIME: 0x20,
  STATX_MTIME: 0x40,
  STATX_CTIME: 0x80,
  STATX_INO: 0x100,
  STATX_SIZE: 0x200,
  STATX_BLOCKS: 0x400,
  STATX_BTIME: 0x800,
  STATX_MNT_ID: 0x1000,
  STATX_DIOALIGN: 0x2000,
  STATX_MNT_ID_UNIQUE: 0x4000,
  STATX_SUBVOL: 0x8000,
  STATX_WRITE_ATOMIC: 0x10000,
  STATX_DIO_READ_ALIGN: 0x20000,
});

/** Permissions that access(2) and faccessat(2) check for. */
export const ACCESS_MODES = flags({ R_OK: 4, W_OK: 2, X_OK: 1 }, { zero: "F_OK" });

/** Places that lseek(2) counts an offset from, its third argument. */
export const SEEK = enumeration({
  SEEK_SET: 0,
  SEEK_CUR: 1,
  SEEK_END: 2,
  SEEK_DATA: 3,
  SEEK_HOLE: 4,
});

/** Commands that fcntl(2) takes as its second argument. */
export const FCNTL = enumeration({
  F_DUPFD: 0,
  F_GETFD: 1,
  F_SETFD: 2,
  F_GETFL: 3,
  F_SETFL: 4,
  F_GETLK: 5,
  F_SETLK: 6,
  F_SETLKW: 7,
  F_SETOWN: 8,
  F_GETOWN: 9,
  F_SETSIG: 10,
  F_GETSIG: 11,
  F_SETOWN_EX: 15,
  F_GETOWN_EX: 16,
  F_GETOWNER_UIDS: 17,
  F_OFD_GETLK: 36,
  F_OFD_SETLK: 37,
  F_OFD_SETLKW: 38,
  F_SETLEASE: 1024,
  F_GETLEASE: 1025,
  F_NOTIFY: 1026,
  F_DUPFD_QUERY: 1027,
  F_CREATED_QUERY: 1028,
  F_CANCELLK: 1029,
  F_DUPFD_CLOEXEC: 1030,
  F_SETPIPE_SZ: 1031,
  F_GETPIPE_SZ: 1032,
  F_ADD_SEALS: 1033,
  F_GET_SEALS: 1034,
  F_GET_RW_HINT: 1035,
  F_SET_RW_HINT: 1036,
  F_GET_FILE_RW_HINT: 1037,
  F_SET_FILE_RW_HINT: 1038,
});

/** Flags of a descriptor that fcntl's F_SETFD sets. */
export const FD_FLAGS = flags({ FD_CLOEXEC: 1 });

/** Types of a lease of fcntl's F_SETLEASE, and the l_type of a struct flock. */
export const LOCK_TYPES = enumeration({ F_RDLCK: 0, F_WRLCK: 1, F_UNLCK: 2 });

/** Seals of a memfd that fcntl's F_ADD_SEALS adds. */
export const SEALS = flags({
  F_SEAL_SEAL: 0x1,
  F_SEAL_SHRINK: 0x2,
  F_SEAL_GROW: 0x4,
  F_SEAL_WRITE: 0x8,
  F_SEAL_FUTURE_WRITE: 0x10,
  F_SEAL_EXEC: 0x20,
});

/** Changes in a folder that fcntl's F_NOTIFY watches for. */
export const NOTIFY_FLAGS = flags({
  DN_ACCESS: 0x1,
  DN_MODIFY: 0x2,
  DN_CREATE: 0x4,
  DN_DELETE: 0x8,
  DN_RENAME: 0x10,
  DN_ATTRIB: 0x20,
  DN_MULTISHOT: 0x80000000,
});

/** Operations of flock(2), its second argument. */
export const FLOCK = flags({ LOCK_SH: 1, LOCK_EX: 2, LOCK_NB: 4, LOCK_UN: 8 });

/** Flags of renameat2(2), its fifth argument. */
export const RENAME_FLAGS = flags({ RENAME_NOREPLACE: 1, RENAME_EXCHANGE: 2, RENAME_WHITEOUT: 4 });

/** Flags of preadv2(2) and pwritev2(2), for one read or write. */
export const RWF_FLAGS = flags({
  RWF_HIPRI: 0x1,
  RWF_DSYNC: 0x2,
  RWF_SYNC: 0x4,
  RWF_NOWAIT: 0x8,
  RWF_APPEND: 0x10,
  RWF_NOAPPEND: 0x20,
  RWF_ATOMIC: 0x40,
  RWF_DONTCACHE: 0x80,
});

/** Flags of splice(2), tee(2) and vmsplice(2). */
export const SPLICE_FLAGS = flags({
  SPLICE_F_MOVE: 1,
  SPLICE_F_NONBLOCK: 2,
  SPLICE_F_MORE: 4,
  SPLICE_F_GIFT: 8,
});

/** Modes of fallocate(2), which combine, its second argument. */
export const FALLOCATE_FLAGS = flags({
  FALLOC_FL_KEEP_SIZE: 0x1,
  FALLOC_FL_PUNCH_HOLE: 0x2,
  FALLOC_FL_COLLAPSE_RANGE: 0x8,
  FALLOC_FL_ZERO_RANGE: 0x10,
  FALLOC_FL_INSERT_RANGE: 0x20,
  FALLOC_FL_UNSHARE_RANGE: 0x40,
  FALLOC_FL_WRITE_ZEROES: 0x80,
});

/** Advices of fadvise64; every architecture but s390 has these numbers. */
export const FADVISE = enumeration({
  POSIX_FADV_NORMAL: 0,
  POSIX_FADV_RANDOM: 1,
  POSIX_FADV_SEQUENTIAL: 2,
  POSIX_FADV_WILLNEED: 3,
  POSIX_FADV_DONTNEED: 4,
  POSIX_FADV_NOREUSE: 5,
});

/** Flags of sync_file_range(2), its fourth argument. */
export const SYNC_FILE_RANGE_FLAGS = flags({
  SYNC_FILE_RANGE_WAIT_BEFORE: 1,
  SYNC_FILE_RANGE_WRITE: 2,
  SYNC_FILE_RANGE_WAIT_AFTER: 4,
});

/** Flags of close_range(2), its third argument. */
export const CLOSE_RANGE_FLAGS = flags({ CLOSE_RANGE_UNSHARE: 2, CLOSE_RANGE_CLOEXEC: 4 });

/** Flags of setxattr(2), lsetxattr(2) and fsetxattr(2). */
export const XATTR_FLAGS = flags({ XATTR_CREATE: 1, XATTR_REPLACE: 2 });

// The kernel ignores this old magic number in the upper half, but only if all its bits are right.
const MOUNT_MAGIC = { mask: 0xffff0000, values: { MS_MGC_VAL: 0xc0ed0000 } };

/** Flags of mount(2), its fourth argument. */
export const MOUNT_FLAGS = flags({
  MS_RDONLY: 0x1,
  MS_NOSUID: 0x2,
  MS_NODEV: 0x4,
  MS_NOEXEC: 0x8,
  MS_SYNCHRONOUS: 0x10,
  MS_REMOUNT: 0x20,
  MS_MANDLOCK: 0x40,
  MS_DIRSYNC: 0x80,
  MS_NOSYMFOLLOW: 0x100,
  MS_NOATIME: 0x400,
  MS_NODIRATIME: 0x800,
  MS_BIND: 0x1000,
  MS_MOVE: 0x2000,
  MS_REC: 0x4000,
  MS_SILENT: 0x8000,
  MS_POSIXACL: 0x10000,
  MS_UNBINDABLE: 0x20000,
  MS_PRIVATE: 0x40000,
  MS_SLAVE: 0x80000,
  MS_SHARED: 0x100000,
  MS_RELATIME: 0x200000,
  MS_STRICTATIME: 0x1000000,
  MS_LAZYTIME: 0x2000000,
}, { fields: [MOUNT_MAGIC] });

/** Flags of umount2(2), its second argument. */
export const UMOUNT_FLAGS = flags({
  MNT_FORCE: 1,
  MNT_DETACH: 2,
  MNT_EXPIRE: 4,
  UMOUNT_NOFOLLOW: 8,
});

/** Flags of open_tree(2), among them those of AT_FLAGS. */
export const OPEN_TREE_FLAGS = flags({
  ...AT_FLAGS.values,
  OPEN_TREE_CLONE: 1,
  OPEN_TREE_CLOEXEC: 0x80000,
});

/** Flags of move_mount(2): F_ for the source, T_ for the target. */
export const MOVE_MOUNT_FLAGS = flags({
  MOVE_MOUNT_F_SYMLINKS: 0x1,
  MOVE_MOUNT_F_AUTOMOUNTS: 0x2,
  MOVE_MOUNT_F_EMPTY_PATH: 0x4,
  MOVE_MOUNT_T_SYMLINKS: 0x10,
  MOVE_MOUNT_T_AUTOMOUNTS: 0x20,
  MOVE_MOUNT_T_EMPTY_PATH: 0x40,
  MOVE_MOUNT_SET_GROUP: 0x100,
  MOVE_MOUNT_BENEATH: 0x200,
});

/** Flags of fsopen(2), its second argument. */
export const FSOPEN_FLAGS = flags({ FSOPEN_CLOEXEC: 1 });

/** Flags of fsmount(2), its second argument. */
export const FSMOUNT_FLAGS = flags({ FSMOUNT_CLOEXEC: 1 });

/** Commands that fsconfig(2) takes as its second argument. */
export const FSCONFIG = enumeration({
  FSCONFIG_SET_FLAG: 0,
  FSCONFIG_SET_STRING: 1,
  FSCONFIG_SET_BINARY: 2,
  FSCONFIG_SET_PATH: 3,
  FSCONFIG_SET_PATH_EMPTY: 4,
  FSCONFIG_SET_FD: 5,
  FSCONFIG_CMD_CREATE: 6,
  FSCONFIG_CMD_RECONFIGURE: 7,
  FSCONFIG_CMD_CREATE_EXCL: 8,
});

/** Attributes that statx(2) tells. linux/stat.h */
export const STATX_ATTRIBUTES = flags({
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
