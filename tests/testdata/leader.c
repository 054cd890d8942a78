// The first thread ends; another one opens a file again and again, for two seconds.
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

static void *work(void *argument) {
  for (int i = 0; i < 200; i++) {
    close(open("/etc/hostname", O_RDONLY));
    usleep(10000);
  }
  return argument;
}

int main(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, work, NULL);
  pthread_exit(NULL);
}
