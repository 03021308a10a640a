/**
 * What the sockets count: slots in a Float64Array over shared memory, one row per worker, written by that worker alone
 * (so no atomics) and read by the thread that reports. Not here: what queries and answers were about
 * (answer/count/counters.ts).
 */

/** Index into a worker's row. */
export const SERVER_SLOT = {
  udpQueries: 0,
  udpAnswers: 1,
  udpNoAnswer: 2,
  udpPortZero: 3,
  udpSendOverflow: 4,
  udpSendErrors: 5,
  udpSocketErrors: 6,
  tcpAccepted: 7,
  tcpOpen: 8,
  tcpQueries: 9,
  tcpAnswers: 10,
  tcpRefusedClient: 11,
  tcpEvictedFull: 12,
  tcpEvictedBlocked: 13,
  tcpTimeoutFirst: 14,
  tcpTimeoutIdle: 15,
  tcpTimeoutMessage: 16,
  tcpTimeoutWrite: 17,
  tcpGarbage: 18,
  tcpCut: 19,
  tcpSocketErrors: 20,
  tlsHandshakes: 21,
  tlsHandshakesFailed: 22,
  tlsWithoutCertificate: 23,
  handedFull: 24,
  xdpQueries: 25,
  xdpAnswers: 26,
  xdpMalformed: 27,
  xdpMartian: 28,
  xdpKernelDropped: 29,
  xdpKernelRingFull: 30,
  xdpKernelNoFrame: 31,
  xdpKernelInvalid: 32,
  xdpZeroCopy: 33,
  xdpNative: 34,
  xdpGeneric: 35,
  udpWithin100us: 36,
  udpWithin250us: 37,
  udpWithin500us: 38,
  udpWithin1ms: 39,
  udpWithin2500us: 40,
  udpWithin10ms: 41,
  udpWithin100ms: 42,
  udpTimed: 43,
  udpTimedSeconds: 44,
  udpTimedToo: 45,
} as const;

export type ServerSlotName = keyof typeof SERVER_SLOT;

/** Slots of one worker's row. */
export const SERVER_SLOT_COUNT = Object.keys(SERVER_SLOT).length;

interface Metric {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
}

const counter = (name: string, help: string, labels: Readonly<Record<string, string>> = {}): Metric => ({
  name,
  labels,
  type: 'counter',
  help,
});
const udpDropped = (reason: string) => counter('waxseal_udp_dropped_total', 'UDP queries without an answer, by reason.', { reason });
const tcpClosed = (reason: string) =>
  counter('waxseal_tcp_connections_closed_total', 'TCP connections that the server closed, by reason.', { reason });

const xdpKernelDropped = (reason: string) =>
  counter('waxseal_xdp_kernel_dropped_total', 'Packets dropped by the kernel at AF_XDP, by reason.', { reason });
const xdpQueues = (mode: string): Metric => ({
  name: 'waxseal_xdp_queues',
  labels: { mode },
  type: 'gauge',
  help: 'Receive queues that are served by AF_XDP now, by mode.',
});

const handshakes = (outcome: string) => counter('waxseal_tls_handshakes_total', 'TLS handshakes of DNS over TLS, by outcome.', { outcome });

const SECONDS_NAME = 'waxseal_udp_answer_seconds';
const within = (le: string) =>
  counter(`${SECONDS_NAME}_bucket`, 'UDP queries (recvmmsg) whose batch was sent within `le` seconds.', { le });

/** Upper bounds of the histogram in seconds, each with its slot; the slots follow each other. */
export const UDP_TIME_SLOTS = [
  [0.0001, SERVER_SLOT.udpWithin100us],
  [0.00025, SERVER_SLOT.udpWithin250us],
  [0.0005, SERVER_SLOT.udpWithin500us],
  [0.001, SERVER_SLOT.udpWithin1ms],
  [0.0025, SERVER_SLOT.udpWithin2500us],
  [0.01, SERVER_SLOT.udpWithin10ms],
  [0.1, SERVER_SLOT.udpWithin100ms],
] as const;

const UDP_TIME_BOUNDS = Float64Array.from(UDP_TIME_SLOTS, ([bound]) => bound);
const FIRST_TIME_SLOT = SERVER_SLOT.udpWithin100us;

/** Counts in the row of a thread, in one slot alone: it is done for each batch, and often a batch is one query. */
export function countUdpTime(row: Float64Array, queries: number, seconds: number): void {
  let at = 0;
  while (at < UDP_TIME_BOUNDS.length && seconds > UDP_TIME_BOUNDS[at]!) at++;
  const slot = at < UDP_TIME_BOUNDS.length ? FIRST_TIME_SLOT + at : SERVER_SLOT.udpTimedToo;
  row[slot]! += queries;
  row[SERVER_SLOT.udpTimedSeconds]! += queries * seconds;
}

