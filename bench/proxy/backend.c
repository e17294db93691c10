/*
 * HTTP/1.1 backend for the bench: `backend HTTP_PORT HTTP_PORT SINK_PORT`, on 127.0.0.1 or on the address in BACKEND_ADDRESS.
 * A target ending in /16k or /1m gets that much body, any other one 200 bytes. What comes in on the sink port is read and dropped.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_SIZE = 65536, EVENTS = 512 };
enum kind { HTTP_LISTENER, SINK_LISTENER, HTTP, SINK };

struct endpoint {
  enum kind kind;
  int fd;
  int watches_output;
  size_t have;          /* bytes of requests not answered yet */
  const char *left;     /* rest of the response under way */
  size_t left_bytes;
  char bytes[];
};

struct response {
  char *bytes;
  size_t length;
};

static struct response small, sixteen, mebibyte;
static char dropped[READ_SIZE];
static int epoll;

static struct response respond(size_t body) {
  struct response made = {malloc(body + 256), 0};
  made.length = sprintf(made.bytes,
                        "HTTP/1.1 200 OK\r\nserver: bench\r\ncontent-type: text/plain\r\ncontent-length: %zu\r\n\r\n", body);
  memset(made.bytes + made.length, 'x', body);
  made.length += body;
  return made;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void watch(struct endpoint *one, int operation, int events) {
  struct epoll_event event = {.events = events, .data.ptr = one};
  if (epoll_ctl(epoll, operation, one->fd, &event) < 0) fail("epoll_ctl");
}

static struct endpoint *endpoint(enum kind kind, int fd) {
  struct endpoint *one = calloc(1, sizeof *one + (kind == HTTP ? READ_SIZE : 0));
  one->kind = kind;
  one->fd = fd;
  watch(one, EPOLL_CTL_ADD, EPOLLIN);
  return one;
}

static void listen_on(enum kind kind, const char *port) {
  const char *host = getenv("BACKEND_ADDRESS");
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(port))};
  int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  inet_pton(AF_INET, host ? host : "127.0.0.1", &address.sin_addr);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 4096) < 0) fail(port);
  endpoint(kind, fd);
}

static void take(struct endpoint *listener) {
  int on = 1;
  for (int fd; (fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    endpoint(listener->kind == HTTP_LISTENER ? HTTP : SINK, fd);
  }
}

static void drop(struct endpoint *one) {
  close(one->fd);
  free(one);
}

/* Sends as much as the socket takes; -1 when the connection is gone. */
static int push(struct endpoint *one) {
  while (one->left_bytes > 0) {
    ssize_t sent = send(one->fd, one->left, one->left_bytes, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return -1;
    if (sent < 0) break;
    one->left += sent;
    one->left_bytes -= sent;
  }
  int wanted = one->left_bytes > 0;
  if (wanted != one->watches_output) watch(one, EPOLL_CTL_MOD, wanted ? EPOLLIN | EPOLLOUT : EPOLLIN);
  one->watches_output = wanted;
  return 0;
}

static const struct response *chosen(const char *head, size_t length) {
  const char *target = memchr(head, ' ', length);
  const char *end = target ? memchr(target + 1, ' ', length - (target + 1 - head)) : NULL;
  if (end && end - target > 4 && memcmp(end - 4, "/16k", 4) == 0) return &sixteen;
  if (end && end - target > 3 && memcmp(end - 3, "/1m", 3) == 0) return &mebibyte;
  return &small;
}

static int answer(struct endpoint *one) {
  while (one->left_bytes == 0) {
    char *end = memmem(one->bytes, one->have, "\r\n\r\n", 4);
    if (!end) return one->have == READ_SIZE ? -1 : 0;
    size_t used = end + 4 - one->bytes;
    const struct response *response = chosen(one->bytes, used);
    memmove(one->bytes, one->bytes + used, one->have - used);
    one->have -= used;
    one->left = response->bytes;
    one->left_bytes = response->length;
    if (push(one) < 0) return -1;
  }
  return 0;
}

static int serve(struct endpoint *one, unsigned events) {
  if ((events & EPOLLOUT) && push(one) < 0) return -1;
  if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR))) return answer(one);
  ssize_t got = recv(one->fd, one->bytes + one->have, READ_SIZE - one->have, 0);
  if (got == 0 || (got < 0 && errno != EAGAIN)) return -1;
  if (got > 0) one->have += got;
  return answer(one);
}

int main(int count, char **words) {
  if (count != 4) return fprintf(stderr, "usage: backend HTTP_PORT HTTP_PORT SINK_PORT\n"), 2;
  epoll = epoll_create1(0);
  small = respond(200);
  sixteen = respond(16 << 10);
  mebibyte = respond(1 << 20);
  listen_on(HTTP_LISTENER, words[1]);
  listen_on(HTTP_LISTENER, words[2]);
  listen_on(SINK_LISTENER, words[3]);
  struct epoll_event events[EVENTS];
  for (;;) {
    int ready = epoll_wait(epoll, events, EVENTS, -1);
    for (int at = 0; at < ready; at++) {
      struct endpoint *one = events[at].data.ptr;
      switch (one->kind) {
        case HTTP_LISTENER:
        case SINK_LISTENER:
          take(one);
          break;
        case HTTP:
          if (serve(one, events[at].events) < 0) drop(one);
          break;
        case SINK:
          if (recv(one->fd, dropped, sizeof dropped, 0) <= 0) drop(one);
      }
    }
  }
}
