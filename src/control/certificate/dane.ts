/**
 * Certificates of hosts with TLSA records: the record of the next key is published, and the certificate is used when
 * every cache can know it. It is the mail's record that says when; this asks for it, and says which key is in use.
 * Implements: RFC 7671 §8.1.
 * Not here: which record is of which certificate (mail/dane/follow.ts), the life of a record (mail/dane/machine.ts).
 */
import { X509Certificate } from 'node:crypto';
import { CERTIFICATE_DEPLOY_LOOK_MS } from '#base/limits/acme.ts';
import { type Name, nameOf } from '#dns/name.ts';
import { formatTime } from '#lifecycle/timeline.ts';
import { cachedUntilMs } from '#lifecycle/ttl-memory.ts';
import { type ConditionVerdict } from '#lifecycle/waits.ts';
import { worldOf } from '#lifecycle/world.ts';
import { type Chain, type FollowedHost, abandonedOf, isFollowed, standingOf, unusedOf } from '#mail/dane/follow.ts';
import { deployTimes, tlsaVocabulary } from '#mail/dane/lifecycle.ts';
import { type MailState } from '#mail/state.ts';
import { readMailState } from '#store/mail/state.ts';
import { readHostCertificate } from '#store/tls/host-certificate.ts';
import { type StoreReader } from '#store/reader.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type Command } from '#control/api/control.ts';
import { type CountedTime } from '#control/lifecycle/counted-time.ts';

export interface KeyRecordsOptions {
  readonly reader: StoreReader;
  readonly time: Pick<CountedTime, 'read'>;
}

export class KeyRecords {
  readonly #options: KeyRecordsOptions;

  constructor(options: KeyRecordsOptions) {
    this.#options = options;
  }

  /** Whether the host may use the certificate `pem` now, as far as senders may hold TLSA records. */
  verdict(record: ZoneRecord, host: string, pem: string): ConditionVerdict {
    const state = this.#mail(record);
    const followed = this.#followed(record, host);
    const free = { isMet: true, text: 'no TLSA record names a key' };
    if (state === undefined || followed.served === undefined) return free;
    const { wanted, pending, ready } = standingOf(state.tlsa, chainOf(pem), followed);
    const { nowMs, wallOffsetMs } = this.#options.time.read();
    const soonMs = nowMs + CERTIFICATE_DEPLOY_LOOK_MS;
    const [first] = pending;
    if (first !== undefined) {
      const atMs = deployTimes(state.tlsa, this.#world(state)).get(first.id)?.atMs;
      const when = atMs === undefined ? '' : `, not before ${formatTime(atMs)}`;
      const text = `the TLSA record of its key, ${first.id}, is ${first.stage}${when}`;
      return { isMet: false, text, atMs: Math.max(soonMs, (atMs ?? 0) - wallOffsetMs) };
    }
    const unpublished = { isMet: false, text: 'the TLSA record of its key is not published yet', atMs: soonMs };
    if (wanted.length > 0) return unpublished;
    const ids = ready.map(({ id }) => id).join(', ');
    return ids === '' ? free : { isMet: true, text: `every cache can know ${ids}` };
  }

  /** Orders for the records that the certificate `pem` needs and that are not there. */
  announcements(record: ZoneRecord, host: string, pem: string): Command[] {
    const state = this.#mail(record);
    if (state === undefined) return [];
    const { wanted } = standingOf(state.tlsa, chainOf(pem), this.#followed(record, host));
    const zone = nameOf(record.name);
    return wanted.map(({ port, record: key, replaces }) => ({
      kind: 'tlsa.next',
      zone,
      host: `${host}.`,
      key,
      port,
      replaces,
    }));
  }

  /** Orders that say that the host uses the key that it has now. */
  activations(record: ZoneRecord, host: string): Command[] {
    const state = this.#mail(record);
    if (state === undefined) return [];
    const unused = unusedOf(state.tlsa, this.#followed(record, host));
    return unused.map(({ id }) => order(record, host, { kind: 'tlsa.activated', object: id, force: false }));
  }

  /** Orders that take back records of a certificate that will not be used. */
  abandonments(record: ZoneRecord, host: string, pem: string): Command[] {
    const state = this.#mail(record);
    if (state === undefined) return [];
    const reason = 'its certificate is not wanted any more';
    const abandoned = abandonedOf(state.tlsa, chainOf(pem), this.#followed(record, host));
    return abandoned.map(({ id }) => order(record, host, { kind: 'tlsa.abandon', object: id, reason }));
  }

  /** How long the record of a next key takes until every cache can know it; 0: no record follows the host's key. */
  leadMs(record: ZoneRecord, host: string): number {
    const state = this.#mail(record);
    if (state === undefined || !isFollowed(state.tlsa, this.#followed(record, host))) return 0;
    const { nowMs } = this.#options.time.read();
    const ttlMs = cachedUntilMs(state.ttls, 'tlsa', nowMs) - nowMs;
    return 2 * ttlMs;
  }

  #mail(record: ZoneRecord): MailState | undefined {
    const state = readMailState(this.#options.reader, record.id);
    return state === undefined || state.tlsa.lifecycle.objects.length === 0 ? undefined : state;
  }

  #followed(record: ZoneRecord, host: string): FollowedHost {
    const { reader, time } = this.#options;
    const { nowMs, wallOffsetMs } = time.read();
    const chain = readHostCertificate(reader, record.id, host)?.chain;
    const served = chain === undefined ? undefined : chainOf(chain);
    return { host, domain: nameOf(record.name), served, nowMs: nowMs + wallOffsetMs };
  }

  #world({ ttls }: MailState) {
    const { nowMs, wallOffsetMs } = this.#options.time.read();
    const facts = { nowMs, wallOffsetMs, places: {} };
    return worldOf(facts, tlsaVocabulary([], 0, ttls, facts), () => '');
  }
}

type Order =
  | { readonly kind: 'tlsa.activated'; readonly object: string; readonly force: boolean }
  | { readonly kind: 'tlsa.abandon'; readonly object: string; readonly reason: string };

function order({ name }: ZoneRecord, host: string, given: Order): Command {
  const zone: Name = nameOf(name);
  return { ...given, zone, host: `${host}.` };
}

const BLOCK = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

function chainOf(pem: string): Chain {
  const ders = (pem.match(BLOCK) ?? []).map((block) => new Uint8Array(new X509Certificate(block).raw));
  return { pem, ders };
}
