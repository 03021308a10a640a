/** check_host() by the sections of RFC 7208. */
import { describe, expect, test } from 'vitest';
import { type SpfEvaluation, type SpfOptions, type SpfQuestion, evaluateSpf } from '#mail/spf/evaluate.ts';
import { type Table, tableResolver } from '../../support/table-resolver.ts';

const clock = { nowMs: () => 1_700_000_000_000 };

/** The record of example.com is `record`; the client is 192.0.2.1 unless told. */
function check(
  record: string | readonly string[],
  more: Table = {},
  question: Partial<SpfQuestion> = {},
  options: Partial<SpfOptions> = {},
): Promise<SpfEvaluation> {
  const txt = typeof record === 'string' ? [record] : record;
  const resolver = tableResolver({ ...more, 'example.com': { ...more['example.com'], txt } });
  return evaluateSpf({ ip: '192.0.2.1', sender: 'user@example.com', helo: 'mail.example.com', ...question }, resolver, {
    clock,
    ...options,
  });
}

const result = async (...args: Parameters<typeof check>) => (await check(...args)).result;

describe('RFC 7208 §4.3: the initial domain', () => {
  const records = { 'example.com': { txt: ['v=spf1 -all exp=why.example.com'] }, 'why.example.com': { txt: ['%{l}'] } };
  const label63 = 'a'.repeat(63);
  test.each([
    ['a label of 64 octets', `u@${label63}a.example.com`, 'h.example.com', 'none'],
    ['a label of 63 octets', `u@${label63}.example.com`, 'h.example.com', 'fail'],
    ['empty labels', 'u@a...example.com', 'h.example.com', 'none'],
    ['an address literal', 'u@[192.0.2.1]', 'h.example.com', 'none'],
    ['one label', 'u@localhost', 'h.example.com', 'none'],
    ['a name that does not exist', 'u@nowhere.example', 'h.example.com', 'none'],
    ['null sender: HELO, one label', '', 'OEMCOMPUTER', 'none'],
    ['null sender: HELO, an address literal', '', '[192.0.2.1]', 'none'],
    ['null sender: HELO, a domain', '', 'example.com', 'fail'],
    ['a last dot', 'u@example.com.', 'h.example.com', 'fail'],
  ])('%s', async (_what, sender, helo, expected) => {
    const resolver = tableResolver({ ...records, [`${label63}.example.com`]: { txt: ['v=spf1 -all'] } });
    const evaluation = await evaluateSpf({ ip: '192.0.2.1', sender, helo }, resolver, { clock });
    expect(evaluation).toMatchObject({ result: expected, lookups: 0, voids: 0 });
  });

  test('postmaster stands for a missing local part, also when the sender is null (§2.4)', async () => {
    for (const [sender, helo] of [
      ['@example.com', 'x.example'],
      ['', 'example.com'],
      ['example.com', 'x.example'],
    ] as const) {
      expect((await evaluateSpf({ ip: '192.0.2.1', sender, helo }, tableResolver(records), { clock })).explanation).toBe('postmaster');
    }
  });

  test('RFC 8616 §4: U-labels are looked up as A-labels', async () => {
    const resolver = tableResolver({ 'xn--bcher-kva.example': { txt: ['v=spf1 ip4:192.0.2.1 -all'] } });
    expect((await evaluateSpf({ ip: '192.0.2.1', sender: 'u@Bücher.example', helo: 'h' }, resolver, { clock })).result).toBe('pass');
  });

  test('RFC 8616 §4: a term with a non-ASCII local part never matches, and is not asked', async () => {
    const resolver = tableResolver({ 'example.com': { txt: ['v=spf1 exists:%{l}.u.example.com -all'] } });
    const evaluation = await evaluateSpf({ ip: '192.0.2.1', sender: 'bücher@example.com', helo: 'h' }, resolver, { clock });
    expect(evaluation).toMatchObject({ result: 'fail', lookups: 1, voids: 0 });
    expect(resolver.asked).toEqual(['example.com 16']);
  });

  test('an address that is none is our own mistake', () =>
    expect(evaluateSpf({ ip: '192.0.2', sender: 'u@example.com', helo: 'h' }, tableResolver({}), { clock })).rejects.toThrow('not an IP'));
});

