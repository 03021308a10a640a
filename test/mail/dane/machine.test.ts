/** RFC 7671 §8.4: the record of a key goes when no host shows the key any more; how that is known, and what is done where it is not. */
import { describe, expect, test } from 'vitest';
import { parseName } from '#dns/name.ts';
import { overrideWait } from '#lifecycle/engine.ts';
import { tlsaActivated, tlsaNext } from '#mail/dane/lifecycle.ts';
import { TLSA_MACHINE } from '#mail/dane/machine.ts';
import { parseTlsa } from '#mail/dane/record.ts';
import { TLSA_LIFE } from '#mail/lives.ts';
import { explainMail } from '#mail/step.ts';
import { APEX, DAY_MS, HOUR_MS, lines, MailDomain } from '../../support/mail/mail-domain.ts';
import { good } from '../../support/temporary-control.ts';

const MINUTE_MS = 60_000;
const OLD = 'tlsa-mx1-1';
const key = (number: number) => `3 1 1 ${String(number).padStart(64, '0')}`;
const POLICY = {
  dkim: { algorithms: [], signerLag: '3h' },
  mtaSts: { mode: 'off' },
  dane: { hosts: { mx1: { keys: [key(1)] } } },
  ttl: { tlsa: '30m' },
};
const published = (domain: MailDomain) =>
  lines(domain.last!.records)
    .filter((line) => line.includes('TLSA'))
    .map((line) => Number(line.slice(-2)));
const told = (domain: MailDomain) =>
  explainMail(domain.state, domain.context())
    .filter(({ object }) => object === OLD)
    .flatMap((each) => each.lines);

/** A host that uses key 2 since this moment, as its operator says; the record of key 1 is on its way out. */
function switched(liveChecks: readonly string[], port = 25): MailDomain {
  const domain = new MailDomain({ ...POLICY, dane: { hosts: { mx1: { keys: [key(1)], port } } } });
  domain.facts = { liveChecks };
  domain.step();
  const host = good(parseName('mx1', APEX));
  const { state, id } = good(tlsaNext(domain.state.tlsa, { host, port, record: good(parseTlsa(key(2))) }, domain.nowMs));
  domain.state = { ...domain.state, tlsa: state };
  domain.step();
  domain.look(1000);
  domain.step(HOUR_MS);
  const world = TLSA_LIFE.world(domain.state, domain.context());
  domain.state = { ...domain.state, tlsa: good(tlsaActivated(domain.state.tlsa, id, world, false)) };
  domain.step();
  expect(domain.state.tlsa.lifecycle.objects.map(({ stage }) => stage)).toEqual(['withdrawing', 'current']);
  return domain;
}

/** The place sees the host with or without the old key. */
const see = (domain: MailDomain, isGood: boolean) =>
  domain.step(0, {
    observations: [{ object: OLD, what: 'not-served', place: 'probe', isGood, text: '', atMs: domain.nowMs }],
  });

describe('RFC 7671 §8.4: no place looks', () => {
  test('the old record stays a TTL and signerLag, then two TTLs more; the wait says so', () => {
    const domain = switched([]);
    expect(domain.last!.nextDueMs).toBe(domain.nowMs + 3 * HOUR_MS + 30 * MINUTE_MS);
    expect(told(domain)).toEqual([
      `${OLD} is withdrawing since 2026-11-21 11:00 UTC; next: removed`,
      '  not-served: waits for the host to be seen without the old key; no place looks at the certificate that the host serves; ' +
        'it waits 3h30m instead; earliest 2026-11-21 14:30 UTC (without it it still shows a key without a record, RFC 7671 §8.4)',
      `    to continue without: waxseal mail override example.com ${OLD} not-served --reason "…"`,
      '  two-ttls: waits for hosts that have not all switched; it counts from the end of "not-served" ' +
        '(without it the old key may still be met, RFC 7671 §8.1)',
      `    to continue without: waxseal mail override example.com ${OLD} two-ttls --reason "…"`,
    ]);
    domain.step(3 * HOUR_MS + 30 * MINUTE_MS);
    expect(published(domain)).toEqual([1, 2]);
    expect(told(domain)[1]).toContain('earliest 2026-11-21 15:30 UTC');
    domain.step(HOUR_MS - 1);
    expect(published(domain)).toEqual([1, 2]);
    domain.step(1);
    expect(published(domain)).toEqual([2]);
  });

  test('an override ends the wait for the look, with its reason', () => {
    const domain = switched([]);
    const cause = { reason: 'one machine, restarted', by: 'ann', nowMs: domain.nowMs };
    const lifecycle = good(overrideWait(TLSA_MACHINE, domain.state.tlsa.lifecycle, OLD, 'not-served', cause));
    domain.state = { ...domain.state, tlsa: { ...domain.state.tlsa, lifecycle } };
    domain.step(HOUR_MS - 1);
    expect(published(domain)).toEqual([1, 2]);
    domain.step(1);
    expect(published(domain)).toEqual([2]);
  });
});

