// Static probes: by sys/sdt.h, with and without a semaphore, at several places, and with operands of the
// forms that compilers use.
#define SDT_USE_VARIADIC
#include <stdio.h>
#include <stdlib.h>
#include <sys/sdt.h>

unsigned short demo_guarded_semaphore __attribute__((section(".probes")));
static volatile int counter = -77;
int own_data = 1234567;

// A probe with a note written by hand: its arguments are those of `args`.
#define HAND(name, args)                                                                     \
  __asm__ volatile("990: nop\n"                                                              \
                   ".pushsection .note.stapsdt,\"\",\"note\"\n"                              \
                   ".balign 4\n.4byte 992f-991f, 994f-993f, 3\n"                             \
                   "991: .asciz \"stapsdt\"\n992: .balign 4\n"                               \
                   "993: .8byte 990b\n.8byte _.stapsdt.base\n.8byte 0\n"                     \
                   ".asciz \"hand\"\n.asciz \"" name "\"\n.asciz \"" args "\"\n"             \
                   "994: .balign 4\n.popsection\n" ::: "memory")

__attribute__((noinline)) static void forms(long a, int b) {
  long table[4] = {11, 22, 33, 44};
  __asm__ volatile("" ::"r"(table) : "memory");
  register long *base __asm__("rbx") = table;
  register long index __asm__("r12") = 2;
  register long wide __asm__("r13") = 0x1122334455667788;
  __asm__ volatile("" : "+r"(base), "+r"(index), "+r"(wide));
  HAND("forms", "8@(%%rbx) 8@8(%%rbx) 8@(%%rbx,%%r12,8) 8@8(%%rbx,%%r12,8) -4@$-5 8@$0x10");
  __asm__ volatile("" : "+r"(base), "+r"(index), "+r"(wide));
  HAND("registers", "8@%%r13 4@%%r13d 2@%%r13w 1@%%r13b -1@%%r13b -4@own_data(%%rip)");
  __asm__ volatile("" ::"r"(base), "r"(index), "r"(wide), "r"(a), "r"(b));
}

int main(int argc, char **argv) {
  int rounds = argc > 1 ? atoi(argv[1]) : 1;
  if (argc > 2) getchar();
  int guarded = 0;
  for (int i = 0; i < rounds; i++) {
    STAP_PROBE3(demo, start, i, (long)-1 - i, "hello");
    if (i % 2) STAP_PROBE1(demo, twice, (unsigned char)200);
    else STAP_PROBE1(demo, twice, counter);
    if (demo_guarded_semaphore) {
      guarded++;
      __asm__ volatile("990: nop\n.pushsection .note.stapsdt,\"\",\"note\"\n.balign 4\n"
                       ".4byte 992f-991f, 994f-993f, 3\n991: .asciz \"stapsdt\"\n992: .balign 4\n"
                       "993: .8byte 990b\n.8byte _.stapsdt.base\n.8byte demo_guarded_semaphore\n"
                       ".asciz \"demo\"\n.asciz \"guarded\"\n.asciz \"-4@%0\"\n"
                       "994: .balign 4\n.popsection\n" ::"r"(guarded));
    }
  }
  // A probe whose places disagree: how many arguments, how wide, with or without sign.
  register long first __asm__("r13") = -5;
  __asm__ volatile("" : "+r"(first));
  HAND("mixed", "8@%%r13 8@%%r13");
  HAND("mixed", "-4@%%r13d");
  __asm__ volatile("" ::"r"(first));
  forms(7, 8);
  fprintf(stderr, "%d\n", guarded);
  return 0;
}
