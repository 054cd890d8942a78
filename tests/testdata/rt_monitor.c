/* Waits for so many real-time signals and prints what they carry: the event and whom it is about. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv) {
  int count = argc > 1 ? atoi(argv[1]) : 1;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, NULL);
  puts("ready");
  fflush(stdout);
  for (int i = 0; i < count; i++) {
    siginfo_t info;
    struct timespec patience = {20, 0};
    if (sigtimedwait(&set, &info, &patience) < 0) return 1;
    printf("%s 0x%02x %d %d\n", info.si_code == SI_QUEUE ? "SI_QUEUE" : "?", info.si_int, info.si_pid,
           info.si_uid);
  }
  return 0;
}
