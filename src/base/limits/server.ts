/**
 * Limits of the public side: UDP and TCP sockets, threads and processes. Each with its reason.
 * Not here: what is answered (answer.ts).
 */

// --- UDP ---

/** Kernel buffers of each UDP socket: 20,000 queries, 100 ms at 200,000 a second. The kernel clamps it to rmem_max. */
export const UDP_SOCKET_BUFFER_BYTES = 2 * 1024 * 1024;
/** Answers that the kernel has not taken yet, per UDP socket: usually 1. More is congestion, where UDP should drop. */
export const UDP_SENDS_MAX = 64;
/** Queries received, or answers sent, by one system call, as in Knot, NSD: more makes the first wait for the last. */
export const UDP_BATCH_MESSAGES_MAX = 64;
/** After a batch of this many or more the next is read at once; after a smaller one, poll looks at all sockets. */
export const UDP_BATCH_AGAIN = 8;
/** Young generation of a worker's heap: nearly all objects die young, and the collector never returns its memory. */
export const WORKER_YOUNG_MIB = 8;
/** Lines of a worker's query log: it is a sample, and must not grow with a flood. */
export const QUERY_LOG_LINES_PER_SECOND_MAX = 20;
/** Batches of each socket between two polls: 512 queries, about 1 ms, while other sockets and messages wait. */
export const UDP_ROUNDS_MAX = 8;
/** How often the rest of a batch of answers may wait for space in the send buffer; then it is dropped. */
export const UDP_SEND_WAITS_MAX = 2;
/** Each such wait: 2 MiB of answers leave a 1 Gbit/s interface in 17 ms, so there is space again much sooner. */
export const UDP_SEND_WAIT_MS = 1;
/** Between two looks at the sockets of a thread that also has other work: its event loop runs in this time. */
export const UDP_SHARED_LOOK_MS = 1;
/** How often a closing socket looks whether the kernel has taken its last answers; small against DRAIN_MS. */
export const UDP_DRAIN_LOOK_MS = 5;
/**
 * UDP threads for each thread that serves TCP. TCP is some 5 % of the queries of an authoritative server, and a
 * connection for each of them costs ten times what a datagram does.
 */
export const UDP_THREADS_PER_TCP_THREAD = 2;

// --- UDP by AF_XDP ---

/** A frame's place in memory: the kernel keeps 256 octets of it free, and 1792 are left for a packet. */
export const XDP_CHUNK_BYTES = 2048;
/** In front of a received packet, reserved by the kernel (XDP_PACKET_HEADROOM). */
export const XDP_HEADROOM_BYTES = 256;
/** Longer packets go to the kernel's sockets: they would not fit into a frame. */
export const XDP_PACKET_BYTES_MAX = XDP_CHUNK_BYTES - XDP_HEADROOM_BYTES;
/** Queries by AF_XDP whose answers are sent together: 0.1 ms. Half as many cost a little more, more no less. */
export const XDP_BATCH_PACKETS_MAX = 128;
/** Sleep of a worker whose batches are small although packets are many. A pause of 50 µs gains a quarter less. */
export const XDP_PAUSE_US = 100;
/** After a batch of this many the ring has been filled without it. */
export const XDP_PAUSE_BELOW_PACKETS = 64;
/** Below 20,000 packets a second a pause would collect one or two. */
export const XDP_PAUSE_FROM_PACKETS_PER_MS = 20;
/** Frames for receiving, by queue: 10 ms of queries at 200,000 a second. A power of two: it is a ring's size too. */
export const XDP_RECEIVE_FRAMES = 2048;
/** Frames for sending, by queue: 4 batches that the interface has not taken yet. A power of two as well. */
export const XDP_SEND_FRAMES = 512;
/** Receive queues of one interface that are served. Cards have one for each core, and WORKERS_MAX is 64. */
export const XDP_QUEUES_MAX = 64;
/** Interfaces. Each has a program, a link and its queues' memory; a name server has one or two. */
export const XDP_INTERFACES_MAX = 16;
/** Ports of `dns.listen`: the program compares with each of them. */
export const XDP_PORTS_MAX = 16;
/** Addresses with ports that are answered on one interface: the 64 of `dns.listen`, and those of a wildcard. */
export const XDP_ADDRESSES_MAX = 128;
/** Places of the table of these addresses; twice as many and more, so that few collide. */
export const XDP_TABLE_SLOTS = 512;
/** Places that the program looks at for one address. When one is further away, the table gets another seed. */
export const XDP_TABLE_PROBES = 8;
/** Seeds tried: with a quarter of the places in use, one of a few is good. */
export const XDP_TABLE_SEEDS_MAX = 256;
/** Between two looks at the interfaces: a removed address is answered for no longer than this. */
export const XDP_LOOK_MS = 500;
/** Between two full looks without an event: in case that one was lost. */
export const XDP_FULL_LOOK_MS = 30_000;
/** Octets of one datagram from rtnetlink: the kernel writes 32 KiB at most. */
export const XDP_NETLINK_BYTES_MAX = 64 * 1024;
/** Datagrams read for one look: 10,000 addresses fit, and a loop has its end. */
export const XDP_NETLINK_MESSAGES_MAX = 1024;
/** A program is loaded: a signal may come while the kernel looks at it, as often as libbpf puts up with. */
export const XDP_LOAD_TRIES_MAX = 5;
/** At the start, for the program of a process that is about to end to leave the interface. */
export const XDP_ATTACH_WAIT_MS = 2_000;
/** Between two tries to attach. */
export const XDP_ATTACH_EVERY_MS = 50;
/** Between two tries to bind a queue that another socket has; the kernel's sockets serve meanwhile. */
export const XDP_BIND_EVERY_MS = 1_000;
/** The same, while it is to be expected that the socket before is only just being taken down. */
export const XDP_BIND_SOON_MS = 50;
/** For so long nothing is said of it. */
export const XDP_BIND_PATIENCE_MS = 1_500;
/** Times that the kernel is asked to send what is in the ring: it takes 32 packets at least each time. */
export const XDP_SEND_KICKS_MAX = XDP_SEND_FRAMES / 32;
/** Of an interface: RFC 8200 §5, and just the longest answer with its headers (UDP_EDNS_BYTES_MAX + 48). */
export const XDP_MTU_BYTES_MIN = 1280;
/** Octets of notes about the frames of a socket: one page, in which a word for each frame for sending fits. */
export const XDP_NOTES_BYTES = 4096;
/** Descriptors of one interface that is handed over: two of its own, and two of each queue. The kernel takes 253. */
export const XDP_HANDED_DESCRIPTORS_MAX = 2 + 2 * XDP_QUEUES_MAX;
/** Octets of its facts: some 40 for each queue, and a reason in words. */
export const XDP_HANDED_BYTES_MAX = 16 * 1024;
/** Between the first two tries to open an interface that came back, or that is there now for the first time. */
export const XDP_REOPEN_EVERY_MS = 5_000;
/** The wait doubles up to this: each try starts a program, and what keeps it from opening may last. */
export const XDP_REOPEN_EVERY_MS_MAX = 5 * 60_000;
/** The program that opens it: starting, and XDP_ATTACH_WAIT_MS for each interface; then it hangs. */
export const XDP_REOPEN_MS_MAX = 60_000;
/** Lists that a change tore, one after the other; the next look asks again. */
export const XDP_NETLINK_TRIES_MAX = 4;

