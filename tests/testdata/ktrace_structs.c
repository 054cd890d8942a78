// Trace files as the BSDs' kernels write them, made of the structures of their headers: which one is the argument.
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <stddef.h>

// FreeBSD, sys/ktrace.h
struct freebsd_header_v0 {
  int32_t len;
  int16_t type;
  int32_t pid;
  char comm[20];
  struct { int64_t sec, usec; } time;
  intptr_t tid;
};
struct freebsd_header {
  int32_t len;
  int16_t type;
  int16_t version;
  int32_t pid;
  char comm[20];
  struct { int64_t sec, nsec; } time;
  int64_t tid;
  int32_t cpu;
};
struct freebsd_syscall { int16_t code, narg; int64_t args[8]; };
struct freebsd_sysret { int16_t code, eosys; int32_t error; int64_t retval; };
struct freebsd_psig { int32_t signo; void *action; int32_t code; uint32_t mask[4]; };
struct freebsd_csw { int32_t out, user; char wmesg[8]; };
struct freebsd_fault { uint64_t vaddr; int32_t type; };
struct freebsd_capfail { int32_t type; int16_t code; uint32_t svflags; union { int64_t word; char path[1024]; } data; };
struct freebsd_stat {
  uint64_t dev, ino, nlink;
  uint16_t mode;
  int16_t padding0;
  uint32_t uid, gid;
  int32_t padding1;
  uint64_t rdev;
  struct { int64_t sec, nsec; } atim, mtim, ctim, birthtim;
  int64_t size, blocks;
  int32_t blksize;
  uint32_t flags;
  uint64_t gen, spare[10];
};
struct freebsd_sockaddr_in { uint8_t len, family; uint16_t port; uint32_t addr; char zero[8]; };

// NetBSD, sys/ktrace.h
struct netbsd_header {
  int32_t len;
  int16_t type, version;
  int32_t pid;
  char comm[17];
  union {
    struct { int32_t sec; int64_t usec; void *unused; } v0;
    struct { int32_t sec; int64_t nsec; int32_t lid; } v1;
    struct { int64_t sec, nsec; int32_t lid; } v2;
  } u;
};
struct netbsd_syscall { int32_t code, argsize; int64_t args[8]; };
struct netbsd_sysret { int16_t code, eosys; int32_t error; int64_t retval, retval1; };
struct netbsd_psig { int32_t signo; void *action; uint32_t mask[4]; int32_t code; };
struct netbsd_user { char id[20]; char data[8]; };

// OpenBSD, sys/ktrace.h
struct openbsd_header {
  uint32_t type;
  int32_t pid, tid;
  struct { int64_t sec, nsec; } time;
  char comm[24];
  size_t len;
};
struct openbsd_syscall { int32_t code, argsize; int64_t args[8]; };
struct openbsd_sysret { int32_t code, error; int64_t retval; };
struct openbsd_pledge { int32_t error, code; uint64_t bits; };
struct openbsd_user { char id[20]; char data[8]; };
struct genio { int32_t fd, rw; char data[8]; };

static const char *which;
static int sequence;

// A payload behind the header of the format that is wanted.
static void put(int type, const void *payload, size_t bytes) {
  int nanoseconds = 1000 * ++sequence;
  if (strcmp(which, "freebsd0") == 0) {
    struct freebsd_header_v0 header = {bytes, type, 42, "prog", {1700000000, nanoseconds / 1000}, 100042};
    fwrite(&header, sizeof header, 1, stdout);
  } else if (strcmp(which, "freebsd1") == 0) {
    struct freebsd_header header = {bytes, type | 0x4000, 1, 42, "prog", {1700000000, nanoseconds}, 100042, 3};
    fwrite(&header, sizeof header, 1, stdout);
  } else if (strncmp(which, "netbsd", 6) == 0) {
    struct netbsd_header header = {bytes, type, which[6] - '0', 42, "prog", {{0}}};
    if (which[6] == '0') {
      header.u.v0.sec = 1700000000;
      header.u.v0.usec = nanoseconds / 1000;
    } else if (which[6] == '1') {
      header.u.v1.sec = 1700000000;
      header.u.v1.nsec = nanoseconds;
      header.u.v1.lid = 7;
    } else {
      header.u.v2.sec = 1700000000;
      header.u.v2.nsec = nanoseconds;
      header.u.v2.lid = 7;
    }
    fwrite(&header, sizeof header, 1, stdout);
  } else {
    struct openbsd_header header = {type, 42, 100042, {1700000000, nanoseconds}, "prog", bytes};
    fwrite(&header, sizeof header, 1, stdout);
  }
  fwrite(payload, bytes, 1, stdout);
}

static void put_struct(int type, const char *name, const void *data, size_t bytes) {
  char payload[512];
  size_t length = strlen(name) + 1;
  memcpy(payload, name, length);
  memcpy(payload + length, data, bytes);
  put(type, payload, length + bytes);
}

