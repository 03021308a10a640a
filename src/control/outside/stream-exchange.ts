/**
 * One message to one server over TCP, over a connection of its own, and the message that comes back. An edge: whatever
 * goes wrong is a text.
 * Implements: RFC 7766 §8 (length before each message).
 * Not here: what is sent (control/update/forward.ts), streams of many messages (control/secondary/fetch-zone.ts).
 */
import { connect } from 'node:net';
import { type IpPort } from '#base/address.ts';
import { MESSAGE_BYTES_MAX } from '#base/limits/dns.ts';

export interface StreamOrder {
  readonly server: IpPort;
  readonly message: Uint8Array;
  /** Until the connection is there. */
  readonly connectMs: number;
  /** From then on, until the whole answer is there. */
  readonly answerMs: number;
}

/** What came, or why nothing did: words that follow the server's address. */
export type StreamExchanged = { readonly reply: Uint8Array } | { readonly failure: string };

/** Never rejects. The reply is the first message that comes, whatever it is. */
export function exchangeStream({ server, message, connectMs, answerMs }: StreamOrder): Promise<StreamExchanged> {
  const { promise, resolve } = Promise.withResolvers<StreamExchanged>();
  const socket = connect({ host: server.ip, port: server.port });
  const unread = Buffer.alloc(2 + MESSAGE_BYTES_MAX);
  let bytes = 0;
  const end = (result: StreamExchanged): void => {
    clearTimeout(timer);
    socket.removeAllListeners().on('error', () => {});
    socket.destroy();
    resolve(result);
  };
  const late = (failure: string, ms: number): NodeJS.Timeout => setTimeout(() => end({ failure }), ms);
  let timer = late('does not answer over TCP', connectMs);
  socket.on('error', (error) => end({ failure: error.message }));
  socket.on('close', () => end({ failure: 'closes the connection before the answer' }));
  socket.on('connect', () => {
    clearTimeout(timer);
    timer = late('does not answer', answerMs);
    socket.write(Buffer.concat([Buffer.from([message.length >>> 8, message.length & 0xff]), message]));
  });
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.copy(unread, bytes);
    const length = bytes < 2 ? Infinity : unread.readUInt16BE(0);
    if (bytes >= 2 + length) end({ reply: new Uint8Array(unread.subarray(2, 2 + length)) });
  });
  return promise;
}
