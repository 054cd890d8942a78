/* So many processes, each of which makes so many threads that wait, and ends with all of them at once. */
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void *waiting(void *arg) {
  pause();
  return arg;
}

int main(int argc, char **argv) {
  int processes = argc > 1 ? atoi(argv[1]) : 1;
  int threads = argc > 2 ? atoi(argv[2]) : 1;
  for (int i = 0; i < processes; i++) {
    pid_t child = fork();
    if (child == 0) {
      pthread_t thread;
      for (int j = 0; j < threads; j++) pthread_create(&thread, NULL, waiting, NULL);
      _exit(0);
    }
    waitpid(child, NULL, 0);
  }
  return 0;
}
