// Calls itself by a name that would harm a terminal, and makes system calls under that name.

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

__attribute__((noinline)) static void spin(void) {
  for (volatile int i = 0; i < 300000000; i++) {
  }
}

int main(int argc, char **argv) {
  prctl(PR_SET_NAME, argc > 1 ? argv[1] : "\t\x01\x1b[31m\xc2\x9b" "2J");
  for (int i = 0; i < 20; i++) getppid();
  char *const args[] = {"named", "\x1b]0;t\x07\xe2\x80\xae\n", NULL};
  if (argc > 2) execv("/bin/true", args);
  spin();
  return 0;
}
