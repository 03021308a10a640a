/**
 * What the answer process logs beside queries: names of events, as scripts may rely on, and how much each matters.
 * Not here: where the lines go (process/answer-process.ts).
 */

const LEVELS = {
  /** The supervisor has gone; this process ends. */
  'supervisor.gone': 'error',
  /** recvmmsg was asked for and does not work; this process ends. */
  'udp.unavailable': 'error',
  /** UDP by node:dgram, because recvmmsg does not work. */
  'udp.fallback': 'warn',
  /** TCP by epoll was asked for and does not work; this process ends. */
  'tcp.unavailable': 'error',
  /** TCP by node:net, because epoll does not work. */
  'tcp.fallback': 'warn',
  /** UDP at an interface by AF_XDP, and in which mode. */
  'udp.xdp': 'info',
  /** AF_XDP is wanted at an interface, and the kernel's sockets serve there. */
  'udp.xdp-fallback': 'warn',
  'worker.failed': 'error',
  /** A worker ended and is started again. */
  'worker.ended': 'warn',
  /** A thread gets no sockets and is started again. */
  'worker.no-sockets': 'error',
  /** Answers to a network are limited, or would be. */
  'rrl.limited': 'info',
  /** A zone, or what changed in it, was sent whole. */
  'transfer.sent': 'info',
  /** The connection ended before all was sent. */
  'transfer.broken': 'warn',
  /** Who asked for a zone has no grant of it, or too many transfers under way. */
  'transfer.refused': 'warn',
  /** OpenSSL does not take the certificate of DNS over TLS. */
  'tls.certificate-unusable': 'error',
  /** A message with a wrong signature, an unknown key, or another clock. */
  'tsig.refused': 'warn',
  /** A NOTIFY of a zone from elsewhere than one of its primaries. */
  'notify.refused': 'warn',
  /** An UPDATE without a signature, or with a key for something else. */
  'update.refused': 'warn',
} as const;

export type ServiceEvent = keyof typeof LEVELS;

export type LogService = (event: ServiceEvent, text: string) => void;

export function levelOf(event: ServiceEvent): 'info' | 'warn' | 'error' {
  return LEVELS[event];
}
