// Threads that make the same system calls each on files of their own, as fast as they can: THREADS ROUNDS [FOLDER].
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int rounds;
static const char *folder = ".";

static void *work(void *argument) {
  long me = (long)argument;
  char path[256], buffer[32];
  // Descriptors of its own, so that each has the same number in each run.
  unshare(CLONE_FILES);
  snprintf(path, sizeof path, "%s/worker%ld", folder, me);
  for (int i = 0; i < rounds; i++) {
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    int length = snprintf(buffer, sizeof buffer, "thread %ld round %d\n", me, i);
    write(fd, buffer, length);
    pread(fd, buffer, 7, 0);
    struct stat status;
    fstat(fd, &status);
    close(fd);
    access("/no/such/file", R_OK);
    unlink(path);
    syscall(SYS_getpriority, 99, me);
  }
  return NULL;
}

int main(int argc, char **argv) {
  if (argc > 3) folder = argv[3];
  int count = argc > 1 ? atoi(argv[1]) : 4;
  rounds = argc > 2 ? atoi(argv[2]) : 100;
  pthread_t threads[64];
  for (long i = 0; i < count; i++) pthread_create(&threads[i], NULL, work, (void *)(i + 1));
  for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
  return 0;
}
