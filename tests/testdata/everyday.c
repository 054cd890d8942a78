// Does one thing that a tracer of everyday tools looks for: everyday ACTION [NAME].
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void *worker(void *name)
{
	pthread_mutex_lock(&lock);
	usleep(20000);
	pthread_mutex_unlock(&lock);
	return name;
}

static void threads(void)
{
	pthread_t all[3];

	for (int i = 0; i < 3; i++)
		pthread_create(&all[i], NULL, worker, NULL);
	for (int i = 0; i < 3; i++)
		pthread_join(all[i], NULL);
}

__attribute__((noinline)) void *kept(size_t bytes)
{
	return malloc(bytes);
}

static void leak(void)
{
	for (int i = 0; i < 100; i++)
		free(malloc(50));
	for (int i = 0; i < 10; i++)
		memset(kept(1234), 0, 1234);
}

static void bound(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(47114)};
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	bind(fd, (void *)&address, sizeof address);
	listen(fd, 77);
	close(fd);
}

static void shared_memory(void)
{
	int id = shmget(IPC_PRIVATE, 4096, 0600);
	void *at = shmat(id, NULL, 0);

	shmctl(id, IPC_RMID, NULL);
	shmdt(at);
}

static void host(void)
{
	struct addrinfo *found;

	if (getaddrinfo("localhost", "80", NULL, &found) == 0)
		freeaddrinfo(found);
}

static void files(void)
{
	int fd = open("everyday-file", O_WRONLY | O_CREAT, 0600);

	close(fd);
	usleep(30000);
	unlink("everyday-file");
}

static void slow_read(void)
{
	int pipes[2];
	char byte;

	pipe(pipes);
	if (fork() == 0) {
		usleep(50000);
		_exit(write(pipes[1], "x", 1) != 1);
	}
	read(pipes[0], &byte, 1);
}

static void user(void)
{
	setuid(getuid() == 0 ? 65534 : 0);
	open("/etc/shadow", O_RDONLY);
}

static void random_bytes(void)
{
	char bytes[33];

	getrandom(bytes, sizeof bytes, 0);
}

/* Seeks that do nothing, in a process that calls itself so. */
static void seek(const char *name)
{
	static const long offsets[] = {0, 1, 5, 64, 64, 99, 1000, 1L << 40};

	prctl(PR_SET_NAME, name);
	for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++)
		syscall(SYS_lseek, 1, offsets[i], 77);
}

int main(int argc, char **argv)
{
	static const struct { const char *name; void (*action)(void); } actions[] = {
		{"threads", threads}, {"leak", leak}, {"bound", bound}, {"shared-memory", shared_memory},
		{"host", host}, {"files", files}, {"slow-read", slow_read}, {"user", user},
		{"random", random_bytes},
	};

	if (argc > 2 && strcmp(argv[1], "seek") == 0) {
		seek(argv[2]);
		return 0;
	}
	for (size_t i = 0; argc > 1 && i < sizeof actions / sizeof *actions; i++)
		if (strcmp(argv[1], actions[i].name) == 0) {
			actions[i].action();
			return 0;
		}
	return 1;
}
