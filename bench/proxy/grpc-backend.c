/*
 * gRPC backend for the bench: `grpc-backend PORT:DELAY_MS...`, on 127.0.0.1. Each unary call is answered with 100 bytes and status OK so many
 * milliseconds after its end. It reads nothing of heads, and keeps to no window: messages are small and windows are large.
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
#include <time.h>
#include <unistd.h>

enum { READ_SIZE = 65536, EVENTS = 512, MESSAGE = 100, PREFACE = 24, FRAME_HEAD = 9 };
enum { DATA = 0, HEADERS = 1, SETTINGS = 4, PING = 6, END_STREAM = 1, ACK = 1 };

struct port {
  int fd;
  long delay; /* nanoseconds */
  struct call *first, *last;
};

/* Kept for good, since calls that wait may still know it. */
struct connection {
  struct port *port;
  int fd; /* -1: it is gone */
  int watches_output;
  size_t have, skip;
  size_t out_from, out_to, out_room;
  char *out;
  unsigned char bytes[READ_SIZE];
};

struct call {
  struct connection *connection;
  unsigned stream;
  long due;
  struct call *next;
};


static int epoll;
static unsigned char answer[256];
static size_t answer_bytes, heads_at[3];

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000L + time.tv_nsec;
}

static void frame(int at, int type, int flags, const void *payload, size_t length) {
  unsigned char head[FRAME_HEAD] = {length >> 16, length >> 8, length, type, flags};
  heads_at[at] = answer_bytes;
  memcpy(answer + answer_bytes, head, FRAME_HEAD);
  memcpy(answer + answer_bytes + FRAME_HEAD, payload, length);
  answer_bytes += FRAME_HEAD + length;
}

/* `:status: 200`, `content-type: application/grpc`; a message; `grpc-status: 0`. */
static void make_answer(void) {
  unsigned char message[5 + MESSAGE] = {0, 0, 0, 0, MESSAGE};
  memset(message + 5, 'x', MESSAGE);
  frame(0, HEADERS, 4, "\x88\x0f\x10\x10" "application/grpc", 20);
  frame(1, DATA, 0, message, sizeof message);
  frame(2, HEADERS, 5, "\x00\x0b" "grpc-status" "\x01" "0", 15);
}

static void watch(struct connection *one, int operation, int events) {
  struct epoll_event event = {.events = events, .data.ptr = one};
  if (epoll_ctl(epoll, operation, one->fd, &event) < 0) fail("epoll_ctl");
}

static void drop(struct connection *one) {
  if (one->fd >= 0) close(one->fd);
  one->fd = -1;
  free(one->out);
  one->out = NULL;
  one->out_from = one->out_to = one->out_room = 0;
}

static void put(struct connection *one, const void *bytes, size_t length) {
  if (one->fd < 0) return;
  if (one->out_to + length > one->out_room) {
    one->out_room = 2 * (one->out_to + length);
    one->out = realloc(one->out, one->out_room);
  }
  memcpy(one->out + one->out_to, bytes, length);
  one->out_to += length;
}

static void push(struct connection *one) {
  while (one->fd >= 0 && one->out_from < one->out_to) {
    ssize_t sent = send(one->fd, one->out + one->out_from, one->out_to - one->out_from, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) drop(one);
    if (sent < 0) break;
    one->out_from += sent;
  }
  if (one->fd < 0) return;
  int wanted = one->out_from < one->out_to;
  if (!wanted) one->out_from = one->out_to = 0;
  if (wanted != one->watches_output) watch(one, EPOLL_CTL_MOD, wanted ? EPOLLIN | EPOLLOUT : EPOLLIN);
  one->watches_output = wanted;
}

static void respond(struct connection *one, unsigned stream) {
  unsigned id = htonl(stream);
  for (int at = 0; at < 3; at++) memcpy(answer + heads_at[at] + 5, &id, 4);
  put(one, answer, answer_bytes);
}

static void end_of_call(struct connection *one, unsigned stream) {
  struct port *port = one->port;
  if (port->delay == 0) {
    respond(one, stream);
    return;
  }
  struct call *call = malloc(sizeof *call);
  *call = (struct call){one, stream, now() + port->delay, NULL};
  if (port->last) port->last->next = call;
  else port->first = call;
  port->last = call;
}

