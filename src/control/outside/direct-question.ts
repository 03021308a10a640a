/**
 * One question to one name server by itself, any type, with its real TTLs and flags: over UDP, over TCP after
 * truncation. An edge: whatever goes wrong is a text.
 * Implements: RFC 5452 §9 (id by chance), RFC 7766 §5 (TCP after TC).
 * Not here: what a question and its reply look like (dns/reply.ts), resolvers (outside-resolver.ts).
 */
import { randomInt } from 'node:crypto';
import { type IpPort } from '#base/address.ts';
import { DIRECT_DATAGRAMS_MAX, DIRECT_TCP_MS, DIRECT_UDP_MS, RESOLVER_TRIES } from '#base/limits/outside.ts';
import { type Name, lowerName } from '#dns/name.ts';
import { type Reply, readReply, writeQuestion } from '#dns/reply.ts';
import { type RrType } from '#dns/types.ts';
import { exchangeDatagram } from './datagram-exchange.ts';
import { exchangeStream } from './stream-exchange.ts';

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
export async function askTcp(server: IpPort, name: Name, type: RrType, isRecursive = false): Promise<DirectReply> {
  const id = randomInt(0x1_0000);
  const message = writeQuestion(id, name, type, isRecursive);
  const came = await exchangeStream({ server, message, connectMs: DIRECT_TCP_MS });
  if ('failure' in came) return came;
  const reply = readReply(came.reply, id, name, type);
  return reply === undefined ? { failure: 'answers with octets that are no reply' } : { reply, octets: came.reply };
}
