// Sends itself signals that it ignores, that do nothing, that it handles; and one that is ignored when
// it is no longer blocked. Prints the handler's address.

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static void handle(int number) {
  (void)number;
}

int main(void) {
  pid_t own = getpid();
  signal(SIGUSR1, SIG_IGN);
  kill(own, SIGUSR1);
  kill(own, SIGWINCH);
  kill(own, SIGCHLD);
  signal(SIGUSR2, handle);
  kill(own, SIGUSR2);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGURG);
  sigprocmask(SIG_BLOCK, &set, NULL);
  kill(own, SIGURG);
  sigprocmask(SIG_UNBLOCK, &set, NULL);
  printf("%p\n", (void *)handle);
  fflush(stdout);
  signal(SIGTERM, SIG_DFL);
  kill(own, SIGTERM);
}
