/**
 * One question to one name server by itself, any type, with its real TTLs and flags: over UDP, over TCP after
 * truncation. An edge: whatever goes wrong is a text.
 * Implements: RFC 5452 §9 (id by chance), RFC 7766 §5 (TCP after TC).
 * Not here: what a question and its reply look like (dns/reply.ts), resolvers (outside-resolver.ts).
 */
import { randomInt } from 'node:crypto';
import { connect } from 'node:net';
import { type IpPort } from '#base/address.ts';
import { MESSAGE_BYTES_MAX } from '#base/limits/dns.ts';
import { DIRECT_DATAGRAMS_MAX, DIRECT_TCP_MS, DIRECT_UDP_MS, RESOLVER_TRIES } from '#base/limits/outside.ts';
import { type Name, lowerName } from '#dns/name.ts';
import { type Reply, readReply, writeQuestion } from '#dns/reply.ts';
import { type RrType } from '#dns/types.ts';
import { exchangeDatagram } from './datagram-exchange.ts';

/** What came, or why nothing did. `octets` is the whole message. */
export type DirectReply = { readonly reply: Reply; readonly octets?: Uint8Array } | { readonly failure: string };

/** Never rejects. */
export async function askDirectly(server: IpPort, name: Name, type: RrType, isRecursive = false): Promise<DirectReply> {
  const wanted = lowerName(name);
  let last: DirectReply = { failure: 'does not answer' };
  for (let tries = 0; tries < RESOLVER_TRIES; tries++) {
    last = await askUdp(server, wanted, type, isRecursive);
    if ('reply' in last) return last.reply.isTruncated ? askTcp(server, wanted, type, isRecursive) : last;
  }
  return last;
}

async function askUdp(server: IpPort, name: Name, type: RrType, isRecursive: boolean): Promise<DirectReply> {
  const id = randomInt(0x1_0000);
  const answer = await exchangeDatagram({
    server,
    message: writeQuestion(id, name, type, isRecursive),
    timeoutMs: DIRECT_UDP_MS,
    datagramsMax: DIRECT_DATAGRAMS_MAX,
    read: (octets) => {
      const reply = readReply(octets, id, name, type);
      return reply && { reply, octets };
    },
  });
  return 'failure' in answer ? answer : answer.reply;
}

/** Over TCP from the beginning. Never rejects. */
export function askTcp(server: IpPort, name: Name, type: RrType, isRecursive = false): Promise<DirectReply> {
  const { promise, resolve } = Promise.withResolvers<DirectReply>();
  const id = randomInt(0x1_0000);
  const question = writeQuestion(id, name, type, isRecursive);
  const socket = connect({ host: server.ip, port: server.port });
  const chunks: Buffer[] = [];
  let bytes = 0;
  const end = (result: DirectReply): void => {
    clearTimeout(timer);
    socket.removeAllListeners().on('error', () => {});
    socket.destroy();
    resolve(result);
  };
  const timer = setTimeout(() => end({ failure: 'does not answer over TCP' }), DIRECT_TCP_MS);
  socket.on('error', (error) => end({ failure: error.message }));
  socket.on('close', () => end({ failure: 'closes the connection' }));
  socket.on('connect', () =>
    socket.write(Buffer.concat([Buffer.from([question.length >>> 8, question.length & 0xff]), question])),
  );
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.length;
    const all = bytes >= 2 ? Buffer.concat(chunks) : undefined;
    const length = all?.readUInt16BE(0) ?? MESSAGE_BYTES_MAX;
    if (all === undefined || bytes < 2 + length) return;
    const octets = all.subarray(2, 2 + length);
    const reply = readReply(octets, id, name, type);
    end(reply === undefined ? { failure: 'answers with octets that are no reply' } : { reply, octets });
  });
  return promise;
}
