/**
 * Asks one primary for the SOA of a zone: over UDP, or over TLS where its transfers are.
 * Implements: RFC 1034 §4.3.5 (the check of a secondary), RFC 8945 §5.3 (signed where there is a key), RFC 7314 §3,
 * RFC 9103 §6.1 (the SOA query, too, is over TLS).
 * Not here: when (keeper.ts), the transfer (fetch-zone.ts).
 */
import { randomInt } from 'node:crypto';
import {
  NOTIFY_DATAGRAMS_MAX,
  SOA_CHECK_MS,
  SOA_CHECK_TRIES,
  TRANSFER_IN_CONNECT_MS,
  TRANSFER_IN_IDLE_MS,
} from '#base/limits/transfer.ts';
import { type Name, equalNames } from '#dns/name.ts';
import { type Serial } from '#dns/serial.ts';
import { type TsigKey } from '#dns/tsig/key.ts';
import { signedRequest } from '#dns/tsig/sign.ts';
import { TsigStreamVerifier } from '#dns/tsig/verify-stream.ts';
import { TYPE } from '#dns/types.ts';
import { soaSerial } from '#zone/changeset.ts';
import { type ReadMessage, readTransferMessage, writeTransferRequest } from '#transfer/incoming-message.ts';
import { type StreamServer } from '#control/outside/dns-stream.ts';
import { exchangeStream } from '#control/outside/stream-exchange.ts';
import { exchangeDatagram } from '#control/outside/datagram-exchange.ts';

export interface SoaOrder extends StreamServer {
  readonly apex: Name;
  readonly key: TsigKey | undefined;
  /** Seconds since 1970. */
  readonly now: () => number;
}

export type SoaAnswer =
  | { readonly serial: Serial; readonly expireSeconds: number | undefined }
  /** `isSilent`: nothing came, so TCP may be tried. Words that follow the primary's address. */
  | { readonly failure: string; readonly isSilent: boolean };

/** Never rejects. */
export async function askSoa(order: SoaOrder): Promise<SoaAnswer> {
  if (order.tls !== undefined) return askOverTls(order);
  let last: SoaAnswer = { failure: 'does not answer', isSilent: true };
  for (let tries = 0; tries < SOA_CHECK_TRIES; tries++) {
    last = await askOnce(order);
    if ('serial' in last || !last.isSilent) return last;
  }
  return last;
}

async function askOnce(order: SoaOrder): Promise<SoaAnswer> {
  const { server, apex } = order;
  const { asked, message, verify } = questionOf(order);
  const answer = await exchangeDatagram<SoaAnswer>({
    server,
    message,
    timeoutMs: SOA_CHECK_MS,
    datagramsMax: NOTIFY_DATAGRAMS_MAX,
    read: (octets) => {
      const read = readTransferMessage(octets, asked, true);
      return 'failure' in read && read.isOther === true ? undefined : judge(read, octets, apex, verify);
    },
  });
  return 'failure' in answer ? { failure: answer.failure, isSilent: true } : answer.reply;
}

/** Once, and nothing is asked otherwise. */
async function askOverTls(order: SoaOrder): Promise<SoaAnswer> {
  const { asked, message, verify } = questionOf(order);
  const limits = { connectMs: TRANSFER_IN_CONNECT_MS, answerMs: TRANSFER_IN_IDLE_MS };
  const came = await exchangeStream({ ...order, message, ...limits });
  if ('failure' in came) return { failure: came.failure, isSilent: false };
  const answer = judge(readTransferMessage(came.reply, asked, true), came.reply, order.apex, verify);
  return 'serial' in answer ? answer : { ...answer, isSilent: false };
}

function questionOf({ apex, key, now }: SoaOrder) {
  const asked = { id: randomInt(0x1_0000), apex, type: TYPE.SOA };
  const { message, mac } = signedRequest(writeTransferRequest(asked), key, now());
  const verify = (octets: Uint8Array, at: number): string | undefined =>
    key === undefined || mac === undefined ? undefined : new TsigStreamVerifier(key, mac).take(octets, at, now());
  return { asked, message, verify };
}

function judge(
  read: ReadMessage,
  octets: Uint8Array,
  apex: Name,
  verify: (octets: Uint8Array, at: number) => string | undefined,
): SoaAnswer {
  if ('failure' in read) {
    const signature = read.tsigAt === undefined || read.tsigAt === 0 ? undefined : verify(octets, read.tsigAt);
    return { failure: signature ?? read.failure, isSilent: false };
  }
  const { message } = read;
  const forged = verify(octets, message.tsigAt);
  if (forged !== undefined) return { failure: forged, isSilent: false };
  if (message.isTruncated) return { failure: 'answers with a truncated message', isSilent: true };
  if (!message.isAuthoritative) return { failure: 'is not authoritative for the zone', isSilent: false };
  const soa = message.records.find(({ type, owner }) => type === TYPE.SOA && equalNames(owner, apex));
  if (soa === undefined) return { failure: 'has no SOA of the zone', isSilent: false };
  return { serial: soaSerial(soa.rdata), expireSeconds: message.expireSeconds };
}
