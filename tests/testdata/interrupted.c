// Calls that a signal interrupts, with and without a handler; then another thread executes a program.

#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static void handler(int signal) { (void)signal; }

static void after(int milliseconds) {
  struct itimerval timer = {{0, 0}, {0, milliseconds * 1000}};
  setitimer(ITIMER_REAL, &timer, NULL);
}

static void *execute(void *path) {
  char *args[] = {path, NULL};
  execv(path, args);
  return NULL;
}

int main(void) {
  struct sigaction action = {.sa_handler = handler};
  struct timespec second = {1, 0};
  char byte;
  int ends[2];
  if (pipe(ends) != 0) return 1;
  sigaction(SIGALRM, &action, NULL);
  after(20);
  pause(); // ERESTARTNOHAND, EINTR
  after(20);
  nanosleep(&second, NULL); // ERESTART_RESTARTBLOCK, EINTR
  after(20);
  if (read(ends[0], &byte, 1) == 1) return 1; // ERESTARTSYS, EINTR
  pthread_t thread;
  pthread_create(&thread, NULL, execute, "/bin/true");
  pthread_join(thread, NULL);
  return 1;
}
