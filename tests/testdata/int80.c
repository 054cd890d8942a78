// Makes system calls by the ABI of 32-bit programs in a 64-bit program, and some by the usual one.

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static long call32(long number, long a, long b, long c) {
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory");
  return result;
}

int main(void) {
  // Pointers must fit into 32 bits.
  char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  strcpy(low, "/etc/hostname");
  long fd = call32(5, (long)low, O_RDONLY, 0); // open
  call32(6, fd, 0, 0);                         // close
  call32(64, 0, 0, 0);                         // getppid
  call32(6, -1, 0, 0);                         // close, EBADF
  getppid();
  syscall(-1);
  return fd < 0;
}
