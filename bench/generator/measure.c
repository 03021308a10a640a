/* What is counted, and when: phases of a run, a histogram of times, files read at both ends of the counting, the report. */
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* 64 steps for each doubling: times are known to 1.6 %. */
#define STEPS 64
#define BUCKETS (STEPS * 40)
#define SNAPSHOT_BYTES 16384
#define RCODES 16

static enum { WARMING, COUNTING, OVER } phase;
static const struct options *run;
static int64_t began, ended, counting_at;
static char *before[SNAPSHOTS_MAX], *after[SNAPSHOTS_MAX];
static uint64_t sent, answered, lost, unexpected, reconnects, truncated, answer_bytes, query_bytes, answer_records;
static uint64_t rcodes[RCODES], histogram[BUCKETS];
static int64_t slowest;

int64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

void fail(const char *what) {
  fprintf(stderr, "load: %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
  exit(1);
}

static char *snapshot(const char *file) {
  char *text = malloc(SNAPSHOT_BYTES);
  if (text == NULL) fail("memory");
  size_t length = 0;
  int fd = open(file, O_RDONLY);
  /* A process may have ended meanwhile: then its text is empty. */
  if (fd >= 0) {
    for (ssize_t got; length < SNAPSHOT_BYTES - 1 && (got = read(fd, text + length, SNAPSHOT_BYTES - 1 - length)) > 0;)
      length += (size_t)got;
    close(fd);
  }
  text[length] = 0;
  return text;
}

static void snapshots(char **into) {
  for (unsigned each = 0; each < run->snapshot_count; each++) into[each] = snapshot(run->snapshots[each]);
}

void begin_run(const struct options *options) {
  run = options;
  phase = WARMING;
  counting_at = now_ns() + options->warmup_ns;
}

bool go_on(int64_t now) {
  if (phase == WARMING && now >= counting_at) {
    snapshots(before);
    began = now_ns();
    phase = COUNTING;
  } else if (phase == COUNTING && now >= began + run->measure_ns) {
    ended = now_ns();
    snapshots(after);
    phase = OVER;
  }
  return phase != OVER;
}

void count_sent(unsigned queries) {
  if (phase == COUNTING) sent += queries;
}

void count_lost(unsigned queries) {
  if (phase == COUNTING) lost += queries;
}

void count_unexpected(void) {
  if (phase == COUNTING) unexpected++;
}

void count_reconnect(void) {
  if (phase == COUNTING) reconnects++;
}

static unsigned bucket(int64_t ns) {
  uint64_t value = ns < 1 ? 1 : (uint64_t)ns;
  unsigned power = 63 - (unsigned)__builtin_clzll(value);
  if (power < 6) return (unsigned)value;
  unsigned index = (power - 5) * STEPS + (unsigned)((value >> (power - 6)) & (STEPS - 1));
  return index < BUCKETS ? index : BUCKETS - 1;
}

static double bucket_ns(unsigned index) {
  if (index < STEPS) return index;
  return (double)((uint64_t)(STEPS + index % STEPS) << (index / STEPS - 1));
}

void count_answer(const uint8_t *query, size_t query_length, const uint8_t *answer, size_t length, int64_t asked, int64_t now) {
  if (phase != COUNTING) return;
  /* The question comes back octet for octet; an echo of the whole query is let through for the sake of the echo server. */
  size_t question = 12;
  while (question < query_length && query[question] != 0) question += query[question] + 1u;
  question += 5;
  if (length < question || question > query_length || memcmp(query + 12, answer + 12, question - 12) != 0) {
    unexpected++;
    return;
  }
  answered++;
  answer_bytes += length;
  query_bytes += query_length;
  truncated += (answer[2] >> 1) & 1;
  rcodes[answer[3] & 15]++;
  answer_records += (uint64_t)((answer[6] << 8 | answer[7]) + (answer[8] << 8 | answer[9]) + (answer[10] << 8 | answer[11]));
  int64_t took = now - asked;
  if (took > slowest) slowest = took;
  histogram[bucket(took)]++;
}

static double percentile(double part) {
  uint64_t wanted = (uint64_t)(part * (double)answered), seen = 0;
  for (unsigned index = 0; index < BUCKETS; index++) {
    seen += histogram[index];
    if (seen > wanted) return bucket_ns(index) / 1000.0;
  }
  return (double)slowest / 1000.0;
}

static void print_text(const char *text) {
  putchar('"');
  for (; *text; text++) {
    if (*text == '"' || *text == '\\') putchar('\\');
    if ((unsigned char)*text < 32) printf("\\u%04x", *text);
    else putchar(*text);
  }
  putchar('"');
}

static void print_texts(const char *name, char **texts) {
  printf("\"%s\":[", name);
  for (unsigned each = 0; each < run->snapshot_count; each++) {
    if (each) putchar(',');
    print_text(texts[each]);
  }
  printf("]");
}

void report(const struct options *options) {
  printf("{\"mode\":\"%s\",\"seconds\":%.6f,\"sent\":%lu,\"answered\":%lu,\"lost\":%lu,\"unexpected\":%lu,\"reconnects\":%lu,", options->mode,
         (double)(ended - began) / 1e9, sent, answered, lost, unexpected, reconnects);
  printf("\"truncated\":%lu,\"queryBytes\":%lu,\"answerBytes\":%lu,\"answerRecords\":%lu,\"rcodes\":[", truncated, query_bytes, answer_bytes,
         answer_records);
  for (unsigned each = 0; each < RCODES; each++) printf(each ? ",%lu" : "%lu", rcodes[each]);
  printf("],\"latencyUs\":{\"p50\":%.2f,\"p90\":%.2f,\"p99\":%.2f,\"p999\":%.2f,\"max\":%.2f},", percentile(0.5), percentile(0.9),
         percentile(0.99), percentile(0.999), (double)slowest / 1000.0);
  print_texts("before", before);
  putchar(',');
  print_texts("after", after);
  printf("}\n");
}
