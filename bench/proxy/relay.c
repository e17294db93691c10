/*
 * The least a proxy can do: `relay LISTEN_PORT BACKEND_PORT` joins each accepted connection to one of its own, byte for byte.
 * Addresses are 127.0.0.1, or those in RELAY_ADDRESS and BACKEND_ADDRESS.
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

struct side {
  int fd;
  int gone;
  struct side *other;
  struct side *next_dead;
  char *left; /* what this side did not take yet */
  size_t left_at, left_bytes;
};

static char bytes[READ_SIZE];
static int epoll;
static struct side *dead;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static struct sockaddr_in address(const char *variable, const char *port) {
  const char *host = getenv(variable);
  struct sockaddr_in made = {.sin_family = AF_INET, .sin_port = htons(atoi(port))};
  inet_pton(AF_INET, host ? host : "127.0.0.1", &made.sin_addr);
  return made;
}

static void watch(struct side *side, int operation, int events) {
  struct epoll_event event = {.events = events, .data.ptr = side};
  if (epoll_ctl(epoll, operation, side->fd, &event) < 0) fail("epoll_ctl");
}

/* Both sides go; their memory stays until the events at hand are through. */
static void end(struct side *side) {
  for (int at = 0; at < 2; at++, side = side->other) {
    if (side->gone) continue;
    side->gone = 1;
    close(side->fd);
    side->next_dead = dead;
    dead = side;
  }
}

static void sweep(void) {
  while (dead) {
    struct side *side = dead;
    dead = side->next_dead;
    free(side->left);
    free(side);
  }
}

static void join(int accepted, const struct sockaddr_in *backend) {
  int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(fd, (const struct sockaddr *)backend, sizeof *backend) < 0) {
    close(fd);
    close(accepted);
    return;
  }
  struct side *down = calloc(1, sizeof *down), *up = calloc(1, sizeof *up);
  *down = (struct side){.fd = accepted, .other = up};
  *up = (struct side){.fd = fd, .other = down};
  for (struct side *side = down;; side = up) {
    setsockopt(side->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    watch(side, EPOLL_CTL_ADD, EPOLLIN);
    if (side == up) break;
  }
}

static void flush(struct side *side) {
  ssize_t sent = send(side->fd, side->left + side->left_at, side->left_bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0) {
    if (errno != EAGAIN) end(side);
    return;
  }
  side->left_at += sent;
  side->left_bytes -= sent;
  if (side->left_bytes > 0) return;
  free(side->left);
  side->left = NULL;
  watch(side, EPOLL_CTL_MOD, EPOLLIN);
  watch(side->other, EPOLL_CTL_MOD, EPOLLIN);
}

static void pass(struct side *side) {
  ssize_t got = recv(side->fd, bytes, sizeof bytes, MSG_DONTWAIT);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) {
    end(side);
    return;
  }
  struct side *to = side->other;
  ssize_t sent = send(to->fd, bytes, got, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0 && errno != EAGAIN) {
    end(side);
    return;
  }
  if (sent < 0) sent = 0;
  if (sent == got) return;
  to->left = malloc(got - sent);
  memcpy(to->left, bytes + sent, got - sent);
  to->left_at = 0;
  to->left_bytes = got - sent;
  watch(to, EPOLL_CTL_MOD, EPOLLOUT);
  watch(side, EPOLL_CTL_MOD, 0);
}

int main(int count, char **words) {
  if (count != 3) return fprintf(stderr, "usage: relay LISTEN_PORT BACKEND_PORT\n"), 2;
  struct sockaddr_in own = address("RELAY_ADDRESS", words[1]), backend = address("BACKEND_ADDRESS", words[2]);
  int on = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (struct sockaddr *)&own, sizeof own) < 0 || listen(listener, 4096) < 0) fail(words[1]);
  epoll = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, events[EVENTS];
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) < 0) fail("epoll_ctl");
  for (;;) {
    int ready = epoll_wait(epoll, events, EVENTS, -1);
    for (int at = 0; at < ready; at++) {
      struct side *side = events[at].data.ptr;
      if (!side) {
        for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) join(fd, &backend);
      } else if (side->gone) {
        continue;
      } else if (side->left_bytes > 0) {
        flush(side);
      } else {
        pass(side);
      }
    }
    sweep();
  }
}
