/* The queries, from a file in memory, round and round; labels to be random get new letters each time. */
#include "load.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static struct query *queries;
static size_t count, at;
static uint64_t state;

static uint64_t random64(void) {
  /* xorshift64*: quick, and the same for the same seed. */
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return state * 0x2545F4914F6CDD1DULL;
}

void load_queries(const char *file, uint64_t seed) {
  state = seed * 2 + 1;
  int fd = open(file, O_RDONLY);
  struct stat info;
  if (fd < 0 || fstat(fd, &info) < 0 || info.st_size == 0) fail(file);
  const uint8_t *octets = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
  if (octets == MAP_FAILED) fail(file);
  close(fd);
  size_t room = 0;
  for (size_t next = 0; next + 4 <= (size_t)info.st_size;) {
    struct query query = {.length = (uint16_t)(octets[next] << 8 | octets[next + 1]),
                          .random_at = octets[next + 2],
                          .random_length = octets[next + 3],
                          .message = octets + next + 4};
    next += 4 + query.length;
    if (next > (size_t)info.st_size || query.length < 12 || query.length > QUERY_MAX ||
        query.random_at + query.random_length > query.length)
      fail("queries: not in the form of load.h");
    if (count == room) {
      room = room ? 2 * room : 1024;
      queries = realloc(queries, room * sizeof *queries);
      if (queries == NULL) fail("memory");
    }
    queries[count++] = query;
  }
  if (count == 0) fail("queries: none");
  at = random64() % count;
}

size_t next_query(uint8_t *out, uint16_t id) {
  const struct query *query = &queries[at];
  if (++at == count) at = 0;
  memcpy(out, query->message, query->length);
  out[0] = (uint8_t)(id >> 8);
  out[1] = (uint8_t)id;
  for (unsigned done = 0; done < query->random_length;) {
    uint64_t bits = random64();
    for (unsigned each = 0; each < 12 && done < query->random_length; each++, done++, bits >>= 5)
      out[query->random_at + done] = (uint8_t)"abcdefghijklmnopqrstuvwxyz234567"[bits & 31];
  }
  return query->length;
}
