/* Makes a system call under each of its names: short ones that come after longer ones. */
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
	static const char *const names[] = {
		"first-long-name", "b", "second-long-nam", "b", "exactly8", "b", "abcdefghijklmno", "exactly8", "",
	};

	for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
		prctl(PR_SET_NAME, names[i]);
		syscall(SYS_getppid);
	}
	return 0;
}
