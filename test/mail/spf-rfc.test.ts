/** The examples of RFC 7208's own text: the zone of Appendix A and the macros of §7.4. */
import { describe, expect, test } from 'vitest';
import { evaluateSpf } from '#mail/spf/evaluate.ts';
import { EXAMPLE_DOMAIN, EXAMPLE_SENDER, MACRO_EXAMPLES } from '../support/mail/spf-rfc-examples.ts';
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

test.each(MACRO_EXAMPLES)('RFC 7208 §7.4: exists:%s of %s looks up %s', async (text, ip, expected) => {
  // Macros that end in no name are put before one.
  const [target, name] = [`${text}.x.example`, `${expected}.x.example`];
  const resolver = tableResolver({ [EXAMPLE_DOMAIN]: { txt: [`v=spf1 exists:${target} -all`] }, [name]: { a: ['127.0.0.2'] } });
  const { result } = await evaluateSpf({ ip, sender: EXAMPLE_SENDER, helo: 'mx.example.org' }, resolver, { clock });
  expect([result, resolver.asked.at(-1)]).toEqual(['pass', `${name} 1`]);
});
