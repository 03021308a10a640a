/**
 * Sends one NOTIFY and waits for its reply. An edge: whatever goes wrong is a text.
 * Implements: RFC 1996 §3.6 (over UDP), RFC 8945 (signed where the secondary has a key), RFC 5452 §9 (port and id by
 * chance).
 * Not here: when, how often, and to whom (notifier.ts, control/dnssec/cds-notifier.ts).
 */
import { createSocket } from 'node:dgram';
import { randomInt } from 'node:crypto';
import { type IpPort } from '#base/address.ts';
import { NOTIFY_DATAGRAMS_MAX, NOTIFY_REPLY_MS } from '#base/limits/transfer.ts';
import { type Name } from '#dns/name.ts';
import { rcodeName } from '#dns/reply.ts';
import { RCODE } from '#dns/types.ts';
import { type TsigKey } from '#dns/tsig/key.ts';
import { TsigSigner } from '#dns/tsig/sign.ts';
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
  return exchange(server, apex, (id) => signed(writeNotify(id, apex, soa), key, now));
}

/** NOTIFY(CDS) about `child`. Undefined: the parent has acknowledged. Never rejects. */
export function sendCdsNotify(server: IpPort, child: Name): Promise<string | undefined> {
  return exchange(server, child, (id) => writeCdsNotify(id, child));
}

function exchange(server: IpPort, apex: Name, write: (id: number) => Uint8Array): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const id = randomInt(0x1_0000);
  const message = write(id);
  const socket = createSocket(server.family === 6 ? 'udp6' : 'udp4');
  let datagrams = 0;
  const end = (failure: string | undefined): void => {
    clearTimeout(timer);
    socket.removeAllListeners().on('error', () => {});
    // It may be closed by its own error already.
    try {
      socket.close();
    } catch {}
    resolve(failure);
  };
  const timer = setTimeout(() => end('does not answer'), NOTIFY_REPLY_MS);
  socket.on('error', (error) => end(error.message));
  socket.on('message', (octets) => {
    const rcode = readNotifyReply(octets, id, apex);
    if (rcode === RCODE.NOERROR) end(undefined);
    else if (rcode !== undefined) end(`answers ${rcodeName(rcode)}`);
    else if (++datagrams >= NOTIFY_DATAGRAMS_MAX) end('answers with octets that are no reply');
  });
  // Connected: the kernel drops what comes from elsewhere.
  socket.connect(server.port, server.ip, () => socket.send(message));
  return promise;
}

function signed(message: Uint8Array, key: TsigKey | undefined, now: number): Uint8Array {
  if (key === undefined) return message;
  const signer = new TsigSigner(key);
  const out = new Uint8Array(message.length + signer.bytes);
  out.set(message);
  return out.subarray(0, signer.sign(out, message.length, now));
}
