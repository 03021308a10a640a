/** RFC 2181 §8: what caches may hold of records that a mail policy takes over, with the TTLs that these had. */
import { expect, test } from 'vitest';
import { BASE, DAY_MS, MailDomain, lines } from '../support/mail/mail-domain.ts';

const POLICY = { dkim: { algorithms: [] }, mtaSts: { mode: 'off' } };
const secondsOf = (domain: MailDomain, kind: string) => domain.state.ttls[kind]!.map(({ seconds }) => seconds);

test('an SPF record of before counts with its TTL; a shorter one, and other records of the apex, do not', () => {
  const before = new MailDomain(POLICY, [...BASE, '@ 86400 TXT "v=spf1 -all"']);
  before.step();
  expect(secondsOf(before, 'spf')).toEqual([3600, 86_400]);
  // Nothing is replaced any more: what is remembered stays as it is, until it counts no more.
  before.step(DAY_MS);
  expect(secondsOf(before, 'spf')).toEqual([3600, 86_400]);
  before.step(16 * DAY_MS);
  expect(secondsOf(before, 'spf')).toEqual([3600]);

  const shorter = new MailDomain(POLICY, [...BASE, '@ 60 TXT "v=spf1 -all"']);
  shorter.step();
  expect(secondsOf(shorter, 'spf')).toEqual([3600]);
});

test('the record of MTA-STS counts by its name when it is replaced, those of others do not', () => {
  const records = [...BASE, '_mta-sts 86400 TXT "v=STSv1; id=1;"', '_dmarc 86400 TXT "v=DMARC1; p=none"', 'mta-sts 3600 A 192.0.2.80'];
  const domain = new MailDomain({ ...POLICY, mtaSts: { mode: 'testing' } }, records);
  domain.step();
  expect(secondsOf(domain, 'mtaSts')).toEqual([3600]);
  const announced = () => lines(domain.last!.records).some((line) => line.startsWith('_mta-sts 3600 TXT'));
  for (let round = 0; round < 5 && !announced(); round++) domain.look(60_000);
  expect([announced(), secondsOf(domain, 'mtaSts')]).toEqual([true, [3600, 86_400]]);
  for (const kind of ['spf', 'dkim', 'tlsa', 'negative', 'mx'])
    expect([kind, secondsOf(domain, kind)]).toEqual([kind, [expect.any(Number)]]);
});
