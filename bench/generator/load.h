/*
 * Load generator of `npm run bench`: one thread that owns one core and never sleeps (but for `nap`), so that the server under test pays for answering and
 * not for waking us up. Why not dnsperf: docs/performance.md ("The generator").
 *
 *   load MODE ADDRESS PORT QUERIES [name=value]...
 *
 * MODE      udp        one connected socket (or `sockets`), recvmmsg/sendmmsg
 *           pipeline   TCP, `connections` of them, `window` queries under way on each
 *           connect    TCP, a new connection for each query, `connections` under way
 * QUERIES   file of records: u16 length, u8 where and u8 how many octets to fill with random letters (0 0: none), the message; big-endian
 * window=N      queries under way at once, over all UDP sockets, or on each TCP connection (default 128)
 * rate=N        queries per second on a fixed timetable, whatever comes back; 0: the next query when one is answered (default)
 * nap=US        UDP at a rate: sleeps this long when nothing is to be done, so that another program can share its core (0: never)
 * warmup=MS     before counting (default 300)
 * measure=MS    counting (default 1000)
 * sockets=N connections=N sources=N (client addresses 127.0.0.1 … 127.0.0.N, or from source=ADDRESS on) seed=N
 * snapshot=FILE read at the beginning and at the end of counting, and handed on as text
 *
 * Prints one JSON document. Ends by itself: after warmup + measure + at most a second.
 */
#ifndef LOAD_H
#define LOAD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MESSAGE_MAX 65535
#define QUERY_MAX 512
#define SLOTS_MAX 65536
#define SNAPSHOTS_MAX 64
#define CONNECTIONS_MAX 4096
#define SOCKETS_MAX 64
#define SOURCES_MAX 200
/* An unanswered query is given up after this: far above any answer on loopback, and short against the time of one run. */
#define LOST_NS 250000000LL

struct options {
  const char *mode;
  struct sockaddr_in server;
  const char *queries;
  unsigned window, sockets, connections, sources, nap_us;
  /* Of the first client, in the machine's order; those of the others follow. */
  unsigned first_source;
  double rate;
  int64_t warmup_ns, measure_ns;
  uint64_t seed;
  unsigned snapshot_count;
  const char *snapshots[SNAPSHOTS_MAX];
};

struct query {
  uint16_t length;
  uint8_t random_at, random_length;
  const uint8_t *message;
};

/* --- queries.c --- */
void load_queries(const char *file, uint64_t seed);
/* Puts the next query into `out` with this id; returns its length. */
size_t next_query(uint8_t *out, uint16_t id);

/* --- measure.c --- */
int64_t now_ns(void);
void begin_run(const struct options *options);
/* Moves from warming up to counting to the end; false when the run is over. To be called often with the time it is. */
bool go_on(int64_t now);
void count_sent(unsigned queries);
/* An answer to `query`, asked (or due, at a fixed rate) at `asked`. */
void count_answer(const uint8_t *query, size_t query_length, const uint8_t *answer, size_t length, int64_t asked, int64_t now);
void count_lost(unsigned queries);
void count_unexpected(void);
void count_reconnect(void);
void report(const struct options *options);

_Noreturn void fail(const char *what);

/* --- udp.c, tcp.c --- */
void run_udp(const struct options *options);
void run_pipeline(const struct options *options);
void run_connect(const struct options *options);
struct sockaddr_in source_address(const struct options *options, unsigned number);

#endif
