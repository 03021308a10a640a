/* Queries over TCP: pipelined on standing connections, or one for each connection. */
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

#define EVENTS 256
#define OUT_BYTES 65536
#define IN_BYTES (2 * (MESSAGE_MAX + 2))

struct asked {
  int64_t at;
  bool under_way;
  uint16_t length;
  uint8_t query[QUERY_MAX];
};

struct connection {
  int fd;
  unsigned number;
  /* Queries under way have the ids of their places here. */
  struct asked *asked;
  uint16_t *free;
  unsigned free_count;
  uint8_t *out, *in;
  size_t out_at, out_end, in_end;
  int64_t opened;
};

static const struct options *run;
static struct connection *connections;
static unsigned window;
static int poller;
static unsigned opened_count;

static void open_connection(struct connection *connection) {
  struct sockaddr_in source = source_address(run, opened_count++);
  int yes = 1;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (fd < 0) fail("socket");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
  if (bind(fd, (struct sockaddr *)&source, sizeof source) < 0) fail("bind");
  if (connect(fd, (const struct sockaddr *)&run->server, sizeof run->server) < 0 && errno != EINPROGRESS) fail("connect");
  connection->fd = fd;
  connection->opened = now_ns();
  connection->out_at = connection->out_end = connection->in_end = 0;
  connection->free_count = 0;
  for (unsigned id = 0; id < window; id++) {
    connection->asked[id].under_way = false;
    connection->free[connection->free_count++] = (uint16_t)id;
  }
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.u32 = connection->number};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0) fail("epoll_ctl");
}

static void reopen(struct connection *connection) {
  close(connection->fd);
  open_connection(connection);
}

/* The server has gone, or said nothing for long: what is under way is lost. */
static void give_up(struct connection *connection) {
  count_lost(window - connection->free_count);
  count_reconnect();
  reopen(connection);
}

static bool flush(struct connection *connection) {
  while (connection->out_at < connection->out_end) {
    ssize_t went = send(connection->fd, connection->out + connection->out_at, connection->out_end - connection->out_at, MSG_NOSIGNAL);
    if (went < 0) return errno == EAGAIN || errno == ENOTCONN;
    connection->out_at += (size_t)went;
  }
  connection->out_at = connection->out_end = 0;
  return true;
}

/* Writes queries for all free places, together. */
static bool ask(struct connection *connection, int64_t now) {
  if (connection->out_end > 0) return flush(connection);
  unsigned count = 0;
  while (connection->free_count > 0 && connection->out_end + 2 + QUERY_MAX <= OUT_BYTES) {
    uint16_t id = connection->free[--connection->free_count];
    struct asked *asked = &connection->asked[id];
    asked->length = (uint16_t)next_query(asked->query, id);
    asked->at = now;
    asked->under_way = true;
    uint8_t *out = connection->out + connection->out_end;
    out[0] = (uint8_t)(asked->length >> 8);
    out[1] = (uint8_t)asked->length;
    memcpy(out + 2, asked->query, asked->length);
    connection->out_end += 2u + asked->length;
    count++;
  }
  count_sent(count);
  return flush(connection);
}

/* Takes the answers that have come. Returns how many, or -1 when the connection is no good any more. */
static int take(struct connection *connection) {
  int count = 0;
  for (;;) {
    ssize_t got = recv(connection->fd, connection->in + connection->in_end, IN_BYTES - connection->in_end, 0);
    if (got < 0 && errno == EAGAIN) return count;
    if (got <= 0) return -1;
    connection->in_end += (size_t)got;
    int64_t now = now_ns();
    size_t at = 0;
    while (connection->in_end - at >= 2) {
      size_t length = (size_t)(connection->in[at] << 8 | connection->in[at + 1]);
      if (connection->in_end - at < 2 + length) break;
      const uint8_t *answer = connection->in + at + 2;
      unsigned id = length < 12 ? window : (unsigned)(answer[0] << 8 | answer[1]);
      at += 2 + length;
      if (id >= window || !connection->asked[id].under_way) {
        count_unexpected();
        continue;
      }
      struct asked *asked = &connection->asked[id];
      count_answer(asked->query, asked->length, answer, length, asked->at, now);
      asked->under_way = false;
      connection->free[connection->free_count++] = (uint16_t)id;
      count++;
    }
    memmove(connection->in, connection->in + at, connection->in_end - at);
    connection->in_end -= at;
  }
}

static void prepare(const struct options *options, unsigned places) {
  run = options;
  window = places;
  poller = epoll_create1(0);
  connections = calloc(options->connections, sizeof *connections);
  if (poller < 0 || connections == NULL) fail("epoll");
  for (unsigned each = 0; each < options->connections; each++) {
    struct connection *connection = &connections[each];
    connection->number = each;
    connection->asked = calloc(window, sizeof *connection->asked);
    connection->free = calloc(window, sizeof *connection->free);
    connection->out = malloc(OUT_BYTES);
    connection->in = malloc(IN_BYTES);
    if (!connection->asked || !connection->free || !connection->out || !connection->in) fail("memory");
    open_connection(connection);
  }
}

/* Whatever has stood still too long is opened again, so that a run cannot hang. */
static int64_t look_for_stalled(int64_t now) {
  for (unsigned each = 0; each < run->connections; each++) {
    struct connection *connection = &connections[each];
    int64_t oldest = connection->opened;
    for (unsigned id = 0; id < window; id++) {
      struct asked *asked = &connection->asked[id];
      if (!asked->under_way) continue;
      if (oldest == connection->opened || asked->at < oldest) oldest = asked->at;
    }
    if (connection->free_count < window && now - oldest > 4 * LOST_NS) give_up(connection);
  }
  return now + LOST_NS;
}

static void serve(struct connection *connection, bool one_each, int64_t now) {
  int took = take(connection);
  if (took < 0) {
    if (one_each || connection->free_count < window) give_up(connection);
    else {
      /* Servers may close a connection after so many queries. */
      count_reconnect();
      reopen(connection);
    }
    return;
  }
  if (one_each && took > 0) {
    reopen(connection);
    return;
  }
  if (!ask(connection, now)) give_up(connection);
}

static void run_tcp(const struct options *options, bool one_each) {
  prepare(options, one_each ? 1 : options->window);
  begin_run(options);
  struct epoll_event events[EVENTS];
  int64_t now = now_ns(), look_at = now + LOST_NS;
  while (go_on(now)) {
    int ready = epoll_wait(poller, events, EVENTS, 0);
    now = now_ns();
    for (int each = 0; each < ready; each++) serve(&connections[events[each].data.u32], one_each, now);
    if (now > look_at) look_at = look_for_stalled(now);
  }
}

void run_pipeline(const struct options *options) {
  run_tcp(options, false);
}

void run_connect(const struct options *options) {
  run_tcp(options, true);
}
