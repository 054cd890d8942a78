// Computes for a second of CPU time, in a function that is nowhere else.
#include <time.h>

static volatile unsigned long total;

__attribute__((noinline)) void hot(void) {
  for (int i = 0; i < 1000000; i++) total += i;
}

int main(void) {
  while (clock() < CLOCKS_PER_SEC) hot();
  return 0;
}
