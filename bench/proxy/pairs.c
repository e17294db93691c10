/*
 * Load in short bursts for the bench: `pairs PID ROUNDS BURST HOST TARGET PORT...`. In each round every port of 127.0.0.1 gets so many requests, one port right
 * after the other, in another order every time. Prints a line a round: of each port, nanoseconds of processor time of the process, and on the clock.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS = 64, PORTS = 8, THREADS = 64, READ_SIZE = 16384 };

struct connection {
  int fd;
  size_t have;
  char bytes[READ_SIZE];
};

static struct connection connections[PORTS][CONNECTIONS];
static int epolls[PORTS], threads[THREADS], thread_count;
static char request[1024];
static size_t request_length;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static long long clock_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void find_threads(const char *pid) {
  char path[512];
  snprintf(path, sizeof path, "/proc/%s/task", pid);
  DIR *folder = opendir(path);
  if (!folder) fail(path);
  for (struct dirent *entry; (entry = readdir(folder)) && thread_count < THREADS;) {
    if (entry->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "/proc/%s/task/%s/schedstat", pid, entry->d_name);
    int fd = open(path, O_RDONLY);
    if (fd >= 0) threads[thread_count++] = fd;
  }
  closedir(folder);
}

/* Nanoseconds that all threads of the process have run. */
static long long used(void) {
  long long sum = 0;
  for (int at = 0; at < thread_count; at++) {
    char text[128] = {0};
    if (pread(threads[at], text, sizeof text - 1, 0) > 0) sum += atoll(text);
  }
  return sum;
}

static void connect_all(int index, int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  epolls[index] = epoll_create1(0);
  for (int at = 0; at < CONNECTIONS; at++) {
    struct connection *one = &connections[index][at];
    int on = 1;
    one->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(one->fd, (struct sockaddr *)&address, sizeof address) < 0) fail("connect");
    setsockopt(one->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = one};
    if (epoll_ctl(epolls[index], EPOLL_CTL_ADD, one->fd, &event) < 0) fail("epoll_ctl");
  }
}

static void ask(struct connection *one) {
  if (send(one->fd, request, request_length, MSG_NOSIGNAL) != (ssize_t)request_length) fail("send");
}

/* Whether a whole response is there, which is then dropped; there is at most one under way. */
static int answered(struct connection *one) {
  ssize_t got = recv(one->fd, one->bytes + one->have, READ_SIZE - 1 - one->have, 0);
  if (got <= 0) fail("recv");
  one->have += got;
  one->bytes[one->have] = 0;
  char *end = strstr(one->bytes, "\r\n\r\n");
  if (!end) return 0;
  char *length = strcasestr(one->bytes, "\r\ncontent-length: ");
  if (strncmp(one->bytes, "HTTP/1.1 200", 12) != 0 || !length || length > end) {
    fprintf(stderr, "%s\n", one->bytes);
    exit(1);
  }
  if (one->have < (size_t)(end + 4 - one->bytes) + atoi(length + 18)) return 0;
  one->have = 0;
  return 1;
}

static void burst(int index, int count) {
  struct epoll_event events[CONNECTIONS];
  int asked = 0, done = 0;
  while (asked < count && asked < CONNECTIONS) ask(&connections[index][asked++]);
  while (done < count) {
    int ready = epoll_wait(epolls[index], events, CONNECTIONS, 10000);
    if (ready <= 0) fail("no answer");
    for (int at = 0; at < ready; at++) {
      if (!answered(events[at].data.ptr)) continue;
      done++;
      if (asked == count) continue;
      ask(events[at].data.ptr);
      asked++;
    }
  }
}

int main(int count, char **words) {
  int ports = count - 6;
  if (ports < 1 || ports > PORTS) return fprintf(stderr, "usage: pairs PID ROUNDS BURST HOST TARGET PORT...\n"), 2;
  int rounds = atoi(words[2]), each = atoi(words[3]);
  request_length = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", words[5], words[4]);
  for (int at = 0; at < ports; at++) connect_all(at, atoi(words[6 + at]));
  for (int at = 0; at < ports; at++) burst(at, each);
  find_threads(words[1]);
  for (int round = 0; round < rounds; round++) {
    long long processor[PORTS], elapsed[PORTS];
    for (int step = 0; step < ports; step++) {
      int index = (round + (round % 2 ? ports - step : step)) % ports;
      long long before = used(), started = clock_now();
      burst(index, each);
      elapsed[index] = clock_now() - started;
      usleep(300);
      processor[index] = used() - before;
    }
    for (int at = 0; at < ports; at++) printf("%lld %lld%c", processor[at], elapsed[at], at == ports - 1 ? '\n' : ' ');
  }
}
