/** RFC 7671 §8: the next key's record two TTLs before the key, the old one's two TTLs after. */
import { describe, expect, test } from 'vitest';
import { parseName } from '#dns/name.ts';
import { parseTlsa } from '#mail/dane/record.ts';
import { TLSA_LIFE } from '#mail/lives.ts';
import { notBeforeDeploy, tlsaAbandon, tlsaActivated, tlsaNext } from '#mail/dane/lifecycle.ts';
import { APEX, BASE, DAY_MS, HOUR_MS, lines, MailDomain, policyOf, START_MS } from '../../support/mail/mail-domain.ts';

const key = (number: number) => `3 1 1 ${String(number).padStart(64, '0')}`;
const POLICY = { dkim: { algorithms: [] }, mtaSts: { mode: 'off' }, dane: { hosts: { mx1: { keys: [key(1)] } } } };
const published = (domain: MailDomain) =>
  lines(domain.last!.records)
    .filter((line) => line.includes('TLSA'))
    .map((line) => Number(line.slice(-2)));
const world = (domain: MailDomain) => TLSA_LIFE.world(domain.state, domain.context());

function next(domain: MailDomain, number: number, replaces?: string) {
  const host = parseName('mx1', APEX);
  const record = parseTlsa(key(number));
  if (!host.ok || !record.ok) throw new Error('bad test');
  return tlsaNext(
    domain.state.tlsa,
    { host: host.value, record: record.value, ...(replaces === undefined ? {} : { replaces }) },
    domain.nowMs,
  );
}

/** A next key that was just ordered, and its id. */
function ordered(document: object = POLICY) {
  const domain = new MailDomain(document);
  domain.step();
  const done = next(domain, 2);
  if (!done.ok) throw new Error(done.problems[0]!.message);
  domain.state = { ...domain.state, tlsa: done.value.state };
  domain.step();
  return { domain, id: done.value.id };
}

function activate(domain: MailDomain, id: string, isForced = false) {
  const done = tlsaActivated(domain.state.tlsa, id, world(domain), isForced);
  if (done.ok) domain.state = { ...domain.state, tlsa: done.value };
  return done;
}

