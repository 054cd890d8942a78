// Four threads and the first one call again and again, for as many hundredths of a second as is said.
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *call(void *argument) {
  for (;;) {
    syscall(SYS_getppid);
    usleep(10000);
  }
  return argument;
}

int main(int argc, char **argv) {
  pthread_t thread;
  for (int i = 0; i < 4; i++) pthread_create(&thread, NULL, call, NULL);
  for (int i = 0; i < (argc > 1 ? atoi(argv[1]) : 200); i++) {
    syscall(SYS_getpgid, 0);
    usleep(10000);
  }
  return 5;
}
