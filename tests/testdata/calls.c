// A program whose system calls are known: files, structures, threads, children, signals, names, users.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile int signals;

static void on_signal(int number) { signals += number; }

static void *in_thread(void *argument) {
  prctl(PR_SET_NAME, "second");
  for (int i = 0; i < 3; i++) syscall(SYS_getppid);
  return argument;
}

static void nested(int depth) {
  if (depth > 0) nested(depth - 1);
  else syscall(SYS_getpgid, 0);
  __asm__ volatile("");
}

int main(int argc, char **argv) {
  if (strcmp(argv[0], "again") == 0) return 0;
  (void)argc;
  char buffer[64] = {0};
  int fd = open("/proc/sys/kernel/ostype", O_RDONLY | O_CLOEXEC);
  ssize_t got = read(fd, buffer, sizeof buffer);
  lseek(fd, 1, SEEK_SET);
  close(fd);
  close(-1);
  open("/no/such/file", O_WRONLY);
  int null = open("/dev/null", O_WRONLY);
  write(null, buffer, got);
  struct iovec parts[2] = {{"first", 5}, {"second part", 11}};
  writev(null, parts, 2);
  struct timespec pause = {0, 1234567};
  nanosleep(&pause, NULL);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9)};
  inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  int sock = socket(AF_INET, SOCK_DGRAM, 0);
  connect(sock, (struct sockaddr *)&address, sizeof address);
  prctl(PR_SET_NAME, "renamed");
  syscall(SYS_getppid);
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGUSR1, &action, NULL);
  raise(SIGUSR1);
  pthread_t thread;
  pthread_create(&thread, NULL, in_thread, NULL);
  pthread_join(thread, NULL);
  pid_t child = fork();
  if (child == 0) {
    syscall(SYS_getppid);
    execl(argv[0], "again", (char *)0);
    _exit(errno == 0 ? 1 : 3);
  }
  int status;
  waitpid(child, &status, 0);
  nested(3);
  pid_t killed = fork();
  if (killed == 0) raise(SIGTERM);
  waitpid(killed, &status, 0);
  lseek(null, -5, SEEK_END);
  syscall(SYS_getpriority, 99, 0);
  if (geteuid() == 0) {
    syscall(SYS_setgid, 65533);
    syscall(SYS_setuid, 65534);
  }
  syscall(SYS_getppid);
  return signals == SIGUSR1 ? 7 : 1;
}
