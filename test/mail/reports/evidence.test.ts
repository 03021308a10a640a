/** From counts to evidence: who is known, who is in the way, and from which numbers on. */
import { describe, expect, test } from 'vitest';
import { ownSources } from '#mail/reports/own-sources.ts';
import { type DmarcBook, type DmarcSource, type TlsBook, newBook } from '#mail/reports/book.ts';
import { alignedVerdict, selectorVerdict, sourceShares, tlsVerdict } from '#mail/reports/evidence.ts';
import { BASE, policyOf, zoneOf } from '../../support/mail/mail-domain.ts';

const DAY = 20_454;
const source = (address: string, messages: number, aligned: number, forwarded = 0): DmarcSource => ({
  address,
  messages,
  aligned,
  dkim: aligned,
  spf: 0,
  forwarded,
});
const book = (...days: readonly (readonly DmarcSource[])[]): DmarcBook => ({
  ...newBook(),
  days: days.map((sources, at) => ({ day: DAY + at, sources, selectors: {} })),
});
const nobody = () => false;
/** Addresses in the way. */
const holding = (sources: readonly DmarcSource[], isOurs: (address: string) => boolean = nobody) =>
  sourceShares(book(sources), DAY, isOurs).flatMap(({ address, isHolding }) => (isHolding ? [address] : []));

describe('RFC 9989 §7.4: known sources', () => {
  test('98 of 100 is enough, 97 is not', () => {
    expect(holding([source('192.0.2.1', 100, 98)])).toEqual([]);
    expect(holding([source('192.0.2.1', 100, 97)])).toEqual(['192.0.2.1']);
  });

  test('one in a hundred of all known mail counts, or ten a day; less does not', () => {
    expect(holding([source('192.0.2.1', 991, 991), source('192.0.2.2', 9, 1)])).toEqual([]);
    expect(holding([source('192.0.2.1', 989, 989), source('192.0.2.2', 11, 1)])).toEqual(['192.0.2.2']);
    expect(holding([source('192.0.2.1', 99_990, 99_990), source('192.0.2.2', 10, 1)])).toEqual(['192.0.2.2']);
  });

  test('forgers neither hold anything up nor make others look small', () => {
    const forged = source('198.51.100.1', 1_000_000, 0);
    expect(holding([forged, source('192.0.2.1', 5, 5), source('192.0.2.2', 5, 4)])).toEqual(['192.0.2.2']);
    expect(alignedVerdict(sourceShares(book([forged]), DAY, nobody))).toEqual({
      isGood: true,
      text: '0 of 0 messages of known sources aligned; not waited for: 1000000 messages of 1 unknown',
    });
  });

  test('what SPF names is known, though never aligned; what was forwarded does not count', () => {
    expect(sourceShares(book([source('192.0.2.1', 3, 0, 3)]), DAY, nobody)).toEqual([]);
    expect(holding([source('192.0.2.1', 5, 0)], (address) => address === '192.0.2.1')).toEqual(['192.0.2.1']);
    expect(holding([source('192.0.2.1', 10, 5, 5)])).toEqual([]);
  });

  test('only days of the window; sums over them', () => {
    const days = book([source('192.0.2.1', 100, 0)], [source('192.0.2.1', 50, 50)], [source('192.0.2.1', 50, 50)]);
    expect(sourceShares(days, DAY + 1, nobody)).toMatchObject([{ messages: 100, aligned: 100, isHolding: false }]);
    expect(sourceShares(days, DAY, nobody)).toMatchObject([{ messages: 200, aligned: 100, isHolding: true }]);
  });

  test('the text names some and counts the rest', () => {
    const sources = Array.from({ length: 6 }, (_, at) => source(`192.0.2.${at}`, 100 - at, 1));
    expect(alignedVerdict(sourceShares(book(sources), DAY, nobody)).text).toBe(
      'too few messages aligned: 192.0.2.0 1 of 100, 192.0.2.1 1 of 99, 192.0.2.2 1 of 98, 192.0.2.3 1 of 97 and 2 more sources',
    );
  });
});

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
    ...book([], []),
    days: [
      { day: DAY, sources: [], selectors: { old: 7 } },
      { day: DAY + 1, sources: [], selectors: {} },
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
