// Functions whose parameters have types of every kind that C has, called with known values.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef unsigned int u32_t;
enum color { RED, GREEN = 5, BLUE = -3 };
struct inner {
  int x;
  int y;
};
union value {
  int i;
  float f;
  char bytes[8];
};
typedef struct {
  long l;
  int z;
} anon_t;
struct bits {
  unsigned a : 3;
  unsigned b : 5;
  signed c : 7;
  unsigned long d : 40;
};
struct outer {
  int id;
  struct inner in;
  struct inner *pin;
  char name[16];
  int arr[4];
  struct inner ins[2];
  int m[2][3];
  enum color col;
  struct bits bf;
  union value un;
  union {
    int p;
    char q;
  };
  anon_t an;
  const char *path;
  int (*callback)(int);
  _Bool ok;
  double dbl;
  unsigned char uc;
  struct outer *next;
};
struct small {
  int a;
  int b;
};
struct pair {
  long first;
  int second;
};
struct mixed {
  double d;
  long n;
};
struct big {
  long v[4];
};
typedef struct outer outer_t;

#define NOINLINE __attribute__((noinline, noclone))

volatile long sink;

NOINLINE int f_ptr(struct outer *p, int n) { return sink = p->id + n; }
NOINLINE int f_typedef(outer_t *p, u32_t n, short s, unsigned long ul, unsigned char c) {
  return sink = p->id + n + s + ul + c;
}
NOINLINE int f_enum(enum color e, _Bool b, const char *text) { return sink = e + b + text[0]; }
NOINLINE int f_small(struct small s, int n) { return sink = s.a + s.b + n; }
NOINLINE int f_pair(struct pair p, int n) { return sink = p.first + p.second + n; }
NOINLINE int f_mixed(struct mixed m, int n) { return sink = m.n + n; }
NOINLINE int f_big(struct big b, int n) { return sink = b.v[0] + b.v[3] + n; }
NOINLINE int f_many(int a, int b, int c, int d, int e, int f, int g, long h) {
  return sink = a + b + c + d + e + f + g + h;
}
NOINLINE int f_wide(__int128 x, int n) { return sink = (long)x + n; }
NOINLINE int f_double(double d, int n) { return sink = (long)d + n; }
NOINLINE int f_void(const void *p, const char *const *argv) { return sink = (p != 0) + argv[0][0]; }
NOINLINE struct small *f_result(int n) {
  static struct small s;
  s.a = n;
  s.b = -n;
  return &s;
}
NOINLINE struct inner f_struct_result(int n) {
  struct inner in = {n, n + 1};
  sink = n;
  return in;
}
NOINLINE signed char f_char_result(int n) { return sink = n; }
NOINLINE int f_variadic(const char *format, ...) { return sink = format[0]; }
static inline __attribute__((always_inline)) int inlined(int n) {
  sink = n;
  return sink + 1; // LINE inlined
}
NOINLINE int f_line(int n) {
  int twice = 2 * n;
  sink = twice; // LINE body
  return inlined(twice) + inlined(n);
}

int main(int argc, char **argv) {
  static struct inner pin = {7, 8};
  static struct outer o = {
      .id = 42,
      .in = {1, 2},
      .pin = &pin,
      .name = "hello",
      .arr = {10, 20, 30, 40},
      .ins = {{3, 4}, {5, 6}},
      .m = {{1, 2, 3}, {4, 5, 6}},
      .col = GREEN,
      .bf = {5, 17, -3, 123456789012},
      .un = {.i = 99},
      .p = 77,
      .an = {11, 12},
      .path = "/etc/path",
      .ok = 1,
      .dbl = 1.5,
      .uc = 200,
  };
  const char *const list[] = {"first", "second", 0};
  int rounds = argc > 1 ? atoi(argv[1]) : 1;
  o.next = &o;
  for (int i = 0; i < rounds; i++) {
    f_ptr(&o, -7);
    f_typedef(&o, 9, -2, 1UL << 40, 250);
    f_enum(BLUE, 1, "text");
    f_small((struct small){21, -22}, 5);
    f_pair((struct pair){1L << 33, -4}, 6);
    f_mixed((struct mixed){2.5, 1234567890123}, 7);
    f_big((struct big){{1, 2, 3, 4}}, 8);
    f_many(1, 2, 3, 4, 5, 6, -70, 1L << 35);
    f_wide(5, 9);
    f_double(2.5, 10);
    f_void(&o, list);
    f_result(13);
    f_struct_result(14);
    f_char_result(-15);
    f_variadic("%d", 1);
    f_line(16);
  }
  if (argc > 2) sleep(atoi(argv[2]));
  return 0;
}