describe('RFC 7208 §4.4, §4.5: the record', () => {
  test('TXT cannot be had: temperror', async () => {
    for (const broken of [{ timeout: true }, { servfail: true }] as const) {
      const resolver = tableResolver({ 'example.com': broken });
      const evaluation = await evaluateSpf({ ip: '192.0.2.1', sender: 'u@example.com', helo: 'h' }, resolver, { clock });
      expect(evaluation).toMatchObject({ result: 'temperror', problems: [{ code: 'SPF_UNRESOLVED' }] });
    }
  });
  test('no TXT at all: none', async () =>
    expect(
      (
        await evaluateSpf({ ip: '192.0.2.1', sender: 'u@a.example', helo: 'h' }, tableResolver({ 'a.example': { a: ['192.0.2.1'] } }), {
          clock,
        })
      ).result,
    ).toBe('none'));
  test('TXT of other things: none', async () => expect(await result(['v=spf10 +all', 'hello', 'v=spf1mx'])).toBe('none'));
  test('one among others, any octets in those', async () => expect(await result(['\u0096', 'v=spf10 +all', 'V=sPf1 -all'])).toBe('fail'));
  test('two: permerror', async () => {
    expect(await check(['v=spf1 -all', 'V=SPF1 +all'])).toMatchObject({ result: 'permerror', problems: [{ code: 'SPF_MULTIPLE' }] });
  });
  test('an empty record: neutral (§4.7)', async () => expect(await result('v=spf1')).toBe('neutral'));
  test('more than one space', async () => expect(await result('v=spf1  ip4:192.0.2.1   -all ')).toBe('pass'));
});

describe('RFC 7208 §4.6: syntax errors anywhere', () => {
  test.each(['v=spf1 ip4:192.0.2.1 -all moo', 'v=spf1 +all foo=%abc', 'v=spf1 ip4:192.0.2.1 -all ip6', 'v=spf1 +all\u0080'])(
    '%s',
    async (record) => expect(await check(record)).toMatchObject({ result: 'permerror', lookups: 0, matched: undefined }),
  );
});

describe('RFC 7208 §4.6.2, §4.7: qualifiers and the default', () => {
  test.each([
    ['v=spf1 +ip4:192.0.2.1 -all', 'pass'],
    ['v=spf1 -ip4:192.0.2.1 +all', 'fail'],
    ['v=spf1 ~ip4:192.0.2.1 +all', 'softfail'],
    ['v=spf1 ?ip4:192.0.2.1 +all', 'neutral'],
    ['v=spf1 all -all', 'pass'],
    ['v=spf1 ip4:192.0.2.2', 'neutral'],
    ['v=spf1 default=fail', 'neutral'],
  ])('%s: %s', async (record, expected) => expect(await result(record)).toBe(expected));

  test('what matched, and where', async () => {
    const more = { 'inc.example.com': { txt: ['v=spf1 ip4:192.0.2.1'] } };
    expect((await check('v=spf1 Include:inc.example.com -all', more)).matched).toEqual({
      domain: 'example.com',
      term: 'include:inc.example.com',
    });
    expect((await check('v=spf1 redirect=inc.example.com', more)).matched).toEqual({ domain: 'inc.example.com', term: 'ip4:192.0.2.1' });
    expect((await check('v=spf1 mx')).matched).toBeUndefined();
  });
});

