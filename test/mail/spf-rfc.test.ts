/** The examples of RFC 7208's own text: the zone of Appendix A and the macros of §7.4. */
import { describe, expect, test } from 'vitest';
import { evaluateSpf } from '#mail/spf/evaluate.ts';
import { parseIp } from '#mail/spf/ip.ts';
import { expandMacros, parseMacros } from '#mail/spf/macro.ts';
import { type Table, type TableEntry, tableResolver } from '../support/table-resolver.ts';

const clock = { nowMs: () => 1_700_000_000_000 };

const ZONE: Table = {
  'example.com': { mx: ['10 mail-a.example.com', '20 mail-b.example.com'], a: ['192.0.2.10', '192.0.2.11'] },
  'amy.example.com': { a: ['192.0.2.65'] },
  'bob.example.com': { a: ['192.0.2.66'] },
  'mail-a.example.com': { a: ['192.0.2.129'] },
  'mail-b.example.com': { a: ['192.0.2.130'] },
  'www.example.com': { cname: 'example.com' },
  'example.org': { mx: ['10 mail-c.example.org'] },
  'mail-c.example.org': { a: ['192.0.2.140'] },
  '10.2.0.192.in-addr.arpa': { ptr: ['example.com'] },
  '11.2.0.192.in-addr.arpa': { ptr: ['example.com'] },
  '65.2.0.192.in-addr.arpa': { ptr: ['amy.example.com'] },
  '66.2.0.192.in-addr.arpa': { ptr: ['bob.example.com'] },
  '129.2.0.192.in-addr.arpa': { ptr: ['mail-a.example.com'] },
  '130.2.0.192.in-addr.arpa': { ptr: ['mail-b.example.com'] },
  '140.2.0.192.in-addr.arpa': { ptr: ['mail-c.example.org'] },
  // A rogue reverse zone that claims to be something it is not.
  '4.0.0.10.in-addr.arpa': { ptr: ['bob.example.com'] },
};

const CLIENTS = [
  ...['10', '11', '65', '66', '129', '130', '140', '141', '131'].map((last) => `192.0.2.${last}`),
  '10.0.0.4',
  '198.51.100.7',
];

async function passing(record: string, more: Record<string, TableEntry> = {}, sender = 'strong-bad@example.com'): Promise<string[]> {
  const table = { ...ZONE, ...more };
  const resolver = tableResolver({ ...table, 'example.com': { ...table['example.com'], txt: [record] } });
  const passed: string[] = [];
  for (const ip of CLIENTS) {
    const { result } = await evaluateSpf({ ip, sender, helo: 'mail.example.net' }, resolver, { clock });
    expect(['pass', 'fail']).toContain(result);
    if (result === 'pass') passed.push(ip);
  }
  return passed;
}

describe('RFC 7208 Appendix A.1: simple examples', () => {
  test.each([
    ['v=spf1 +all', CLIENTS],
    ['v=spf1 a -all', ['192.0.2.10', '192.0.2.11']],
    ['v=spf1 a:example.org -all', []],
    ['v=spf1 mx -all', ['192.0.2.129', '192.0.2.130']],
    ['v=spf1 mx:example.org -all', ['192.0.2.140']],
    ['v=spf1 mx mx:example.org -all', ['192.0.2.129', '192.0.2.130', '192.0.2.140']],
    ['v=spf1 mx/30 mx:example.org/30 -all', ['192.0.2.129', '192.0.2.130', '192.0.2.140', '192.0.2.141', '192.0.2.131']],
    ['v=spf1 ptr -all', ['192.0.2.10', '192.0.2.11', '192.0.2.65', '192.0.2.66', '192.0.2.129', '192.0.2.130']],
    ['v=spf1 ip4:192.0.2.128/28 -all', ['192.0.2.129', '192.0.2.130', '192.0.2.140', '192.0.2.141', '192.0.2.131']],
  ])('%s', async (record, expected) => expect(await passing(record)).toEqual(expected));
});

test('RFC 7208 Appendix A.2: several domains, include and redirect', async () => {
  const resolver = tableResolver({
    ...ZONE,
    'example.com': { ...ZONE['example.com'], txt: ['v=spf1 mx -all'] },
    'example.net': { txt: ['v=spf1 ip4:198.51.100.7 -all'] },
    'example.org': { ...ZONE['example.org'], txt: ['v=spf1 include:example.com include:example.net -all'] },
    'la.example.org': { txt: ['v=spf1 redirect=example.org'] },
  });
  const ask = async (ip: string) => {
    const { result, lookups } = await evaluateSpf({ ip, sender: 'user@la.example.org', helo: 'h.example.org' }, resolver, { clock });
    return [result, lookups];
  };
  expect(await ask('192.0.2.129')).toEqual(['pass', 3]);
  expect(await ask('198.51.100.7')).toEqual(['pass', 4]);
  expect(await ask('192.0.2.140')).toEqual(['fail', 4]);
});

