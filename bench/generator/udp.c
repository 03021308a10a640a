/* Queries over UDP: as many under way as the window allows, or on a timetable. */
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64
/* Answers over UDP have at most 1232 octets; a little more, to see one that has not. */
#define ANSWER_MAX 4096
#define RECEIVE_BUFFER (4 << 20)

struct slot {
  int64_t asked;
  uint16_t length;
  uint8_t query[QUERY_MAX];
};

static struct slot *slots;
/* Free slots as a ring: an id comes back into use as late as can be, so that a late answer finds no other query under its id. */
static uint16_t ring[SLOTS_MAX];
static unsigned ring_at, free_count, slot_count;
static bool *under_way;
static int sockets[SOCKETS_MAX];

static struct mmsghdr out_headers[BATCH], in_headers[BATCH];
static struct iovec out_vectors[BATCH], in_vectors[BATCH];
static uint8_t answers[BATCH][ANSWER_MAX];

static void open_sockets(const struct options *options) {
  for (unsigned each = 0; each < options->sockets; each++) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    int size = RECEIVE_BUFFER;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    struct sockaddr_in source = source_address(options, each);
    if (fd < 0 || bind(fd, (struct sockaddr *)&source, sizeof source) < 0 ||
        connect(fd, (const struct sockaddr *)&options->server, sizeof options->server) < 0)
      fail("socket");
    sockets[each] = fd;
  }
}

static void release(unsigned id) {
  under_way[id] = false;
  ring[(ring_at + free_count++) & (SLOTS_MAX - 1)] = (uint16_t)id;
}

static void receive(int fd) {
  for (;;) {
    int got = recvmmsg(fd, in_headers, BATCH, MSG_DONTWAIT, NULL);
    /* ECONNREFUSED: nobody listened a moment ago. The query is lost, and counted so when its time is up. */
    if (got <= 0) return;
    int64_t now = now_ns();
    for (int each = 0; each < got; each++) {
      const uint8_t *answer = answers[each];
      size_t length = in_headers[each].msg_len;
      unsigned id = length < 12 ? SLOTS_MAX : (unsigned)(answer[0] << 8 | answer[1]);
      if (id >= slot_count || !under_way[id]) {
        count_unexpected();
        continue;
      }
      struct slot *slot = &slots[id];
      count_answer(slot->query, slot->length, answer, length, slot->asked, now);
      release(id);
    }
    if (got < BATCH) return;
  }
}

/* Sends up to `wanted` queries, due from `due` on every `every` ns (0: now); returns how many went. */
static unsigned send_some(int fd, unsigned wanted, int64_t now, double due, double every) {
  unsigned count = wanted < free_count ? wanted : free_count;
  if (count > BATCH) count = BATCH;
  for (unsigned each = 0; each < count; each++) {
    unsigned id = ring[ring_at];
    ring_at = (ring_at + 1) & (SLOTS_MAX - 1);
    struct slot *slot = &slots[id];
    slot->length = (uint16_t)next_query(slot->query, (uint16_t)id);
    slot->asked = every > 0 ? (int64_t)(due + every * each) : now;
    under_way[id] = true;
    out_vectors[each] = (struct iovec){.iov_base = slot->query, .iov_len = slot->length};
  }
  free_count -= count;
  unsigned done = 0;
  for (unsigned tries = 0; done < count && tries < 100; tries++) {
    int went = sendmmsg(fd, out_headers + done, count - done, 0);
    if (went > 0) done += (unsigned)went;
    else if (errno != EAGAIN && errno != ECONNREFUSED && errno != ENOBUFS) fail("sendmmsg");
  }
  count_sent(count);
  return count;
}

static void give_up_lost(int64_t now) {
  for (unsigned id = 0; id < slot_count; id++)
    if (under_way[id] && now - slots[id].asked > LOST_NS) {
      count_lost(1);
      release(id);
    }
}

void run_udp(const struct options *options) {
  slot_count = options->rate > 0 ? SLOTS_MAX : options->window;
  slots = calloc(slot_count, sizeof *slots);
  under_way = calloc(slot_count, sizeof *under_way);
  if (slots == NULL || under_way == NULL) fail("memory");
  for (unsigned id = 0; id < slot_count; id++) release(id);
  for (unsigned each = 0; each < BATCH; each++) {
    out_headers[each].msg_hdr = (struct msghdr){.msg_iov = &out_vectors[each], .msg_iovlen = 1};
    in_vectors[each] = (struct iovec){.iov_base = answers[each], .iov_len = ANSWER_MAX};
    in_headers[each].msg_hdr = (struct msghdr){.msg_iov = &in_vectors[each], .msg_iovlen = 1};
  }
  open_sockets(options);
  begin_run(options);
  int64_t now = now_ns(), lost_at = now + LOST_NS;
  double every = options->rate > 0 ? 1e9 / options->rate : 0, due = (double)now;
  for (unsigned turn = 0; go_on(now); turn = (turn + 1) % options->sockets) {
    receive(sockets[turn]);
    now = now_ns();
    if (every == 0) send_some(sockets[turn], free_count, now, 0, 0);
    else if (due <= (double)now) {
      unsigned sent = send_some(sockets[turn], 1 + (unsigned)(((double)now - due) / every), now, due, every);
      due += every * sent;
    } else if (options->nap_us > 0) {
      struct timespec nap = {.tv_nsec = options->nap_us * 1000L};
      clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL);
      now = now_ns();
    }
    if (now > lost_at) {
      give_up_lost(now);
      lost_at = now + LOST_NS / 4;
    }
  }
}
