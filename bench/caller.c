/*
 * Repeats one thing and prints the nanoseconds of one repetition.
 *
 *     caller getppid|access|function COUNT
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

__attribute__((noinline)) long traced_function(long value)
{
	__asm__ volatile("" : "+r"(value));
	return value;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "getppid";
	long count = argc > 2 ? atol(argv[2]) : 1;
	struct timespec from, to;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	if (strcmp(what, "access") == 0) {
		for (long i = 0; i < count; i++)
			syscall(SYS_access, "/no/such/file", F_OK);
	} else if (strcmp(what, "function") == 0) {
		for (long i = 0; i < count; i++)
			traced_function(i);
	} else {
		for (long i = 0; i < count; i++)
			syscall(SYS_getppid);
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	printf("%.2f\n", ((to.tv_sec - from.tv_sec) * 1e9 + (to.tv_nsec - from.tv_nsec)) / count);
	return 0;
}
