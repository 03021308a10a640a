/* Command line of the load generator: load.h tells what there is. */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MEASURE_MS_MAX 600000

static unsigned number(const char *text, unsigned max) {
  char *end;
  unsigned long value = strtoul(text, &end, 10);
  errno = 0;
  if (*end != 0 || value > max) fail("number out of range");
  return (unsigned)value;
}

static unsigned ipv4(const char *text) {
  struct in_addr address;
  if (inet_pton(AF_INET, text, &address) != 1) fail("address");
  return ntohl(address.s_addr);
}

static void read_option(struct options *options, const char *word) {
  const char *value = strchr(word, '=');
  if (value++ == NULL) fail("name=value expected");
  size_t length = (size_t)(value - word) - 1;
#define IS(name) (length == sizeof(name) - 1 && strncmp(word, name, length) == 0)
  if (IS("window")) options->window = number(value, SLOTS_MAX);
  else if (IS("rate")) options->rate = number(value, 100000000);
  else if (IS("nap")) options->nap_us = number(value, 1000);
  else if (IS("warmup")) options->warmup_ns = number(value, MEASURE_MS_MAX) * 1000000LL;
  else if (IS("measure")) options->measure_ns = number(value, MEASURE_MS_MAX) * 1000000LL;
  else if (IS("sockets")) options->sockets = number(value, SOCKETS_MAX);
  else if (IS("connections")) options->connections = number(value, CONNECTIONS_MAX);
  else if (IS("sources")) options->sources = number(value, SOURCES_MAX);
  else if (IS("source")) options->first_source = ipv4(value);
  else if (IS("seed")) options->seed = number(value, 2000000000);
  else if (IS("snapshot") && options->snapshot_count < SNAPSHOTS_MAX) options->snapshots[options->snapshot_count++] = value;
  else fail("unknown option");
#undef IS
}

/* Client addresses in turn: servers have limits on each, and each has ports of its own. */
struct sockaddr_in source_address(const struct options *options, unsigned number) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  address.sin_addr.s_addr = htonl(options->first_source + number % options->sources);
  return address;
}

int main(int argc, char **argv) {
  if (argc < 5) fail("usage: load udp|pipeline|connect ADDRESS PORT QUERIES [name=value]...");
  struct options options = {.mode = argv[1],
                            .queries = argv[4],
                            .window = 128,
                            .sockets = 1,
                            .connections = 16,
                            .sources = 1,
                            .first_source = INADDR_LOOPBACK,
                            .warmup_ns = 300000000,
                            .measure_ns = 1000000000,
                            .seed = 1};
  options.server.sin_family = AF_INET;
  options.server.sin_port = htons((uint16_t)number(argv[3], 65535));
  if (inet_pton(AF_INET, argv[2], &options.server.sin_addr) != 1) fail("address");
  for (int each = 5; each < argc; each++) read_option(&options, argv[each]);
  if (!options.window || !options.sockets || !options.connections || !options.sources) fail("none of nothing");
  load_queries(options.queries, options.seed);
  if (strcmp(options.mode, "udp") == 0) run_udp(&options);
  else if (strcmp(options.mode, "pipeline") == 0) run_pipeline(&options);
  else if (strcmp(options.mode, "connect") == 0) run_connect(&options);
  else fail("mode");
  report(&options);
  return 0;
}