// --- TCP (RFC 7766 §6.2, RFC 9210 §4), per worker ---

/** Connections: BIND has 150, NSD 100 in all. Each may hold 64 KiB of queries: what node reads at once. */
export const TCP_CONNECTIONS_MAX = 256;
/** Connections of one client (IPv4 address or IPv6 /64): a resolver behind NAT fits, one host cannot take all. */
export const TCP_CONNECTIONS_PER_CLIENT_MAX = 64;
/** Connections with answers that the client does not take; each holds an answer buffer of 80 KiB: 5 MiB. */
export const TCP_BLOCKED_CONNECTIONS_MAX = 64;
/** From accept to the first whole query; clients send it in their first segment. */
export const TCP_FIRST_MESSAGE_MS = 5_000;
/** From the first octet of a message to its last, against slow senders. Knot has 0.5 s; 2 s allow a retransmission. */
export const TCP_MESSAGE_MS = 2_000;
/** Idle after an answer (RFC 7766 §6.2.3: of the order of seconds); Knot has 10 s. */
export const TCP_IDLE_MS = 10_000;
/** Idle when the table is full; between half full and full it shrinks to this. */
export const TCP_IDLE_FULL_MS = 1_000;
/** For a client to take the answers it asked for. */
export const TCP_WRITE_MS = 5_000;
/**
 * For a whole stream of messages: 1 GiB at 5 Mbit/s. A stream keeps a snapshot of the store, and what it keeps cannot
 * be reused.
 */
export const TCP_STREAM_MS_MAX = 1_800_000;
/** How often the times above are looked at: small against all of them. */
export const TCP_SWEEP_MS = 100;
/** Answers gathered before they are written: a few segments. */
export const TCP_WRITE_BATCH_BYTES = 16 * 1024;
/** Answer buffers (80 KiB) kept for reuse after connections that were blocked. */
export const TCP_SPARE_BUFFERS_MAX = 32;
/** Octets of one connection read in its turn: 60 queries, 0.2 ms. */
export const TCP_TURN_BYTES = 2048;
/** Octets of answers after which a turn ends, though queries of it are left: four writes, or one long answer. */
export const TCP_TURN_ANSWER_BYTES = 64 * 1024;
/** Turns between two looks at the sockets: about 1 ms, which is what a client with one question waits for others. */
export const TCP_TURNS_PER_ROUND = 4;
/**
 * Queries over UDP, of all threads, above which transfers rest between two slices. Low, because a machine whose cores
 * have other work too answers few queries just then.
 */
