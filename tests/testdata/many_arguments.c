// Executes /bin/true with N arguments of M bytes, and empty ones at the start and at the end.

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
  int count = argc > 1 ? atoi(argv[1]) : 0;
  int size = argc > 2 ? atoi(argv[2]) : 0;
  char **args = calloc(count + 3, sizeof(char *));
  args[0] = "";
  for (int i = 1; i <= count; i++) {
    args[i] = malloc(size + 1);
    memset(args[i], 'a' + i % 26, size);
    args[i][size] = 0;
  }
  args[count + 1] = "";
  char *environment[] = {NULL};
  return execve("/bin/true", args, environment);
}