static void freebsd(void) {
  uint32_t abi = strcmp(which, "freebsd0") == 0 ? 0x209 : 0x203; // FreeBSD's own, Linux's
  put(10, &abi, sizeof abi);
  struct freebsd_syscall call = {abi == 0x203 ? 257 : 499, 4, {-100, 0x1000, 0x80000, 0}};
  put(1, &call, 8 + 4 * 8);
  put(3, "/etc/motd", 9);
  struct freebsd_sysret ret = {call.code, 0, 2, 0};
  put(2, &ret, sizeof ret);
  struct freebsd_sysret again = {call.code, 0, abi == 0x203 ? 35 : 35, 0};
  put(2, &again, sizeof again);
  struct freebsd_sysret restart = {call.code, 0, -1, 0};
  put(2, &restart, sizeof restart);
  struct freebsd_sysret good = {call.code, 0, 0, 1234};
  put(2, &good, sizeof good);
  struct genio io = {3, 1, "line 1\n"};
  put(4, &io, 8 + 7);
  struct freebsd_psig signal = {30, (void *)0x4000, 0, {1, 0, 0, 0}};
  put(5, &signal, sizeof signal);
  struct freebsd_csw csw = {1, 0, "select"};
  put(6, &csw, sizeof csw);
  put(7, "marker", 6);
  struct freebsd_stat stat = {1, 2, 3, 0100644, 0, 4, 5, 0, 6, {10, 0}, {11, 5}, {12, 0}, {0, 0}, 77, 8, 4096, 0};
  put_struct(8, "stat", &stat, sizeof stat);
  struct freebsd_sockaddr_in address = {16, 2, 0x5000, 0x0100007f, {0}};
  put_struct(8, "sockaddr", &address, sizeof address);
  struct freebsd_capfail fail = {2, call.code, abi, {0}};
  put(12, &fail, sizeof fail);
  struct freebsd_fault fault = {0xdead000, 2};
  put(13, &fault, sizeof fault);
  int32_t end = 0;
  put(14, &end, sizeof end);
  put(15 | 0, "\x10\0\0\0\0\0\0\0iovec\0\0\x10\0\0\0\0\0\0\5\0\0\0\0\0\0\0", 8 + 6 + 16);
  put(11, "", 0);
  put(2 | -0x8000, &good, sizeof good);
}

static void netbsd(void) {
  put(7, "netbsd", 6);
  struct netbsd_syscall call = {468, 4 * 8, {-100, 0x1000, 0x400000, 0}};
  put(1, &call, 8 + 4 * 8);
  put(3, "/etc/motd", 9);
  struct netbsd_sysret ret = {468, 0, 2, 0, 0};
  put(2, &ret, sizeof ret);
  struct netbsd_sysret good = {468, 0, 0, 1234, 0};
  put(2, &good, sizeof good);
  struct genio io = {3, 0, "line 1\n"};
  put(4, &io, 8 + 7);
  struct netbsd_psig signal = {2, (void *)0x4000, {1, 0, 0, 0}, 0};
  put(5, &signal, sizeof signal);
  int32_t csw[2] = {0, 1};
  put(6, csw, sizeof csw);
  struct netbsd_user user = {"label", "marker"};
  put(8, &user, 20 + 6);
  put(10, "prog\0-x", 8);
  put(11, "HOME=/", 7);
  int32_t mib[2] = {6, 7};
  put(14, mib, sizeof mib);
  int32_t fd[2] = {1, 2};
  put(15, fd, sizeof fd);
}

static void openbsd(void) {
  put(0x4b545200, "", 0);
  struct openbsd_syscall call = {321, 4 * 8, {-100, 0x1000, 0x10000, 0}};
  put(1, &call, 8 + 4 * 8);
  put(3, "/etc/motd", 9);
  struct openbsd_sysret ret = {321, 2, 0};
  put(2, &ret, 8);
  struct openbsd_sysret good = {321, 0, 1234};
  put(2, &good, sizeof good);
  struct genio io = {3, 0, "line 1\n"};
  put(4, &io, 8 + 7);
  struct { int32_t signo; void *action; int32_t mask, code; char info[136]; } signal = {2, 0, 1, 0, {0}};
  put(5, &signal, sizeof signal);
  struct openbsd_user user = {"label", "marker"};
  put(9, &user, 20 + 6);
  put(10, "prog\0-x", 8);
  put(11, "HOME=/", 7);
  struct openbsd_pledge pledge = {1, 321, 2};
  put(12, &pledge, sizeof pledge);
}

int main(int argc, char **argv) {
  which = argc > 1 ? argv[1] : "";
  if (strncmp(which, "freebsd", 7) == 0) freebsd();
  else if (strncmp(which, "netbsd", 6) == 0) netbsd();
  else openbsd();
  return 0;
}