export const UDP_BUSY_QUERIES_PER_SECOND = 2_000;
/** Between two looks at how many they are: long enough for a batch of each thread. */
export const UDP_BUSY_LOOK_MS = 50;
/** Of transfers without a look at the sockets: 50 messages. A client with one question waits for it at most. */
export const STREAM_SLICE_MS = 1;
/** Rest after a slice while UDP is busy, by what it took: transfers then have 5 % of a core, some 20 MB a second. */
export const STREAM_PAUSE_TIMES = 19;
/** And at least: the timer of a thread has no less. */
export const STREAM_PAUSE_MS_MIN = 1;
/** First buffer for a message that arrives in pieces; ordinary queries fit, and it doubles for longer ones. */
export const TCP_PIECES_BYTES_MIN = 128;

// --- TCP by epoll ---

/** Connections that the kernel has accepted and the thread has not: as node has it. somaxconn is the most. */
export const TCP_BACKLOG = 511;
/** Descriptors of one thread: TCP_CONNECTIONS_MAX, the 64 addresses of `dns.listen`, and tests with more of both. */
export const TCP_DESCRIPTORS_MAX = 4096;
/**
 * Answers that the kernel takes of one connection beyond those on their way: two writes. A client that never reads gets
 * this and what its own kernel buffers, not the megabytes that a send buffer grows to.
 */
export const TCP_UNSENT_BYTES = 32 * 1024;
/** Sockets that one call tells about, each then served for a turn at most; the others come with the next call. */
export const EPOLL_EVENTS_MAX = 64;
/** Connections accepted between two looks at the others: 64 with a question each are 3 ms. */
export const TCP_ACCEPTS_PER_ROUND = 64;
/** After the process had no descriptor or the kernel no memory for a connection: clients wait in the backlog. */
export const TCP_ACCEPT_PAUSE_MS = 100;
/** How late timed tasks of a thread may be while it has more events than it can look at in one round. */
export const TCP_BEHIND_MS = 1_000;
/** Rounds before a listener is closed: what came in until then is answered; 8 tell about 512 sockets. */
export const TCP_LAST_ROUNDS_MAX = 8;
/** Longest wait of a thread that drains: its last connection may end without an event. */
export const TCP_DRAIN_LOOK_MS = 5;
/** Between two looks of a listener in a thread that also has other work: its event loop runs in this time. */
export const TCP_SHARED_LOOK_MS = 1;
/** Read and forgotten before a socket is closed while octets wait in it: the kernel would answer them with RST. */
export const TCP_DISCARDED_BYTES = 64 * 1024;

// --- TLS (RFC 7858), in a thread of its own, with the limits of TCP ---

/** Ticket keys of DNS over TLS: a resolver comes back within the hour, and keys that leak open no more than that. */
export const TLS_TICKET_KEYS_MS = 60 * 60_000;
/** How often control looks whether the certificate of DNS over TLS is another one: one read of the store. */
export const TLS_CERTIFICATE_LOOK_MS = 1_000;
/** Answers that are padded have a multiple of these octets (RFC 8467 §4.1). */
export const PADDING_BLOCK_BYTES = 468;
/** Addresses to serve TLS at. */
export const TLS_LISTENERS_MAX = 64;

// --- processes ---

/** Worker threads. More than this many cores never serve DNS only. */
export const WORKERS_MAX = 64;
/** First wait before a dead child or worker is started again: answering is back in well under a second. */
export const RESTART_MS_MIN = 100;
/** Longest such wait: a process that cannot start must not eat the machine. */
export const RESTART_MS_MAX = 5_000;
/** A life this long counts as a good start, and the wait begins small again. */
export const RESTART_SETTLED_MS = 30_000;
/** For connections to finish after TERM, in the answer process. */
export const DRAIN_MS = 3_000;
/** Beyond DRAIN_MS, for threads to end after their sockets are closed. */
export const THREAD_END_MS = 500;
/** For both children to end after TERM; then KILL. Longer than DRAIN_MS, shorter than a service manager's 90 s. */
export const SHUTDOWN_MS = 10_000;
/** First wait for a store that does not exist yet: the control process usually makes it within milliseconds. */
export const STORE_WAIT_MS_MIN = 10;
/** Longest wait between two looks for a store that does not exist yet (first start: control makes it). */
export const STORE_WAIT_MS_MAX = 500;
/** How often a worker looks for a generation it was not sent: a control process can die between commit and message. */
export const GENERATION_LOOK_MS = 1_000;
/** Ports tried when one is wanted that is free on UDP and TCP together. */
export const PORT_ATTEMPTS_MAX = 32;
/** How often the answer process reports its counters. */
export const COUNTERS_EVERY_MS = 1_000;
/** Zones named on the screen that says that the server is ready. */
export const READY_ZONES_SHOWN_MAX = 8;
