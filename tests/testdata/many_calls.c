// Makes one of many system calls each, with arguments that a tracer shows by names: files, structures,
// signals, sockets, memory, a child. Ends with status 5. The working folder, or the one
// that is named, gets nothing.
#define _GNU_SOURCE
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <sys/utsname.h>
#include <sys/mman.h>
static void on(int s) { (void)s; }
int main(int argc, char **argv) {
  if (argc > 1) chdir(argv[1]);
  int fd = open("many\"calls", O_RDWR | O_CREAT | O_TRUNC, 0640);
  write(fd, "hello\n\t\001\0012 and a text that is longer than thirty-two", 50);
  lseek(fd, 0, SEEK_SET);
  char buf[100];
  read(fd, buf, 10); pread(fd, buf, 5, 2);
  struct iovec v[2] = {{"one", 3}, {"two!", 4}};
  writev(fd, v, 2);
  struct stat st; fstat(fd, &st); stat("/dev/null", &st); lstat("/nowhere", &st);
  ftruncate(fd, 100); fchmod(fd, 0600); fsync(fd);
  fcntl(fd, F_GETFL); fcntl(fd, F_SETFD, FD_CLOEXEC); fcntl(fd, F_DUPFD, 10);
  dup2(fd, 20); close(20);
  struct rlimit r; getrlimit(RLIMIT_NOFILE, &r);
  struct sigaction sa = {0}; sa.sa_handler = on; sa.sa_flags = SA_RESTART; sigaddset(&sa.sa_mask, SIGTERM);
  sigaction(SIGUSR1, &sa, NULL); signal(SIGPIPE, SIG_IGN);
  sigset_t m; sigemptyset(&m); sigaddset(&m, SIGINT); sigaddset(&m, SIGUSR2); sigprocmask(SIG_BLOCK, &m, NULL);
  kill(getpid(), SIGUSR1);
  struct timespec ts = {0, 1000000}; nanosleep(&ts, NULL);
  int p[2]; pipe2(p, O_CLOEXEC);
  struct pollfd pf[2] = {{p[0], POLLIN, 0}, {p[1], POLLOUT, 0}}; poll(pf, 2, 0); poll(pf, 1, 1);
  int e = epoll_create1(EPOLL_CLOEXEC); struct epoll_event ev = {.events = EPOLLOUT, .data.u64 = 7}; epoll_ctl(e, EPOLL_CTL_ADD, p[1], &ev); epoll_wait(e, &ev, 1, 0);
  int s = socket(AF_INET, SOCK_STREAM, 0); struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(0x7f000001)};
  connect(s, (void *)&a, sizeof a);
  int u = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0); struct sockaddr_un ua = {.sun_family = AF_UNIX, .sun_path = "/nowhere"}; connect(u, (void *)&ua, sizeof ua);
  struct utsname un; uname(&un); getppid(); getuid(); umask(022);
  void *mm = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); mprotect(mm, 4096, PROT_READ); madvise(mm, 4096, MADV_DONTNEED); munmap(mm, 8192);
  read(fd, (void *)1, 5); read(fd, buf, 0);
  unlink("many\"calls"); mkdir("many-folder", 0755); rmdir("many-folder"); chdir("/"); access("/etc/passwd", R_OK | W_OK);
  readlink("/proc/self/exe", buf, 100); getcwd(buf, 100);
  renameat(AT_FDCWD, "/nowhere", AT_FDCWD, "/nowhere2"); symlink("a", "/nowhere/b"); close(77);
  pid_t c = vfork(); if (c == 0) _exit(3); int w; waitpid(c, &w, 0);
  return 5;
}
