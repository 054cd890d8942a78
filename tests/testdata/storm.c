/* So many processes and so many threads that do nothing and end, some at a time. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { AT_A_TIME = 20 };

static void *nothing(void *arg) { return arg; }

int main(int argc, char **argv) {
  int processes = argc > 1 ? atoi(argv[1]) : 0;
  int threads = argc > 2 ? atoi(argv[2]) : 0;
  for (int i = 0; i < processes; i += AT_A_TIME) {
    for (int j = i; j < i + AT_A_TIME && j < processes; j++) {
      if (fork() == 0) _exit(j & 63);
    }
    while (wait(NULL) > 0) {
    }
  }
  for (int i = 0; i < threads; i += AT_A_TIME) {
    pthread_t all[AT_A_TIME];
    int count = 0;
    for (int j = i; j < i + AT_A_TIME && j < threads; j++) pthread_create(&all[count++], NULL, nothing, NULL);
    while (count > 0) pthread_join(all[--count], NULL);
  }
  return 0;
}