describe('RFC 7671 §8.4: a place looks', () => {
  const LEAST_MS = 3 * HOUR_MS + 30 * MINUTE_MS;
  const notSeen = (domain: MailDomain) =>
    domain.step(0, {
      observations: [
        { object: OLD, what: 'not-served', place: 'probe', isGood: false, isUnseen: true, text: 'connect: no answer', atMs: domain.nowMs },
      ],
    });

  test('not before the last machine behind the name has had time: a look meets one of them, and can only delay', () => {
    const domain = switched(['probe']);
    expect(told(domain)[1]).toContain('it is looked at after 3h30m; earliest 2026-11-21 14:30 UTC');
    expect(domain.last!.nextDueMs).toBe(domain.nowMs + LEAST_MS);
    see(domain, true);
    domain.step(LEAST_MS);
    expect(domain.last!.checks).toMatchObject([{ object: OLD, what: 'not-served', place: 'probe', expect: { record: key(1) } }]);
    domain.step(HOUR_MS);
    expect(told(domain)[1]).toContain('probe: not looked at yet');
    expect(published(domain)).toEqual([1, 2]);
    see(domain, true);
    domain.step(HOUR_MS);
    expect(published(domain)).toEqual([2]);
  });

  test('what should be seen: no key that only this record is of', () => {
    const domain = switched(['probe']);
    domain.step(LEAST_MS);
    expect(domain.last!.checks.map(({ expect: wanted }) => wanted)).toEqual([
      { kind: 'not-served', host: 'mx1.example.com', record: key(1), others: [key(2)], names: ['mx1.example.com', 'example.com'] },
    ]);
  });

  test('a place that sees nothing leaves the time that is waited without it', () => {
    const domain = switched(['probe']);
    domain.step(LEAST_MS);
    notSeen(domain);
    expect(told(domain)[1]).toContain('two-ttls: waits for hosts that have not all switched; earliest 2026-11-21 15:30 UTC');
    domain.step(HOUR_MS - 1);
    expect(published(domain)).toEqual([1, 2]);
    domain.step(1);
    expect(published(domain)).toEqual([2]);
  });

  test('what was seen stays when nothing is seen after it; the old key seen again is waited for again', () => {
    const domain = switched(['probe']);
    domain.step(LEAST_MS);
    see(domain, false);
    domain.step(HOUR_MS);
    notSeen(domain);
    domain.step(5 * DAY_MS);
    expect(published(domain)).toEqual([1, 2]);
    see(domain, true);
    domain.step(30 * MINUTE_MS);
    see(domain, false);
    domain.step(5 * DAY_MS);
    expect(published(domain)).toEqual([1, 2]);
    see(domain, true);
    domain.step(HOUR_MS);
    expect(published(domain)).toEqual([2]);
  });

  test('hosts at other ports than that of SMTP are not looked at', () => {
    const domain = switched(['probe'], 465);
    expect(told(domain)[1]).toContain('no place looks at the certificate that the host serves');
  });

  test('the record stays for as long as the old key is seen, and two TTLs after', () => {
    const domain = switched(['probe']);
    domain.step(5 * DAY_MS);
    see(domain, false);
    expect(domain.last!.checks).toMatchObject([{ object: OLD, what: 'not-served', place: 'probe' }]);
    domain.step(5 * DAY_MS);
    expect(published(domain)).toEqual([1, 2]);
    see(domain, true);
    domain.step(HOUR_MS - 1);
    expect(published(domain)).toEqual([1, 2]);
    domain.step(1);
    expect(published(domain)).toEqual([2]);
  });

  test('one that looks from now on is waited for, though the time without it is over', () => {
    const domain = switched([]);
    domain.step(4 * HOUR_MS);
    domain.facts = { liveChecks: ['probe'] };
    domain.step(5 * DAY_MS);
    expect(published(domain)).toEqual([1, 2]);
  });
});