describe('RFC 7208 §4.6.4: limits', () => {
  const hosts: Table = {
    'example.com': { a: ['192.0.2.9'], mx: ['10 mx.example.com'] },
    'mx.example.com': { a: ['192.0.2.8'] },
    '1.2.0.192.in-addr.arpa': { ptr: ['other.example.net'] },
    'inc.example.com': { txt: ['v=spf1 a a a a a a a a'], a: ['192.0.2.7'] },
  };
  test.each([
    ['ten terms', 'v=spf1 a mx a mx a mx a mx a ptr ip4:192.0.2.1 -all', 'pass', 10],
    ['eleven terms', 'v=spf1 a mx a mx a mx a mx a ptr a ip4:192.0.2.1 -all', 'permerror', 11],
    ['ten with those of an include', 'v=spf1 a include:inc.example.com ip4:192.0.2.1 mx -all', 'pass', 10],
    ['eleven with those of an include', 'v=spf1 a include:inc.example.com a ip4:192.0.2.1 -all', 'permerror', 11],
    ['terms that are not reached do not count', 'v=spf1 ip4:192.0.2.1 a a a a a a a a a a a a -all', 'pass', 0],
    ['all, ip4, ip6 and exp cost nothing', 'v=spf1 ip4:192.0.2.2 ip6:2001:db8::1 exp=inc.example.com -all', 'fail', 0],
    ['redirect costs one', 'v=spf1 redirect=inc.example.com', 'neutral', 9],
    ['redirect costs nothing beside all', 'v=spf1 redirect=example.com ~all', 'softfail', 0],
    ['a redirect to itself', 'v=spf1 redirect=example.com', 'permerror', 11],
    ['an include of itself', 'v=spf1 include:example.com -all', 'permerror', 11],
    ['a name that DNS cannot have costs one and is not void', 'v=spf1 a:a..example.com -all', 'fail', 1],
  ])('%s', async (_what, record, expected, lookups) => {
    expect(await check(record, hosts)).toMatchObject({ result: expected, lookups, voids: 0 });
  });

  test('includes in a circle', async () => {
    const more = { 'b.example': { txt: ['v=spf1 include:c.example'] }, 'c.example': { txt: ['v=spf1 include:b.example'] } };
    expect(await check('v=spf1 include:b.example -all', more)).toMatchObject({
      result: 'permerror',
      lookups: 11,
      problems: [{ code: 'SPF_LOOKUPS' }],
    });
  });

  test.each([
    ['two void terms', 'v=spf1 a:n1.example a:n2.example ?all', 'neutral', 2],
    ['three void terms', 'v=spf1 a:n1.example a:n2.example a:n3.example +all', 'permerror', 3],
    ['NODATA is void too', 'v=spf1 exists:1.2.0.192.in-addr.arpa mx:mx.example.com a:n1.example +all', 'permerror', 3],
    ['voids of an include count', 'v=spf1 include:voids.example a:n1.example +all', 'permerror', 3],
    ['an explanation is never void', 'v=spf1 a:n1.example a:n2.example -all exp=n3.example', 'fail', 2],
    ['one mx is one term, however many of its hosts have no address', 'v=spf1 mx:voids.example a:n1.example -all', 'fail', 2],
    ['a PTR that is not there', 'v=spf1 a:n1.example a:n2.example exists:%{i}.n3.example -all', 'permerror', 3],
  ])('%s', async (_what, record, expected, voids) => {
    const more = {
      ...hosts,
      'voids.example': { txt: ['v=spf1 a:n4.example a:n5.example'], mx: ['1 v1.example', '2 v2.example', '3 v3.example'] },
    };
    expect(await check(record, more)).toMatchObject({ result: expected, voids });
  });

  test('an include of a name without TXT is void, and an error anyway (§5.2)', async () => {
    expect(await check('v=spf1 include:nowhere.example +all')).toMatchObject({
      result: 'permerror',
      lookups: 1,
      voids: 1,
      problems: [{ code: 'SPF_INCLUDE' }],
    });
  });

  test('limits are arguments', async () => {
    expect(await result('v=spf1 a:n1.example a:n2.example a:n3.example -all', {}, {}, { voidsMax: 3 })).toBe('fail');
    expect(await result('v=spf1 a a ip4:192.0.2.1', hosts, {}, { lookupsMax: 1 })).toBe('permerror');
  });

  test('mx: ten hosts are looked up, an eleventh is an error', async () => {
    const names = Array.from({ length: 11 }, (_, at) => `h${at}.example.com`);
    const more: Table = {
      'example.com': { mx: names.map((name, at) => `${at} ${name}`) },
      ...Object.fromEntries(names.map((name, at) => [name, { a: [`192.0.2.${100 + at}`] }])),
    };
    expect(await result('v=spf1 mx -all', more, { ip: '192.0.2.109' })).toBe('pass');
    expect(await check('v=spf1 mx -all', more, { ip: '192.0.2.110' })).toMatchObject({
      result: 'permerror',
      problems: [{ code: 'SPF_MX_NAMES' }],
    });
    expect(
      await result(
        'v=spf1 a:many.example.com -all',
        { 'many.example.com': { a: Array.from({ length: 30 }, (_, at) => `192.0.2.${at}`) } },
        { ip: '192.0.2.29' },
      ),
    ).toBe('pass');
  });

  test('ptr: names beyond the tenth are ignored, without an error', async () => {
    const names = Array.from({ length: 11 }, (_, at) => `h${at}.example.com`);
    const more: Table = {
      '1.2.0.192.in-addr.arpa': { ptr: names },
      'h10.example.com': { a: ['192.0.2.1'] },
      'h9.example.com': { a: ['192.0.2.2'] },
    };
    expect(await result('v=spf1 ptr -all', more)).toBe('fail');
    expect(await result('v=spf1 ptr -all', { ...more, 'h9.example.com': { a: ['192.0.2.1'] } })).toBe('pass');
  });

  test('the time for the whole check', async () => {
    let nowMs = 0;
    const slow = (perLookupMs: number, record: string) => {
      const table = { 'example.com': { txt: [record] }, 'h.example': { a: ['192.0.2.9'] } };
      nowMs = 0;
      const resolver = tableResolver(table, { onLookup: () => (nowMs += perLookupMs) });
      return evaluateSpf({ ip: '192.0.2.1', sender: 'u@example.com', helo: 'h' }, resolver, { clock: { nowMs: () => nowMs } });
    };
    const record = 'v=spf1 a:h.example a:h.example a:h.example -all';
    expect((await slow(4_900, record)).result).toBe('fail');
    expect(await slow(5_000, record)).toMatchObject({ result: 'temperror', problems: [{ code: 'SPF_UNRESOLVED' }] });
    expect((await slow(20_000, 'v=spf1 -all')).result).toBe('temperror');
    // ptr hides failed look-ups, not the end of the time.
    expect((await slow(10_000, 'v=spf1 ptr -all')).result).toBe('temperror');
  });
});

