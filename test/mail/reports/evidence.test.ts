/** From counts to evidence: selectors that still sign, and whether TLS works. */
import { expect, test } from 'vitest';
import { ownSources } from '#mail/reports/own-sources.ts';
import { type TlsBook, newBook } from '#mail/reports/book.ts';
import { type DmarcBook, newDmarcBook } from '#mail/reports/dmarc-book.ts';
import { selectorVerdict, tlsVerdict } from '#mail/reports/evidence.ts';
import { BASE, policyOf, zoneOf } from '../../support/mail/mail-domain.ts';

const DAY = 20_454;
const NO_REST = { known: { messages: 0, aligned: 0 }, unknown: { messages: 0 } };

test('RFC 7208 §5: addresses that SPF names without a look-up', () => {
  const mechanisms = [
    'mx',
    'a',
    'ip4:203.0.113.0/24',
    'ip6:2001:db8:1::/48',
    '-ip4:198.51.100.1',
    'include:esp.example',
    'a:other.example',
  ];
  const { spf } = policyOf({ spf: { mechanisms } });
  const view = zoneOf([...BASE, '@ 3600 A 192.0.2.80', '@ 3600 AAAA 2001:db8::80']);
  const sources = [{ include: 'esp.example', networks: ['192.0.2.128/25'], seenAtMs: 0 }];
  const isOurs = ownSources(view, spf, { sources, parts: [] });
  const asked = ['192.0.2.25', '192.0.2.80', '2001:db8::80', '203.0.113.7', '::ffff:203.0.113.7', '2001:db8:1:2::3', '192.0.2.200'];
  expect(asked.filter((each) => !isOurs(each))).toEqual([]);
  expect(['192.0.2.26', '198.51.100.1', '2001:db8:2::1', '203.0.114.7'].filter(isOurs)).toEqual([]);
});

test('RFC 6376 §3.6.1: a selector that reports still have', () => {
  const days: DmarcBook = {
    ...newDmarcBook(),
    days: [
      { day: DAY, sources: [], rest: NO_REST, selectors: { old: 7 } },
      { day: DAY + 1, sources: [], rest: NO_REST, selectors: {} },
    ],
  };
  expect(selectorVerdict(days, 'old', DAY)).toEqual({
    isGood: false,
    text: '7 messages signed with it since 2026-01-01, last on 2026-01-01',
  });
  expect(selectorVerdict(days, 'old', DAY + 1).isGood).toBe(true);
  expect(selectorVerdict(days, 'toString', DAY).isGood).toBe(true);
});

test('RFC 8460 §4.3: one TLS session in a hundred may fail', () => {
  const tls = (succeeded: number, failed: number): TlsBook => ({
    ...newBook(),
    days: [{ day: DAY, succeeded, failed, types: { 'certificate-expired': failed } }],
  });
  expect(tlsVerdict(tls(99, 1), DAY).isGood).toBe(true);
  expect(tlsVerdict(tls(98, 2), DAY)).toEqual({ isGood: false, text: '2 of 100 sessions failed since 2026-01-01: certificate-expired' });
  expect(tlsVerdict(tls(0, 0), DAY).isGood).toBe(true);
});