describe('a certificate that changes', () => {
  test('current and next stand side by side; not before is propagation and two TTLs', () => {
    const { domain, id } = ordered();
    expect(published(domain)).toEqual([1, 2]);
    expect(notBeforeDeploy(domain.state.tlsa, id, world(domain))).toMatchObject({
      value: { atMs: START_MS + 2 * HOUR_MS, isFinal: false },
    });
    domain.look(10 * 60_000);
    expect(notBeforeDeploy(domain.state.tlsa, id, world(domain))).toMatchObject({
      value: { atMs: START_MS + 600_000 + 2 * HOUR_MS, isFinal: true },
    });
  });

  test('too early is refused with the time; in time it takes over, and the old record stays two TTLs', () => {
    const { domain, id } = ordered();
    domain.look(1000);
    domain.step(2 * HOUR_MS - 1);
    expect(activate(domain, id)).toMatchObject({
      problems: [{ code: 'MAIL_TLSA_EARLY', message: expect.stringContaining('2026-11-21 12:00 UTC') }],
    });
    domain.nowMs++;
    expect(activate(domain, id).ok).toBe(true);
    domain.step();
    // No place looks: a TTL and signerLag first, an hour each.
    domain.step(4 * HOUR_MS - 1);
    expect(published(domain)).toEqual([1, 2]);
    domain.step(1);
    expect(published(domain)).toEqual([2]);
  });

  test('what has happened too early keeps the old record until the new one is known everywhere', () => {
    const { domain, id } = ordered();
    expect(activate(domain, id, true).ok).toBe(true);
    domain.step(10 * DAY_MS);
    expect(published(domain)).toEqual([1, 2]);
    domain.look(1000);
    domain.step(2 * HOUR_MS);
    domain.step(4 * HOUR_MS - 1);
    expect(published(domain)).toEqual([1, 2]);
    domain.step(1);
    expect(published(domain)).toEqual([2]);
  });

  test('a TTL that was lowered counts twice as it was', () => {
    const domain = new MailDomain({ ...POLICY, ttl: { tlsa: '1d' } });
    domain.step();
    domain.policy = policyOf({ ...POLICY, ttl: { tlsa: '5m' } });
    domain.step(1000);
    const done = next(domain, 2);
    if (!done.ok) return expect.fail('refused');
    domain.state = { ...domain.state, tlsa: done.value.state };
    domain.step();
    domain.look(1000);
    const time = notBeforeDeploy(domain.state.tlsa, done.value.id, world(domain));
    // RFC 7671 §8.1: both waits are of the old TTL: a secondary that is behind gives out what it has with that one.
    expect(time.ok && time.value.atMs).toBe(START_MS + 2000 + 2 * DAY_MS);
  });

  test('RFC 7671 §8.1: a TLSA RRset that was there before the policy counts with the TTL that it had', () => {
    const domain = new MailDomain(POLICY, [...BASE, `_25._tcp.mx1 86400 TLSA ${key(1)}`]);
    domain.step();
    const done = next(domain, 2);
    if (!done.ok) return expect.fail('refused');
    domain.state = { ...domain.state, tlsa: done.value.state };
    domain.step();
    domain.look(1000);
    expect(lines(domain.last!.records).filter((line) => line.includes(' 3600 TLSA '))).toHaveLength(2);
    const time = notBeforeDeploy(domain.state.tlsa, done.value.id, world(domain));
    expect(time.ok && time.value.atMs).toBe(START_MS + 1000 + 2 * DAY_MS);
  });

  test('the key that is there needs no second record; one that was never used can be taken back', () => {
    const { domain, id } = ordered();
    expect(next(domain, 2)).toMatchObject({ value: { id, state: domain.state.tlsa } });
    const taken = tlsaAbandon(domain.state.tlsa, id, { reason: 'other CA', by: 'ann', nowMs: domain.nowMs });
    if (!taken.ok) return expect.fail('refused');
    domain.state = { ...domain.state, tlsa: taken.value.state };
    domain.step();
    expect(published(domain)).toEqual([1]);
    const current = domain.state.tlsa.lifecycle.objects[0]!.id;
    expect(tlsaAbandon(domain.state.tlsa, current, { reason: 'x', by: 'ann', nowMs: 0 })).toMatchObject({
      problems: [{ code: 'LIFECYCLE_ORDER' }],
    });
  });

  test('one that the host uses, though too early, is not taken back', () => {
    const { domain, id } = ordered();
    activate(domain, id, true);
    expect(tlsaAbandon(domain.state.tlsa, id, { reason: 'x', by: 'ann', nowMs: 0 })).toMatchObject({
      problems: [{ code: 'LIFECYCLE_ORDER', message: expect.stringContaining('uses') }],
    });
  });
});

describe('the policy', () => {
  test('a key that it changes is a next key, not one in use', () => {
    const { domain } = ordered();
    domain.policy = policyOf({ ...POLICY, dane: { hosts: { mx1: { keys: [key(3)] } } } });
    domain.step();
    expect(domain.state.tlsa.lifecycle.objects.map(({ stage }) => stage)).toEqual(['current', 'published', 'published']);
  });

  test('a host that it leaves out loses DANE', () => {
    const { domain } = ordered();
    domain.policy = policyOf({ ...POLICY, dane: {} });
    domain.step();
    expect([published(domain), domain.state.tlsa.lifecycle.objects]).toEqual([[], []]);
  });

  test('with two keys in use, who orders the next says which goes', () => {
    const domain = new MailDomain({ ...POLICY, dane: { hosts: { mx1: { keys: [key(1), key(5)] } } } });
    domain.step();
    expect(next(domain, 2)).toMatchObject({
      problems: [{ code: 'LIFECYCLE_OBJECT', fix: expect.stringContaining('tlsa-mx1-1, tlsa-mx1-2') }],
    });
    expect(next(domain, 2, 'tlsa-mx1-2').ok).toBe(true);
  });

  test('a host that it does not name has no next key', () => {
    const domain = new MailDomain({ ...POLICY, dane: {} });
    domain.step();
    expect(next(domain, 2)).toMatchObject({ problems: [{ fix: expect.stringContaining('dane.hosts') }] });
  });
});