/** Makes a copy of such a row what Prometheus reads: a query is in each bucket whose bound it was within. */
export function cumulateUdpTimes(row: Float64Array): void {
  let sum = 0;
  for (const [, slot] of UDP_TIME_SLOTS) {
    sum += row[slot]!;
    row[slot] = sum;
  }
  row[SERVER_SLOT.udpTimedToo]! += sum;
  row[SERVER_SLOT.udpTimed] = row[SERVER_SLOT.udpTimedToo]!;
}

/** How each slot is shown to Prometheus (facts: base units, `_total`, bounded labels). */
export const SERVER_METRICS: Readonly<Record<ServerSlotName, Metric>> = {
  udpQueries: counter('waxseal_socket_messages_received_total', 'DNS messages received.', { transport: 'udp' }),
  udpAnswers: counter('waxseal_socket_messages_sent_total', 'DNS answers handed to the kernel.', { transport: 'udp' }),
  udpNoAnswer: udpDropped('unanswered'),
  udpPortZero: udpDropped('source_port_zero'),
  udpSendOverflow: udpDropped('send_queue_full'),
  udpSendErrors: udpDropped('send_error'),
  udpSocketErrors: counter('waxseal_udp_socket_errors_total', 'Errors the kernel reported on UDP sockets outside of sending.'),
  tcpAccepted: counter('waxseal_tcp_connections_accepted_total', 'TCP connections accepted.'),
  tcpOpen: { name: 'waxseal_tcp_connections', labels: {}, type: 'gauge', help: 'TCP connections open now.' },
  tcpQueries: counter('waxseal_socket_messages_received_total', 'DNS messages received.', { transport: 'tcp' }),
  tcpAnswers: counter('waxseal_socket_messages_sent_total', 'DNS answers handed to the kernel.', { transport: 'tcp' }),
  tcpRefusedClient: tcpClosed('client_limit'),
  tcpEvictedFull: tcpClosed('table_full'),
  tcpEvictedBlocked: tcpClosed('too_many_unread'),
  tcpTimeoutFirst: tcpClosed('first_message_timeout'),
  tcpTimeoutIdle: tcpClosed('idle'),
  tcpTimeoutMessage: tcpClosed('message_timeout'),
  tcpTimeoutWrite: tcpClosed('write_timeout'),
  tcpGarbage: tcpClosed('not_a_query'),
  tcpCut: tcpClosed('cut_in_message'),
  tcpSocketErrors: counter('waxseal_tcp_socket_errors_total', 'TCP connections that ended with an error, as a reset by the client.'),
  tlsHandshakes: handshakes('ok'),
  tlsHandshakesFailed: handshakes('failed'),
  tlsWithoutCertificate: handshakes('no_certificate'),
  udpWithin100us: within('0.0001'),
  udpWithin250us: within('0.00025'),
  udpWithin500us: within('0.0005'),
  udpWithin1ms: within('0.001'),
  udpWithin2500us: within('0.0025'),
  udpWithin10ms: within('0.01'),
  udpWithin100ms: within('0.1'),
  udpTimed: counter(`${SECONDS_NAME}_count`, 'UDP queries that were timed.'),
  udpTimedToo: within('+Inf'),
  udpTimedSeconds: counter(`${SECONDS_NAME}_sum`, 'Seconds of all those queries, each as long as its batch.'),
  handedFull: counter('waxseal_handed_over_refused_total', 'Messages for the control process that found no place.'),
  xdpQueries: counter('waxseal_xdp_packets_received_total', 'Packets received by AF_XDP, among those over UDP.'),
  xdpAnswers: counter('waxseal_xdp_packets_sent_total', 'Answers sent by AF_XDP, among those over UDP.'),
  xdpMalformed: udpDropped('malformed_packet'),
  xdpMartian: udpDropped('source_address'),
  xdpKernelDropped: xdpKernelDropped('no_room'),
  xdpKernelRingFull: xdpKernelDropped('ring_full'),
  xdpKernelNoFrame: xdpKernelDropped('no_frame'),
  xdpKernelInvalid: xdpKernelDropped('invalid'),
  xdpZeroCopy: xdpQueues('zero_copy'),
  xdpNative: xdpQueues('native'),
  xdpGeneric: xdpQueues('generic'),
};
