// Uses a CPU for so many milliseconds of its time: seven tenths in one function, two in another through
// the C library, one in the kernel. Waits for input first, if asked to.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static volatile unsigned long total;
static char buffer[1 << 18];
static int numbers[4096];

static double cpu_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

__attribute__((noinline)) void hot(double until) {
  while (cpu_ms() < until) {
    for (int i = 0; i < 2000000; i++) total += i;
  }
}

static int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

__attribute__((noinline)) void sorting(double until) {
  while (cpu_ms() < until) {
    for (int i = 0; i < 4096; i++) numbers[i] = (i * 7919) % 4099;
    qsort(numbers, 4096, sizeof(int), compare);
  }
}

__attribute__((noinline)) void reading(double until) {
  int zero = open("/dev/zero", O_RDONLY);
  while (cpu_ms() < until) {
    for (int i = 0; i < 20; i++) total += read(zero, buffer, sizeof buffer);
  }
  close(zero);
}

__attribute__((noinline)) void mixed(double end) {
  for (double now = cpu_ms(); now < end; now += 100) {
    hot(now + 70);
    sorting(now + 90);
    reading(now + 100);
  }
}

int main(int argc, char **argv) {
  double ms = argc > 1 ? atof(argv[1]) : 1000;
  if (argc > 2) getchar();
  if (argc > 3) hot(cpu_ms() + ms);
  else mixed(cpu_ms() + ms);
  return total == 1;
}
