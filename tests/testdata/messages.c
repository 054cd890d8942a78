// Data in many pieces: vectors of 1,024 elements, messages with names, several messages by one call; and a
// socket whose abstract name has NULs.

#define _GNU_SOURCE
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#define PIECES 1024
#define MESSAGES 20

static char out[PIECES][4], in[PIECES][4];
static struct iovec parts[PIECES];

static void prepare(char (*bytes)[4]) {
  for (int i = 0; i < PIECES; i++) parts[i] = (struct iovec){bytes[i], i % 7 == 6 ? 0 : 3};
}

int main(void) {
  int pipes[2];
  for (int i = 0; i < PIECES; i++) sprintf(out[i], "%03x", i);
  if (pipe(pipes) != 0) return 1;
  prepare(out);
  if (writev(pipes[1], parts, PIECES) <= 0) return 2;
  prepare(in);
  if (readv(pipes[0], parts, PIECES) <= 0) return 3;

  struct sockaddr_un name = {.sun_family = AF_UNIX};
  memcpy(name.sun_path, "\0a\0b", 4);
  socklen_t length = offsetof(struct sockaddr_un, sun_path) + 4;
  int to = socket(AF_UNIX, SOCK_DGRAM, 0), from = socket(AF_UNIX, SOCK_DGRAM, 0);
  if (bind(to, (struct sockaddr *)&name, length) != 0) return 4;
  struct sockaddr_un own = {.sun_family = AF_UNIX};
  memcpy(own.sun_path, "\0from", 5);
  if (bind(from, (struct sockaddr *)&own, offsetof(struct sockaddr_un, sun_path) + 5) != 0) return 5;

  prepare(out);
  struct msghdr one = {.msg_name = &name, .msg_namelen = length, .msg_iov = parts, .msg_iovlen = PIECES};
  if (sendmsg(from, &one, 0) <= 0) return 6;
  prepare(in);
  struct sockaddr_un peer;
  struct msghdr got = {.msg_name = &peer, .msg_namelen = sizeof peer, .msg_iov = parts, .msg_iovlen = PIECES};
  if (recvmsg(to, &got, 0) <= 0) return 7;

  struct mmsghdr many[MESSAGES];
  struct iovec pieces[MESSAGES][2];
  char texts[MESSAGES][8];
  for (int i = 0; i < MESSAGES; i++) {
    sprintf(texts[i], "<m%02d>", i);
    pieces[i][0] = (struct iovec){texts[i], 2};
    pieces[i][1] = (struct iovec){texts[i] + 2, 3};
    many[i].msg_hdr = (struct msghdr){.msg_name = &name, .msg_namelen = length, .msg_iov = pieces[i], .msg_iovlen = 2};
  }
  // A socket takes a few datagrams at a time.
  for (int i = 0; i < MESSAGES; i += 5) {
    if (sendmmsg(from, many + i, 5, 0) != 5) return 8;
    struct mmsghdr back[5];
    char buffers[5][16];
    struct iovec places[5];
    struct sockaddr_un peers[5];
    for (int j = 0; j < 5; j++) {
      places[j] = (struct iovec){buffers[j], sizeof buffers[j]};
      back[j].msg_hdr = (struct msghdr){.msg_name = &peers[j], .msg_namelen = sizeof peers[j], .msg_iov = &places[j], .msg_iovlen = 1};
    }
    if (recvmmsg(to, back, 5, 0, NULL) != 5) return 9;
  }
  return 0;
}
