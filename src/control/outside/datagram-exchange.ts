/**
 * One datagram to one server and what it sends back, over a socket of its own. An edge: whatever goes wrong is a text.
 * Implements: RFC 5452 §9 (port by chance, answers from where they were asked).
 * Not here: what is sent (direct-question.ts, control/transfer/notify-send.ts, control/secondary/ask-soa.ts).
 */
import { createSocket } from 'node:dgram';
import { type IpPort } from '#base/address.ts';

export interface DatagramOrder<Reply> {
  readonly server: IpPort;
  readonly message: Uint8Array;
  readonly timeoutMs: number;
  /** Datagrams that are no reply: after so many of them it is given up. */
  readonly datagramsMax: number;
  /** What a datagram says; undefined: it is no reply. */
  readonly read: (octets: Uint8Array) => Reply | undefined;
  /** Ends the wait at once, with a failure. */
  readonly signal?: AbortSignal;
}

/** What came, or why nothing did: words that follow the server's address. */
export type Exchanged<Reply> = { readonly reply: Reply } | { readonly failure: string };

const ABORTED = 'was not waited for';

/** Never rejects. */
export function exchangeDatagram<Reply>(order: DatagramOrder<Reply>): Promise<Exchanged<Reply>> {
  const { server, message, timeoutMs, datagramsMax, read, signal } = order;
  if (signal?.aborted === true) return Promise.resolve({ failure: ABORTED });
  const { promise, resolve } = Promise.withResolvers<Exchanged<Reply>>();
  const socket = createSocket(server.family === 6 ? 'udp6' : 'udp4');
  let datagrams = 0;
  const end = (result: Exchanged<Reply>): void => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
    socket.removeAllListeners().on('error', () => {});
    // It may be closed by its own error already.
    try {
      socket.close();
    } catch {}
    resolve(result);
  };
  const timer = setTimeout(() => end({ failure: 'does not answer' }), timeoutMs);
  const abort = (): void => end({ failure: ABORTED });
  signal?.addEventListener('abort', abort);
  socket.on('error', (error) => end({ failure: error.message }));
  socket.on('message', (octets) => {
    const reply = read(octets);
    if (reply !== undefined) end({ reply });
    else if (++datagrams >= datagramsMax) end({ failure: 'answers with octets that are no reply' });
  });
  // Connected: the kernel drops what comes from elsewhere.
  // Not as the callback of `connect`, which is called for a failure too: no route, no IPv6 on this machine.
  socket.once('connect', () => socket.send(message));
  socket.connect(server.port, server.ip);
  return promise;
}
