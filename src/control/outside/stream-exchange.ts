/**
 * One message to one server over TCP or TLS, over a connection of its own, and the message that comes back. An edge:
 * whatever goes wrong is a text.
 * Implements: RFC 7766 §8 (length before each message).
 * Not here: the connection (dns-stream.ts), streams of many messages (control/secondary/fetch-zone.ts).
 */
import { MESSAGE_BYTES_MAX } from '#base/limits/dns.ts';
import { type StreamServer, framed, openDnsStream } from './dns-stream.ts';

export interface StreamOrder extends StreamServer {
  readonly message: Uint8Array;
  /** Until the connection is there; without `answerMs`, until the whole answer is. */
  readonly connectMs: number;
  /** From then on, until the whole answer is there. */
  readonly answerMs?: number;
}

/** What came, or why nothing did: words that follow the server's address. */
export type StreamExchanged = { readonly reply: Uint8Array } | { readonly failure: string };

/** Never rejects. The reply is the first message that comes, whatever it is. */
export function exchangeStream(order: StreamOrder): Promise<StreamExchanged> {
  const { tls, message, connectMs, answerMs } = order;
  const { promise, resolve } = Promise.withResolvers<StreamExchanged>();
  let unread: Buffer | undefined;
  let bytes = 0;
  const end = (result: StreamExchanged): void => {
    clearTimeout(timer);
    socket.removeAllListeners().on('error', () => {});
    socket.destroy();
    resolve(result);
  };
  const late = (failure: string, ms: number): NodeJS.Timeout => setTimeout(() => end({ failure }), ms);
  let timer = late(`does not answer over ${tls === undefined ? 'TCP' : 'TLS'}`, connectMs);
  const socket = openDnsStream(order, {
    failed: (failure) => end({ failure }),
    ready() {
      if (answerMs !== undefined) {
        clearTimeout(timer);
        timer = late('does not answer', answerMs);
      }
      socket.write(framed(message));
    },
    take(chunk) {
      unread ??= Buffer.alloc(2 + MESSAGE_BYTES_MAX);
      bytes += chunk.copy(unread, bytes);
      const length = bytes < 2 ? Infinity : unread.readUInt16BE(0);
      if (bytes >= 2 + length) end({ reply: new Uint8Array(unread.subarray(2, 2 + length)) });
    },
  });
  return promise;
}