static void take_frame(struct connection *one, const unsigned char *head, size_t length) {
  int type = head[3], flags = head[4];
  unsigned stream;
  memcpy(&stream, head + 5, 4);
  if ((type == DATA || type == HEADERS) && (flags & END_STREAM)) end_of_call(one, ntohl(stream));
  if ((type != SETTINGS && type != PING) || (flags & ACK)) return;
  unsigned char reply[FRAME_HEAD + 8] = {0, 0, type == PING ? 8 : 0, type, ACK};
  if (type == PING) memcpy(reply + FRAME_HEAD, head + FRAME_HEAD, length < 8 ? length : 8);
  put(one, reply, type == PING ? FRAME_HEAD + 8 : FRAME_HEAD);
}

static void serve(struct connection *one) {
  ssize_t got = recv(one->fd, one->bytes + one->have, READ_SIZE - one->have, 0);
  if (got == 0 || (got < 0 && errno != EAGAIN)) {
    drop(one);
    return;
  }
  if (got > 0) one->have += got;
  size_t at = one->have < one->skip ? one->have : one->skip;
  one->skip -= at;
  while (one->have - at >= FRAME_HEAD) {
    const unsigned char *head = one->bytes + at;
    size_t length = head[0] << 16 | head[1] << 8 | head[2];
    if (one->have - at < FRAME_HEAD + length) break;
    take_frame(one, head, length);
    at += FRAME_HEAD + length;
  }
  memmove(one->bytes, one->bytes + at, one->have - at);
  one->have -= at;
  push(one);
}

static void accept_all(struct port *port) {
  /* SETTINGS, and room for all that may come over the connection. */
  static const char greeting[] = "\0\0\0\4\0\0\0\0\0" "\0\0\4\x08\0\0\0\0\0\x7f\xff\0\0";
  int on = 1;
  for (int fd; (fd = accept4(port->fd, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct connection *one = calloc(1, sizeof *one);
    one->port = port;
    one->fd = fd;
    one->skip = PREFACE;
    watch(one, EPOLL_CTL_ADD, EPOLLIN);
    put(one, greeting, sizeof greeting - 1);
    push(one);
  }
}

/* Answers what is due; nanoseconds until the next one is, -1 where none waits. */
static long answer_due(struct port *port) {
  long time = now();
  struct connection *last = NULL;
  while (port->first && port->first->due <= time) {
    struct call *call = port->first;
    if (last && last != call->connection) push(last);
    last = call->connection;
    respond(last, call->stream);
    port->first = call->next;
    if (!port->first) port->last = NULL;
    free(call);
  }
  if (last) push(last);
  return port->first ? port->first->due - time : -1;
}

static void listen_on(struct port *port, const char *word) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(word))};
  int on = 1;
  const char *colon = strchr(word, ':');
  port->delay = colon ? atol(colon + 1) * 1000000 : 0;
  port->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  setsockopt(port->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(port->fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(port->fd, 4096) < 0) fail(word);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = port};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, port->fd, &event) < 0) fail("epoll_ctl");
}

int main(int count, char **words) {
  if (count < 2) return fprintf(stderr, "usage: grpc-backend PORT:DELAY_MS...\n"), 2;
  int ports = count - 1;
  struct port *list = calloc(ports, sizeof *list);
  epoll = epoll_create1(0);
  make_answer();
  for (int at = 0; at < ports; at++) listen_on(&list[at], words[at + 1]);
  struct epoll_event events[EVENTS];
  for (;;) {
    long wait = -1;
    for (int at = 0; at < ports; at++) {
      long next = answer_due(&list[at]);
      if (next >= 0 && (wait < 0 || next < wait)) wait = next;
    }
    struct timespec timeout = {wait / 1000000000L, wait % 1000000000L};
    int ready = epoll_pwait2(epoll, events, EVENTS, wait < 0 ? NULL : &timeout, NULL);
    for (int at = 0; at < ready; at++) {
      void *user = events[at].data.ptr;
      struct connection *one = user;
      if ((struct port *)user >= list && (struct port *)user < list + ports) accept_all(user);
      else if (events[at].events & EPOLLOUT) push(one);
      else serve(one);
    }
  }
}