test('RFC 7208 Appendix A.3: like a DNS block list', async () => {
  const more = {
    'mobile-users._spf.example.com': { txt: ['v=spf1 exists:%{l1r+}.%{d}'] },
    'remote-users._spf.example.com': { txt: ['v=spf1 exists:%{ir}.%{l1r+}.%{d}'] },
    'mary.mobile-users._spf.example.com': { a: ['127.0.0.2'] },
    'fred.mobile-users._spf.example.com': { a: ['127.0.0.2'] },
    '15.15.168.192.joel.remote-users._spf.example.com': { a: ['127.0.0.2'] },
    '7.100.51.198.joel.remote-users._spf.example.com': { a: ['127.0.0.2'] },
  };
  const record = 'v=spf1 mx include:mobile-users._spf.%{d} include:remote-users._spf.%{d} -all';
  expect(await passing(record, more, 'mary@example.com')).toEqual(CLIENTS);
  expect(await passing(record, more, 'fred+newsletter@example.com')).toEqual(CLIENTS);
  expect(await passing(record, more, 'joel@example.com')).toEqual(['192.0.2.129', '192.0.2.130', '198.51.100.7']);
  expect(await passing(record, more, 'bob@example.com')).toEqual(['192.0.2.129', '192.0.2.130']);
});

test('RFC 7208 Appendix A.4: several requirements at once', async () => {
  const more = {
    'ip4._spf.example.com': { txt: ['v=spf1 -ip4:192.0.2.0/24 +all'] },
    'ptr._spf.example.com': { txt: ['v=spf1 -ptr:example.com +all'] },
  };
  // Both must hold: an address of ours, and a name of ours.
  expect(await passing('v=spf1 -include:ip4._spf.%{d} -include:ptr._spf.%{d} +all', more)).toEqual([
    '192.0.2.10',
    '192.0.2.11',
    '192.0.2.65',
    '192.0.2.66',
    '192.0.2.129',
    '192.0.2.130',
  ]);
});

describe('RFC 7208 §7.4: macro examples', () => {
  const expand = (text: string, ip = '192.0.2.3') =>
    expandMacros(parseMacros(text, true).macros, {
      ip: parseIp(ip)!,
      sender: 'strong-bad@email.example.com',
      helo: 'mx.example.org',
      domain: 'email.example.com',
      validatedName: 'mx.example.org',
      receiver: 'receiver.example.net',
      nowSeconds: 1_700_000_000,
    });

  test.each([
    ['%{s}', 'strong-bad@email.example.com'],
    ['%{o}', 'email.example.com'],
    ['%{d}', 'email.example.com'],
    ['%{d4}', 'email.example.com'],
    ['%{d3}', 'email.example.com'],
    ['%{d2}', 'example.com'],
    ['%{d1}', 'com'],
    ['%{dr}', 'com.example.email'],
    ['%{d2r}', 'example.email'],
    ['%{l}', 'strong-bad'],
    ['%{l-}', 'strong.bad'],
    ['%{lr}', 'strong-bad'],
    ['%{lr-}', 'bad.strong'],
    ['%{l1r-}', 'strong'],
    ['%{ir}.%{v}._spf.%{d2}', '3.2.0.192.in-addr._spf.example.com'],
    ['%{lr-}.lp._spf.%{d2}', 'bad.strong.lp._spf.example.com'],
    ['%{lr-}.lp.%{ir}.%{v}._spf.%{d2}', 'bad.strong.lp.3.2.0.192.in-addr._spf.example.com'],
    ['%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}', '3.2.0.192.in-addr.strong.lp._spf.example.com'],
    ['%{d2}.trusted-domains.example.net', 'example.com.trusted-domains.example.net'],
    // §7.2, §7.3: the rest of the letters and escapes
    ['%{h} %{p} %{c} %{r} %{t}', 'mx.example.org mx.example.org 192.0.2.3 receiver.example.net 1700000000'],
    ['%%%_%-', '% %20'],
    ['%{S}', 'strong-bad%40email.example.com'],
    ['%{D1} %{L}', 'com strong-bad'],
  ])('%s → %s', (text, expected) => expect(expand(text)).toBe(expected));

  test('IPv6', () => {
    expect(expand('%{ir}.%{v}._spf.%{d2}', '2001:db8::cb01')).toBe(
      '1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com',
    );
    expect(expand('%{c} %{i}', '2001:DB8::CB01')).toBe('2001:db8::cb01 2.0.0.1.0.d.b.8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.c.b.0.1');
  });
});
