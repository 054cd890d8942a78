/*
 * burst CALLS [CHILDREN]: CHILDREN processes, one after the other, and then this one make CALLS getppid system
 * calls each; this one prints the time, in seconds since 1970, and ends with status 7.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void burst(long calls)
{
	while (calls-- > 0)
		syscall(SYS_getppid);
}

int main(int argc, char **argv)
{
	long calls = argc > 1 ? atol(argv[1]) : 1;
	long children = argc > 2 ? atol(argv[2]) : 0;
	struct timespec now;

	while (children-- > 0) {
		pid_t pid = fork();

		if (pid == 0) {
			burst(calls);
			_exit(0);
		}
		waitpid(pid, 0, 0);
	}
	burst(calls);
	clock_gettime(CLOCK_REALTIME, &now);
	dprintf(1, "%lld.%09ld\n", (long long)now.tv_sec, now.tv_nsec);
	_exit(7);
}
