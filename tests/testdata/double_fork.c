// Starts N daemons in the usual way: a child makes the daemon and ends at once, as this program does.

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
  int count = argc > 1 ? atoi(argv[1]) : 1;
  for (int i = 0; i < count; i++) {
    if (fork() != 0) continue;
    if (fork() != 0) _exit(0);
    struct timespec nap = {0, 50 * 1000000L};
    nanosleep(&nap, NULL);
    getppid();
    _exit(0);
  }
  return 0;
}
