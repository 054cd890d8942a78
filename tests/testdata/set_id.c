// Executes the program that is its argument, or says who it is.
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc > 1) return execv(argv[1], argv + 1);
  printf("euid %d\n", geteuid());
  fflush(stdout);
  return access("/in/the/program", F_OK) == 0;
}
