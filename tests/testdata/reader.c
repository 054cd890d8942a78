// Reads a file a thousand times a second, as long as it is let.
#include <fcntl.h>
#include <unistd.h>

int main(void) {
  char buffer[64];
  for (;;) {
    int fd = open("/proc/uptime", O_RDONLY);
    if (read(fd, buffer, sizeof buffer) < 0) return 1;
    close(fd);
    usleep(1000);
  }
}