describe('RFC 7208 §5: families', () => {
  test('an IPv4-mapped client is an IPv4 client', async () => {
    expect(await result('v=spf1 ip4:192.0.2.1 -all', {}, { ip: '::ffff:192.0.2.1' })).toBe('pass');
    expect(await result('v=spf1 -ip4:192.0.2.1 ip6:::ffff:192.0.2.1', {}, { ip: '::FFFF:192.0.2.1' })).toBe('fail');
    expect(await result('v=spf1 ip6:::/0 -all', {}, { ip: '::ffff:192.0.2.1' })).toBe('fail');
  });
  test.each([
    ['v=spf1 ip6:::1.1.1.1/0', '2001:db8::1', 'pass'],
    ['v=spf1 ip6:2001:db8:8000::/33 -all', '2001:db8:8000::', 'pass'],
    ['v=spf1 ip6:2001:db8:8000::/33 -all', '2001:db8:7fff::', 'fail'],
    ['v=spf1 ip4:192.0.2.9/0 -all', '203.0.113.7', 'pass'],
    ['v=spf1 ip4:192.0.2.9/0 -all', '2001:db8::1', 'fail'],
  ])('%s of %s: %s', async (record, ip, expected) => expect(await result(record, {}, { ip })).toBe(expected));
});

describe('RFC 7208 §5.2: include', () => {
  test.each([
    ['pass', 'v=spf1 ip4:192.0.2.1 -all', 'pass'],
    ['fail', 'v=spf1 -all', 'softfail'],
    ['softfail', 'v=spf1 ~all', 'softfail'],
    ['neutral', 'v=spf1 ?all', 'softfail'],
    ['permerror', 'v=spf1 include +all', 'permerror'],
    ['none', 'v=spfl no record', 'permerror'],
  ])('%s', async (_inner, record, expected) => {
    expect(await result('v=spf1 include:inc.example ~all', { 'inc.example': { txt: [record] } })).toBe(expected);
  });
  test('temperror', async () =>
    expect(await result('v=spf1 include:inc.example ~all', { 'inc.example': { timeout: true } })).toBe('temperror'));
  test('none because the name is no domain', async () =>
    expect(await result('v=spf1 include:%{h} ~all', {}, { helo: 'OEMCOMPUTER' })).toBe('permerror'));
  test('the qualifier is that of the include', async () =>
    expect(await result('v=spf1 ~include:inc.example -all', { 'inc.example': { txt: ['v=spf1 +all'] } })).toBe('softfail'));
  test('macros: %{d} is the included domain, %{o} the sender’s', async () => {
    const more = {
      'inc.example': { txt: ['v=spf1 exists:%{d}.%{o}.x.example'] },
      'inc.example.example.com.x.example': { a: ['127.0.0.2'] },
    };
    expect(await result('v=spf1 include:inc.example -all', more)).toBe('pass');
  });
});

