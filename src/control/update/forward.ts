/**
 * An UPDATE of a zone that comes from primaries goes to them as it came, and their answer goes back: they hold the key,
 * and the rights are theirs.
 * Implements: RFC 2136 §6 (an id of its own, TCP, primaries in the order of transfers), RFC 8945 §5.5 (the signature
 * stays as it is).
 * A primary that hangs holds few of the places that control has for messages, and none of another zone's share.
 * Not here: which messages go there (updates.ts, transfer/update-gate.ts), the list (control/secondary/).
 */
import { createHash, randomInt } from 'node:crypto';
import { clientNetwork, ipPort } from '#base/address.ts';
import { type Clock } from '#base/clock.ts';
import {
  UPDATE_FORWARD_ANSWER_MS,
  UPDATE_FORWARD_CONNECT_MS,
  UPDATE_FORWARD_MS_MAX,
  UPDATE_FORWARDS_MAX,
  UPDATE_FORWARDS_PER_CLIENT_MAX,
  UPDATE_FORWARDS_PER_SECOND_MAX,
  UPDATE_FORWARDS_PER_ZONE_MAX,
} from '#base/limits/update.ts';
import { HEADER_BYTES } from '#dns/message.ts';
import { OPCODE, RCODE } from '#dns/types.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type Primary } from '#store/transfer/primaries.ts';
import { type StreamTls } from '#control/outside/dns-stream.ts';
import { type StreamExchanged, type StreamOrder, exchangeStream } from '#control/outside/stream-exchange.ts';

export interface ForwarderOptions {
  /** In the order in which a transfer asks them. */
  readonly primaries: (record: ZoneRecord) => readonly Primary[];
  /** How one is asked: over TLS where its transfers are (RFC 9103 §6.2). */
  readonly access: (primary: Primary) => { readonly tls: StreamTls | undefined } | { readonly failure: string };
  readonly clock: Clock;
  readonly exchange?: (order: StreamOrder) => Promise<StreamExchanged>;
}

/** The answer with the id of the message, or why there is none: a whole sentence without its end. */
export type Forwarded = { readonly answer: Uint8Array } | { readonly failure: string };

export class UpdateForwarder {
  readonly #options: Required<ForwarderOptions>;
  /** Under way, by zone and by client network. */
  readonly #taken = new Map<string, number>();
  /** In this second, by the same. */
  #rates = new Map<string, number>();
  #rateSecond = 0;
  /** Under way, by what they say: a client that sends again waits for the same answer. */
  readonly #running = new Map<string, Promise<Forwarded>>();

  constructor(options: ForwarderOptions) {
    this.#options = { exchange: exchangeStream, ...options };
  }

  /** `from`: the client's address as text. Never rejects. */
  async forward(record: ZoneRecord, message: Uint8Array, from: string): Promise<Forwarded> {
    const same = createHash('sha256').update(`${record.id} `).update(message.subarray(2)).digest('base64');
    const before = this.#running.get(same);
    const places = [`zone ${record.id}`, `client ${clientNetwork(from)}`] as const;
    const busy = before === undefined ? this.#refusePlace(places) : undefined;
    if (busy !== undefined) return { failure: busy };
    const running = before ?? this.#inPlace(same, places, () => this.#ask(record, message));
    const done = await running;
    return 'answer' in done ? { answer: withId(done.answer, message[0]!, message[1]!) } : done;
  }

  #refusePlace([zone, client]: readonly [string, string]): string | undefined {
    const second = Math.floor(this.#options.clock.nowMs() / 1000);
    if (second !== this.#rateSecond) [this.#rateSecond, this.#rates] = [second, new Map()];
    const [zoneRate, clientRate] = [this.#rates.get(zone) ?? 0, this.#rates.get(client) ?? 0];
    if (zoneRate >= UPDATE_FORWARDS_PER_SECOND_MAX || clientRate >= UPDATE_FORWARDS_PER_SECOND_MAX / 2)
      return `more than ${UPDATE_FORWARDS_PER_SECOND_MAX} updates in a second, or half of them from one client`;
    const isFull =
      this.#running.size >= UPDATE_FORWARDS_MAX ||
      (this.#taken.get(zone) ?? 0) >= UPDATE_FORWARDS_PER_ZONE_MAX ||
      (this.#taken.get(client) ?? 0) >= UPDATE_FORWARDS_PER_CLIENT_MAX;
    if (isFull) return 'too many updates wait for the primaries';
    this.#rates.set(zone, zoneRate + 1).set(client, clientRate + 1);
    return undefined;
  }

  #inPlace(same: string, places: readonly string[], work: () => Promise<Forwarded>): Promise<Forwarded> {
    for (const place of places) this.#taken.set(place, (this.#taken.get(place) ?? 0) + 1);
    const running = work().finally(() => {
      this.#running.delete(same);
      for (const place of places) {
        const left = this.#taken.get(place)! - 1;
        if (left === 0) this.#taken.delete(place);
        else this.#taken.set(place, left);
      }
    });
    this.#running.set(same, running);
    return running;
  }

  /** RFC 2136 §4.3, §6.5: a primary that cannot do it, or does not answer, is followed by the next. */
  async #ask(record: ZoneRecord, message: Uint8Array): Promise<Forwarded> {
    const { primaries, access, exchange } = this.#options;
    const untilMs = performance.now() + UPDATE_FORWARD_MS_MAX;
    const failures: string[] = [];
    let unable: Uint8Array | undefined;
    for (const primary of primaries(record)) {
      const { ip, port } = primary;
      const leftMs = untilMs - performance.now();
      if (leftMs <= 0) break;
      const way = access(primary);
      if ('failure' in way) {
        failures.push(`${ip} ${way.failure}`);
        continue;
      }
      // RFC 2136 §6: an id of our own; the TSIG record keeps that of the client (RFC 8945 §4.2).
      const sent = withId(message, randomInt(256), randomInt(256));
      const connectMs = Math.min(UPDATE_FORWARD_CONNECT_MS, leftMs);
      const answerMs = Math.min(UPDATE_FORWARD_ANSWER_MS, leftMs);
      const came = await exchange({ server: ipPort(ip, port), tls: way.tls, message: sent, connectMs, answerMs });
      if ('failure' in came) failures.push(`${ip} ${came.failure}`);
      else if (!isAnswerTo(sent, came.reply)) failures.push(`${ip} sends what is no answer`);
      else if (UNABLE.has(came.reply[3]! & 0x0f)) unable = came.reply;
      else return { answer: came.reply };
    }
    if (unable !== undefined) return { answer: unable };
    return { failure: failures.length === 0 ? 'the zone has no primaries' : failures.join('; ') };
  }
}

const UNABLE: ReadonlySet<number> = new Set([RCODE.SERVFAIL, RCODE.NOTIMP]);

function isAnswerTo(sent: Uint8Array, reply: Uint8Array): boolean {
  const [high, low, flags] = reply;
  const isSame = high === sent[0] && low === sent[1] && reply.length >= HEADER_BYTES;
  return isSame && flags! >> 3 === (0x10 | OPCODE.UPDATE);
}

function withId(message: Uint8Array, high: number, low: number): Uint8Array {
  const copy = message.slice();
  [copy[0], copy[1]] = [high, low];
  return copy;
}
