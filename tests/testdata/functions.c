// Calls functions with known arguments and results, so often as it is told; waits first, if asked to.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

__attribute__((noinline)) int add(int a, long b, const char *text, unsigned char c, int d, int e) {
  return a + (int)b + text[0] + c + d + e;
}
__attribute__((noinline)) int twice(int x) { return 2 * x; }
__attribute__((noinline)) int thrice(int x) { return 3 * x; }
__attribute__((noinline)) static int deep(int n) { return n == 0 ? twice(21) : deep(n - 1) + 1; }

int main(int argc, char **argv) {
  int rounds = argc > 1 ? atoi(argv[1]) : 1;
  volatile int sum = 0;
  char text[] = "hello";
  if (argc > 2) getchar();
  for (int i = 0; i < rounds; i++) sum += add(-1, 1L << 40, text, 200, i, 6) + twice(i) + thrice(i);
  sum += deep(3);
  fprintf(stderr, "%d\n", sum);
  return 0;
}