describe('RFC 7208 §5.3: a', () => {
  const more: Table = {
    'example.com': { a: ['198.51.100.1', '192.0.2.9'], aaaa: ['2001:db8:1234::dead:beef'] },
    'six.example': { aaaa: ['2001:db8::1'] },
    'alias.example': { cname: 'example.com' },
    'foo:bar/baz.example.com': { a: ['192.0.2.1'] },
    'macro%percent  space%20url-space.example.com': { a: ['192.0.2.1'] },
  };
  test.each([
    ['v=spf1 a -all', '192.0.2.9', 'pass'],
    ['v=spf1 a -all', '192.0.2.1', 'fail'],
    ['v=spf1 a/24 -all', '192.0.2.1', 'pass'],
    ['v=spf1 a/24//64 -all', '2001:db8:1234::cafe:babe', 'pass'],
    ['v=spf1 a/24 -all', '2001:db8:1234::cafe:babe', 'fail'],
    ['v=spf1 a//64 -all', '192.0.2.1', 'fail'],
    ['v=spf1 a//33 -all', '192.0.2.9', 'pass'],
    ['v=spf1 a:alias.example -all', '192.0.2.9', 'pass'],
    ['v=spf1 a:none.example/0 -all', '192.0.2.1', 'fail'], // no address, no match, whatever the length
    ['v=spf1 a:six.example/0 -all', '192.0.2.1', 'fail'],
    ['v=spf1 a:six.example//0 -all', '2001:db8:ffff::1', 'pass'],
    ['v=spf1 a:foo:bar/baz.example.com -all', '192.0.2.1', 'pass'],
    ['v=spf1 a:macro%%percent%_%_space%-url-space.example.com -all', '192.0.2.1', 'pass'],
  ])('%s of %s: %s', async (record, ip, expected) => expect(await result(record, more, { ip })).toBe(expected));
  test('failed look-up: temperror', async () =>
    expect(await result('v=spf1 a:t.example -all', { 't.example': { servfail: true } })).toBe('temperror'));
});

