// Generates code and writes a map of it as runtimes do: a function's second tier after its first, then
// other code in memory that was used before. Tells where it is and waits.
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void) {
  char path[64];
  char *code = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  snprintf(path, sizeof path, "/tmp/perf-%d.map", getpid());
  FILE *map = fopen(path, "w");
  fprintf(map, "%lx 100 LazyCompile:~add /app.js:1\n", (long)code);
  fprintf(map, "%lx 80 LazyCompile:*add /app.js:1\n", (long)code + 0x200);
  fprintf(map, "%lx 40 LazyCompile:~later function\n", (long)code + 0x80);
  fclose(map);
  printf("%lx\n", (long)code);
  fflush(stdout);
  getchar();
  return 0;
}
