// Tells where some of its functions are, and waits for the end of its input.
#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>

__attribute__((noinline)) static int hidden(int x) { return x * 3; }
__attribute__((noinline)) int shown(int x) { return hidden(x) + 1; }
int answer = 42;

int main(int argc, char **argv) {
  int (*library)(int) = 0;
  if (argc > 1) {
    void *handle = dlopen(argv[1], RTLD_NOW);
    library = handle ? (int (*)(int))dlsym(handle, "shown") : 0;
  }
  printf("%lx %lx %lx %lx\n", (long)hidden, (long)shown, (long)&answer, (long)library);
  fflush(stdout);
  return shown(getchar()) == 7;
}