describe('RFC 7208 §5.4: mx', () => {
  const more: Table = {
    'example.com': { a: ['192.0.2.1'], mx: ['20 b.example', '10 a.example'] },
    'a.example': { a: ['192.0.2.20'], aaaa: ['2001:db8::20'] },
    'b.example': { a: ['192.0.2.30'] },
    'null.example': { mx: ['0 '], a: ['192.0.2.1'] },
    'broken.example': { mx: ['5 t.example'] },
    't.example': { timeout: true },
  };
  test.each([
    ['v=spf1 mx -all', '192.0.2.30', 'pass'],
    ['v=spf1 mx -all', '192.0.2.1', 'fail'],
    ['v=spf1 mx/28 -all', '192.0.2.17', 'pass'],
    ['v=spf1 mx//64 -all', '2001:db8::ffff', 'pass'],
    ['v=spf1 mx:a.example -all', '192.0.2.20', 'fail'], // no implicit MX
    ['v=spf1 mx:null.example -all', '192.0.2.1', 'fail'], // RFC 7505
    ['v=spf1 mx:broken.example -all', '192.0.2.1', 'temperror'],
  ])('%s of %s: %s', async (record, ip, expected) => expect(await result(record, more, { ip })).toBe(expected));
});

describe('RFC 7208 §5.5: ptr', () => {
  const v6 = '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa';
  const more: Table = {
    '1.2.0.192.in-addr.arpa': { ptr: ['liar.example.com', 'Mail.Example.COM', 't.example.com'] },
    '2.2.0.192.in-addr.arpa': { ptr: ['liar.example.com'] },
    '3.2.0.192.in-addr.arpa': { ptr: ['notexample.com'] },
    '4.2.0.192.in-addr.arpa': { timeout: true },
    [v6]: { ptr: ['mail.example.com'] },
    'mail.example.com': { a: ['192.0.2.1'], aaaa: ['2001:db8::1'] },
    'notexample.com': { a: ['192.0.2.3'] },
    't.example.com': { timeout: true },
  };
  test.each([
    ['v=spf1 ptr -all', '192.0.2.1', 'pass'],
    ['v=spf1 ptr:EXAMPLE.com -all', '192.0.2.1', 'pass'],
    ['v=spf1 ptr:mail.example.com -all', '192.0.2.1', 'pass'],
    ['v=spf1 ptr:example.org -all', '192.0.2.1', 'fail'],
    ['v=spf1 ptr -all', '192.0.2.2', 'fail'], // does not resolve back
    ['v=spf1 ptr -all', '192.0.2.3', 'fail'], // ends alike, and is not below
    ['v=spf1 ptr -all', '192.0.2.4', 'fail'], // failed look-ups are no error here
    ['v=spf1 ptr -all', '2001:db8::1', 'pass'],
  ])('%s of %s: %s', async (record, ip, expected) => expect(await result(record, more, { ip })).toBe(expected));
});

describe('RFC 7208 §5.7: exists', () => {
  const more: Table = { 'four.example': { a: ['127.0.0.2'] }, 'six.example': { aaaa: ['2001:db8::2'] }, 't.example': { timeout: true } };
  test.each([
    ['v=spf1 exists:four.example -all', '2001:db8::1', 'pass'], // type A, whatever the client
    ['v=spf1 exists:six.example -all', '2001:db8::1', 'fail'],
    ['v=spf1 exists:t.example -all', '192.0.2.1', 'temperror'],
  ])('%s of %s: %s', async (record, ip, expected) => expect(await result(record, more, { ip })).toBe(expected));
});

