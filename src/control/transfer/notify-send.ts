/**
 * Sends one NOTIFY and waits for its reply. An edge: whatever goes wrong is a text.
 * Implements: RFC 1996 §3.6 (over UDP), RFC 8945 (signed where the secondary has a key), RFC 5452 §9 (id by chance).
 * Not here: when, how often, and to whom (notifier.ts, control/dnssec/cds-notifier.ts).
 */
import { randomInt } from 'node:crypto';
import { type IpPort } from '#base/address.ts';
import { NOTIFY_DATAGRAMS_MAX, NOTIFY_REPLY_MS } from '#base/limits/transfer.ts';
import { type Name } from '#dns/name.ts';
import { rcodeName } from '#dns/reply.ts';
import { RCODE } from '#dns/types.ts';
import { type TsigKey } from '#dns/tsig/key.ts';
import { signedRequest } from '#dns/tsig/sign.ts';
import { exchangeDatagram } from '#control/outside/datagram-exchange.ts';
import { type StatedSoa, readNotifyReply, writeCdsNotify, writeNotify } from '#transfer/notify-message.ts';

export interface NotifyOrder {
  readonly server: IpPort;
  readonly apex: Name;
  readonly soa: StatedSoa;
  readonly key: TsigKey | undefined;
  /** Seconds since 1970. */
  readonly now: number;
}

/** Undefined: the secondary has acknowledged. Never rejects. */
export function sendNotify({ server, apex, soa, key, now }: NotifyOrder): Promise<string | undefined> {
  return exchange(server, apex, (id) => signedRequest(writeNotify(id, apex, soa), key, now).message);
}

/** NOTIFY(CDS) about `child`. Undefined: the parent has acknowledged. Never rejects. */
export function sendCdsNotify(server: IpPort, child: Name): Promise<string | undefined> {
  return exchange(server, child, (id) => writeCdsNotify(id, child));
}

async function exchange(server: IpPort, apex: Name, write: (id: number) => Uint8Array): Promise<string | undefined> {
  const id = randomInt(0x1_0000);
  const answer = await exchangeDatagram({
    server,
    message: write(id),
    timeoutMs: NOTIFY_REPLY_MS,
    datagramsMax: NOTIFY_DATAGRAMS_MAX,
    read: (octets) => readNotifyReply(octets, id, apex),
  });
  if ('failure' in answer) return answer.failure;
  return answer.reply === RCODE.NOERROR ? undefined : `answers ${rcodeName(answer.reply)}`;
}
