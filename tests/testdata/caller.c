/* Makes exactly N getppid system calls and prints the nanoseconds of one; with a second argument, of CPU time. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	long count = argc > 1 ? atol(argv[1]) : 1;
	clockid_t clock = argc > 2 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC;
	struct timespec from, to;

	clock_gettime(clock, &from);
	for (long i = 0; i < count; i++)
		syscall(SYS_getppid);
	clock_gettime(clock, &to);
	printf("%.1f\n", ((to.tv_sec - from.tv_sec) * 1e9 + (to.tv_nsec - from.tv_nsec)) / count);
	return 0;
}