describe('RFC 7208 §6.1: redirect', () => {
  test.each([
    ['fail of the target', 'v=spf1 ip4:192.0.2.9 redirect=r.example', 'v=spf1 -all', 'fail'],
    ['neutral of the target', 'v=spf1 redirect=r.example', 'v=spf1 mx', 'neutral'],
    ['no record there', 'v=spf1 redirect=r.example', 'hello', 'permerror'],
    ['stands first, is evaluated last', 'v=spf1 redirect=r.example ip4:192.0.2.1', 'v=spf1 -all', 'pass'],
    ['ignored beside all', 'v=spf1 redirect=r.example ?all', 'v=spf1 -all', 'neutral'],
  ])('%s', async (_what, record, target, expected) => expect(await result(record, { 'r.example': { txt: [target] } })).toBe(expected));
  test('no such domain', async () => expect(await result('v=spf1 redirect=nowhere.example')).toBe('permerror'));
  test('target cannot be looked up', async () =>
    expect(await result('v=spf1 redirect=t.example', { 't.example': { timeout: true } })).toBe('temperror'));
  test('implicit domains are those of the target', async () => {
    expect(await result('v=spf1 redirect=r.example', { 'r.example': { txt: ['v=spf1 a -all'], a: ['192.0.2.1'] } })).toBe('pass');
  });
});

describe('RFC 7208 §6.2: exp', () => {
  const texts: Table = {
    'why.example': { txt: ['Mail of %{o} comes not from %{c}.'] },
    'other.example': { txt: ['other'] },
    'two.example': { txt: ['one', 'two'] },
    'utf8.example': { txt: ['na\u00c3\u00afve'] },
    'bad.example': { txt: ['the %{x} files'] },
    'slow.example': { timeout: true },
    'tell.example': { txt: ['%{h} %{p} %{r} %{t} %{L}'] },
  };
  const explanation = async (record: string, more: Table = {}, question: Partial<SpfQuestion> = {}) =>
    (await check(record, { ...texts, ...more }, question, { receiver: 'mx.example.net' })).explanation;
  test.each([
    ['v=spf1 -all exp=why.example', 'Mail of example.com comes not from 192.0.2.1.'],
    ['v=spf1 exp=why.example', undefined], // neutral: nothing to explain
    ['v=spf1 ~all exp=why.example', undefined],
    ['v=spf1 -all exp=two.example', undefined],
    ['v=spf1 -all exp=utf8.example', undefined],
    ['v=spf1 -all exp=bad.example', undefined],
    ['v=spf1 -all exp=slow.example', undefined],
    ['v=spf1 -all exp=none.example', undefined],
    ['v=spf1 -all exp=tell.example', 'mail.example.com unknown mx.example.net 1700000000 user'],
  ])('%s', async (record, expected) => expect(await explanation(record)).toBe(expected));

  test('of redirect: the target’s, never our own', async () => {
    const more = { 'r.example': { txt: ['v=spf1 -all'] }, 's.example': { txt: ['v=spf1 -all exp=other.example'] } };
    expect(await explanation('v=spf1 exp=why.example redirect=r.example', more)).toBeUndefined();
    expect(await explanation('v=spf1 exp=why.example redirect=s.example', more)).toBe('other');
  });
  test('of include: our own, never the target’s', async () => {
    const more = { 'i.example': { txt: ['v=spf1 +all exp=other.example'] } };
    expect(await explanation('v=spf1 -include:i.example exp=why.example', more)).toMatch(/^Mail of/);
    expect(await explanation('v=spf1 -include:i.example', more)).toBeUndefined();
  });
  test('a HELO with a line break does not get into the reply', async () =>
    expect(await explanation('v=spf1 -all exp=tell.example', {}, { helo: 'a\r\nQUIT' })).toBeUndefined());
  test('upper case is URL-escaped; only the unreserved characters stay (§7.3)', async () => {
    expect(await explanation('v=spf1 -all exp=tell.example', {}, { sender: '~jack&jill=up-a_b3.c@example.com' })).toMatch(
      / ~jack%26jill%3Dup-a_b3\.c$/,
    );
  });
});

