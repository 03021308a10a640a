/** Which zone a report belongs to, and what is said of one that belongs elsewhere. */
import { describe, expect, test } from 'vitest';
import { type Name, isAtOrBelow, nameOf, ownerKey } from '#dns/name.ts';
import { dmarcReportPlace, tlsReportOf } from '#control/reports/report-domain.ts';
import { type TlsReport } from '#mail/reports/tls-report.ts';
import { APEX, BASE, zoneOf } from '../../support/mail/mail-domain.ts';

const VIEW = zoneOf([
  ...BASE,
  '_dmarc 3600 TXT "v=DMARC1; p=none"',
  '_dmarc.news 3600 TXT "v=DMARC1; p=reject"',
  '_dmarc.half 3600 TXT "something else"',
  'shop 3600 A 192.0.2.80',
]);
/** Served here: example.com, and eu.example.com below it; example.net beside them. */
const APEXES = ['eu.example.com', 'example.com', 'example.net'].map(nameOf);
const apexOf = (name: Name) => APEXES.find((apex) => isAtOrBelow(ownerKey(name), ownerKey(apex)));

describe('a DMARC report', () => {
  const place = (domain: string) => {
    const found = dmarcReportPlace(domain, VIEW, apexOf);
    return found.ok ? found.value : found.problems.map(({ code, fix }) => `${code}: ${fix}`);
  };

  test.each(['example.com', 'shop.example.com', 'gone.shop.example.com', 'half.example.com'])('about %s is about the zone', (domain) => {
    expect(place(domain)).toBe('zone');
  });

  test('about a name with a record of its own is about that name', () => {
    expect(place('news.example.com')).toEqual({ subdomain: 'news.example.com' });
  });

  test.each([
    ['eu.example.com', 'give it to the zone eu.example.com'],
    ['shop.eu.example.com', 'give it to the zone eu.example.com'],
    ['www.example.net', 'give it to the zone example.net'],
    ['example.org', 'no zone of this server has that name: is it meant for another server?'],
    ['com', 'no zone of this server has that name: is it meant for another server?'],
    ['', 'no zone of this server has that name: is it meant for another server?'],
    ['a..b', 'no zone of this server has that name: is it meant for another server?'],
  ])('about %s is for another zone', (domain, fix) => {
    expect(place(domain)).toEqual([`REPORT_DOMAIN: ${fix}`]);
  });
});

describe('RFC 8460 §4.4: a TLS report', () => {
  const report = (...domains: (string | undefined)[]): TlsReport => ({
    organization: 'o',
    id: 'i',
    beginMs: 0,
    endMs: 0,
    policies: domains.map((domain) => ({
      ...(domain === undefined ? {} : { domain }),
      kind: 'sts',
      succeeded: 3,
      failed: 4,
      failures: [],
    })),
    leftOut: [],
  });

  test('counts its policies about the zone, and those that do not say; others are named', () => {
    expect(tlsReportOf(report('example.com', undefined, 'mx1.example.com', 'example.net'), APEX, apexOf)).toMatchObject({
      ok: true,
      value: {
        policies: [{ domain: 'example.com' }, {}],
        leftOut: [
          { what: 'the policy of "mx1.example.com": it is a host of example.com', times: 1, amount: 7 },
          { what: 'the policy of "example.net": it is not about example.com', times: 1, amount: 7 },
        ],
      },
    });
  });

  test('of which no policy is about the zone is for another one', () => {
    expect(tlsReportOf(report('example.net', 'mx.example.net'), APEX, apexOf)).toMatchObject({
      ok: false,
      problems: [
        {
          code: 'REPORT_DOMAIN',
          message: 'it is about "example.net", "mx.example.net", not about example.com',
          fix: 'give it to the zone example.net',
        },
      ],
    });
  });
});
