// The floor of kdump: reads a trace of FreeBSD's format as kdump does, in pieces of 256 KiB, and does nothing
// but walk from header to header.

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PIECE (1 << 18)

static char buffer[PIECE + (1 << 25)];

int main(int argc, char **argv) {
  int fd = argc > 1 ? open(argv[1], O_RDONLY) : 0;
  size_t left = 0;
  long records[32] = {0};
  for (;;) {
    ssize_t count = read(fd, buffer + left, PIECE);
    if (count <= 0) break;
    size_t end = left + count, at = 0;
    while (end - at >= 64) {
      int32_t length;
      uint16_t type;
      memcpy(&length, buffer + at, 4);
      memcpy(&type, buffer + at + 4, 2);
      if (length < 0 || length > 1 << 24) return 1;
      if (end - at - 64 < (size_t)length) break;
      records[type & 31]++;
      at += 64 + length;
    }
    left = end - at;
    memmove(buffer, buffer + at, left);
  }
  long all = 0;
  for (int i = 0; i < 32; i++) all += records[i];
  printf("%ld records\n", all);
  return left != 0;
}