describe('RFC 7208 §7.2–7.3: macros in evaluation', () => {
  test('253 characters: labels go from the left', async () => {
    const o = 'somewhat.long.exp.example.com';
    const fitted = `${`${o}.`.repeat(8)}example.com`;
    const resolver = tableResolver({
      [o]: { txt: ['v=spf1 exists:foobar.%{o}.%{o}.%{o}.%{o}.%{o}.%{o}.%{o}.%{o}.example.com -all'] },
      [fitted]: { a: ['127.0.0.2'] },
    });
    expect(fitted.length).toBeLessThanOrEqual(253);
    expect(`foobar.${fitted}`.length).toBeGreaterThan(253);
    expect((await evaluateSpf({ ip: '192.0.2.1', sender: `u@${o}`, helo: 'h' }, resolver, { clock })).result).toBe('pass');
  });

  test('the last dot of a domain is ignored', async () => {
    const more = { 'example.com.d.example': { txt: ['v=spf1 include:i.example. ~all'] }, 'i.example': { txt: ['v=spf1 ip4:192.0.2.1'] } };
    expect(await result('v=spf1 redirect=%{d}.d.example.', more)).toBe('pass');
  });

  test('%{p}: the domain itself, else a name below it, else any, else "unknown"; its PTR look-up counts once', async () => {
    const names = ['z.example.net', 'sub.example.com', 'example.com'];
    const hosts = Object.fromEntries(names.map((name) => [name, { a: ['192.0.2.1'] }]));
    const seen = async (ptr: readonly string[], ip = '192.0.2.1') => {
      const table = {
        ...hosts,
        'example.com': { a: ['192.0.2.1'], txt: ['v=spf1 exists:%{p}.x exists:%{p}.y -all'] },
        '1.2.0.192.in-addr.arpa': { ptr },
      };
      const resolver = tableResolver(table);
      const { lookups } = await evaluateSpf({ ip, sender: 'u@example.com', helo: 'h' }, resolver, { clock, voidsMax: 9 });
      expect(resolver.asked.filter((each) => each.endsWith('in-addr.arpa 12'))).toHaveLength(1);
      return [resolver.asked.find((each) => each.endsWith('.x 1')), lookups];
    };
    expect(await seen(names)).toEqual(['example.com.x 1', 3]);
    expect(await seen(names.slice(0, 2))).toEqual(['sub.example.com.x 1', 3]);
    expect(await seen(names.slice(0, 1))).toEqual(['z.example.net.x 1', 3]);
    expect(await seen(['liar.example.net'])).toEqual(['unknown.x 1', 3]);
    expect(await seen(names, '192.0.2.2')).toEqual(['unknown.x 1', 3]);
  });

  test('a HELO that is no name: the term does not match', async () => {
    for (const helo of ["JUMPIN' JUPITER", '[192.0.2.1]', 'a..b', '']) {
      expect(await result('v=spf1 a:%{h} -all', {}, { helo })).toBe('fail');
    }
  });

  test('several delimiters, reversed', async () => {
    const more = { 'bar.foo.user.example.com': { a: ['127.0.0.2'] } };
    expect(await result('v=spf1 exists:%{l2r+-}.user.%{d2} -all', more, { sender: 'foo-bar+zip+quux@example.com' })).toBe('pass');
  });
});

test('the trace tells how the result came about', async () => {
  const more: Table = { 'inc.example': { txt: ['v=spf1 a:n.example ip4:192.0.2.1'] } };
  const { trace } = await check('v=spf1 mx include:inc.example -all', more);
  expect(trace.map(({ depth, domain, term, note, lookups, voids }) => [depth, domain, term, note, lookups, voids])).toEqual([
    [0, 'example.com', '', 'v=spf1 mx include:inc.example -all', 0, 0],
    [0, 'example.com', 'mx', 'no match', 1, 1],
    [0, 'example.com', 'include:inc.example', 'look into inc.example', 2, 1],
    [1, 'inc.example', '', 'v=spf1 a:n.example ip4:192.0.2.1', 2, 1],
    [1, 'inc.example', 'a:n.example', 'no match', 3, 2],
    [1, 'inc.example', 'ip4:192.0.2.1', 'matches: pass', 3, 2],
    [0, 'example.com', 'include:inc.example', 'matches: pass', 3, 2],
  ]);
});
