/*
 * The floor under any UDP server that works in batches: waits in poll, receives up to 64 datagrams with one recvmmsg, sets the QR bit in each, and
 * sends them back with one sendmmsg. It looks at nothing and knows nothing. bench/udp-echo.ts compiles it and measures beside it.
 *   echo PORT
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { BATCH = 64, AGAIN = 8, QUERY_BYTES = 2112 };

static struct mmsghdr headers[BATCH];
static struct iovec pieces[BATCH];
static struct sockaddr_in names[BATCH];
static unsigned char queries[BATCH][QUERY_BYTES];

int main(int argc, char **argv) {
    int one = 1, buffer = 2 * 1024 * 1024;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(argc > 1 ? atoi(argv[1]) : 0)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) != 0) {
        perror("bind");
        return 1;
    }
    for (int i = 0; i < BATCH; i++) {
        pieces[i].iov_base = queries[i];
        headers[i].msg_hdr = (struct msghdr){.msg_name = &names[i], .msg_iov = &pieces[i], .msg_iovlen = 1};
    }
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    for (int got = 0;;) {
        if (got < AGAIN) poll(&waiting, 1, -1);
        for (int i = 0; i < BATCH; i++) {
            pieces[i].iov_len = QUERY_BYTES;
            headers[i].msg_hdr.msg_namelen = sizeof names[i];
        }
        got = recvmmsg(fd, headers, BATCH, MSG_DONTWAIT, NULL);
        if (got <= 0) {
            got = 0;
            continue;
        }
        for (int i = 0; i < got; i++) {
            queries[i][2] |= 0x80;
            pieces[i].iov_len = headers[i].msg_len;
        }
        for (int sent = 0; sent < got;) {
            int now = sendmmsg(fd, headers + sent, got - sent, MSG_DONTWAIT);
            sent += now > 0 ? now : 1;
        }
    }
}
