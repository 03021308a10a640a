/** The addresses that a record passes: what is taken off, what cannot be said. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SPF_FLATTEN_NETWORKS_MAX } from '#base/limits/spf.ts';
import { coversFamily, passedAddresses } from '#mail/spf/addresses.ts';
import { evaluateSpf } from '#mail/spf/evaluate.ts';
import { formatNetwork, ipSet, networksOf, parseNetwork, unionOf } from '#mail/spf/ip.ts';
import { type Table, tableResolver } from '../../support/table-resolver.ts';

const HOSTS: Table = {
  'h.example': { a: ['192.0.2.9'], aaaa: ['2001:db8::9'] },
  'a.example': { txt: ['v=spf1 ip4:192.0.2.0/25 -all'] },
};

const passed = (text: string, more: Table = {}) =>
  passedAddresses('inc.example', 'root.example', tableResolver({ ...HOSTS, 'inc.example': { txt: [text] }, ...more }));

async function networks(text: string, more: Table = {}): Promise<string[]> {
  const found = await passed(text, more);
  if (found.kind !== 'addresses') return [found.kind];
  return networksOf(unionOf(...found.parts.map(({ set }) => set))).map(formatNetwork);
}

describe('RFC 7208 §4.6.2: the first match decides', () => {
  test.each([
    ['nothing but networks', 'ip4:192.0.2.0/25 ip6:2001:db8::/32 -all', ['192.0.2.0/25', '2001:db8::/32']],
    ['a fail before takes addresses off', '-ip4:192.0.2.0/25 ip4:192.0.2.0/24 -all', ['192.0.2.128/25']],
    ['a fail behind takes nothing off', 'ip4:192.0.2.0/24 -ip4:192.0.2.0/25 -all', ['192.0.2.0/24']],
    ['softfail and neutral take off like fail', '~ip4:192.0.2.0/26 ?ip4:192.0.2.64/26 ip4:192.0.2.0/24', ['192.0.2.128/25']],
    ['what was passed stays passed', 'ip4:192.0.2.1 -ip4:192.0.2.0/24 ip4:192.0.2.0/24', ['192.0.2.1']],
    ['host bits do not count', 'ip4:192.0.2.77/24 -all', ['192.0.2.0/24']],
    ['all passes the rest of both families', '-ip4:128.0.0.0/1 -ip6:8000::/1 +all', ['0.0.0.0/1', '::/1']],
    ['what stands behind all is not reached', '-all ip4:192.0.2.0/24', []],
  ])('%s', async (_what, terms, expected) => expect(await networks(`v=spf1 ${terms}`)).toEqual(expected));
});

describe('terms', () => {
  test.each([
    ['a of both families', 'a:h.example', ['192.0.2.9', '2001:db8::9']],
    ['prefix lengths of each family', 'a:h.example/24//32', ['192.0.2.0/24', '2001:db8::/32']],
    ['a host that does not exist', 'a:gone.example', []],
    ['mx', 'mx:m.example', ['192.0.2.9', '2001:db8::9']],
    ['§5.2: an include passes what its record passes', 'include:a.example', ['192.0.2.0/25']],
    ['an include with fail passes nothing and takes off', '-include:a.example ip4:192.0.2.0/24', ['192.0.2.128/25']],
    ['§6.1: redirect', 'redirect=a.example', ['192.0.2.0/25']],
    ['§6.1: redirect beside all', 'ip4:198.51.100.1 -all redirect=a.example', ['198.51.100.1']],
    ['%{d} is the record that is read', 'a:h.%{d}', ['192.0.2.10']],
    ['%{o} is the domain that includes', 'a:h.%{o}', ['192.0.2.11']],
  ])('%s', async (_what, terms, expected) => {
    const more = { 'm.example': { mx: ['1 h.example'] }, 'h.inc.example': { a: ['192.0.2.10'] }, 'h.root.example': { a: ['192.0.2.11'] } };
    expect(await networks(`v=spf1 ${terms}`, more)).toEqual(expected);
  });

  test('each part says the record and the term', async () => {
    const found = await passed('v=spf1 include:a.example a:h.example -all');
    expect(found.kind === 'addresses' && found.parts.map(({ via }) => via)).toEqual([
      'a.example ip4:192.0.2.0/25',
      'inc.example a:h.example',
    ]);
  });

  test('the shortest TTL of all that was looked at', async () => {
    const table = tableResolver({ ...HOSTS, 'inc.example': { txt: ['v=spf1 include:a.example -all'] } });
    const ttls: Record<string, number> = { 'a.example': 60 };
    const resolver: typeof table = {
      ...table,
      lookup: async (name, type) => {
        const answer = await table.lookup(name, type);
        const asked = table.asked.at(-1)!.split(' ')[0]!;
        return answer.kind === 'answer' ? { ...answer, ttlSeconds: ttls[asked] ?? 300 } : answer;
      },
    };
    expect(await passedAddresses('inc.example', 'root.example', resolver)).toMatchObject({ kind: 'addresses', ttlSeconds: 60 });
  });
});

describe('no addresses', () => {
  const many = Array.from({ length: 11 }, (_, at) => `${at} h.example`);
  test.each([
    ['ptr', 'v=spf1 ptr -all', 'dynamic'],
    ['exists', 'v=spf1 exists:x.example -all', 'dynamic'],
    ['a name that depends on the message', 'v=spf1 include:%{l}.example -all', 'dynamic'],
    ['an include of itself', 'v=spf1 include:INC.example -all', 'broken'],
    ['an include without a record', 'v=spf1 include:none.example -all', 'broken'],
    ['an include with two records', 'v=spf1 include:two.example -all', 'broken'],
    ['a mistake of form', 'v=spf1 moo -all', 'broken'],
    ['eleven mail hosts', 'v=spf1 mx:many.example -all', 'broken'],
    ['an include that cannot be looked up', 'v=spf1 include:slow.example -all', 'unresolved'],
    ['a host that cannot be looked up', 'v=spf1 a:slow.example -all', 'unresolved'],
  ])('%s', async (_what, text, kind) =>
    expect(
      await passed(text, {
        'two.example': { txt: ['v=spf1 -all', 'v=spf1 +all'] },
        'many.example': { mx: many },
        'slow.example': { timeout: true },
      }),
    ).toMatchObject({ kind }),
  );

  test('more networks than can be published', async () => {
    const terms = (count: number) => Array.from({ length: count }, (_, at) => `ip4:10.${at >> 8}.${at & 255}.0/24`).join(' ');
    expect((await passed(`v=spf1 ${terms(SPF_FLATTEN_NETWORKS_MAX)}`)).kind).toBe('addresses');
    expect((await passed(`v=spf1 ${terms(SPF_FLATTEN_NETWORKS_MAX + 1)}`)).kind).toBe('broken');
  });
});

describe('§5.2: the same as asking', () => {
  const term = fc
    .tuple(fc.constantFrom('', '-', '~', '?'), fc.integer({ min: 0, max: 15 }), fc.integer({ min: 28, max: 32 }))
    .map(([qualifier, last, prefix]) => `${qualifier}ip4:192.0.2.${last}/${prefix}`);

  test('a client is in the set exactly when the record passes it', () =>
    fc.assert(
      fc.asyncProperty(fc.array(term, { maxLength: 6 }), fc.integer({ min: 0, max: 17 }), async (terms, last) => {
        const resolver = tableResolver({ 'inc.example': { txt: [['v=spf1', ...terms, '-all'].join(' ')] } });
        const found = await passedAddresses('inc.example', 'inc.example', resolver);
        const question = { ip: `192.0.2.${last}`, sender: 'u@inc.example', helo: 'h.example' };
        const { result } = await evaluateSpf(question, resolver, { clock: { nowMs: () => 0 } });
        const value = parseNetwork(question.ip).value;
        const isIn =
          found.kind === 'addresses' && found.parts.some(({ set }) => set.some((each) => each.first <= value && value <= each.last));
        expect(isIn).toBe(result === 'pass');
      }),
    ));
});

test.each([
  [['0.0.0.0/0'], true],
  [['0.0.0.0/1', '128.0.0.0/1'], true],
  [['::/0'], true],
  [['0.0.0.0/1'], false],
  [['128.0.0.0/1'], false],
  [['::/1', '192.0.2.1'], false],
  [[], false],
])('%j has all addresses of a family: %j', (texts, expected) => expect(coversFamily(ipSet(texts.map(parseNetwork)))).toBe(expected));
