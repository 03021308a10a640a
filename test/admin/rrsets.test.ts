import { describe, expect, test } from 'vitest';
import { type ProblemBody, bench } from '../support/admin/bench.ts';

interface RrsetBody {
  readonly name: string;
  readonly type: string;
  readonly ttl: number;
  readonly records: readonly string[];
  readonly manager: string;
}

const base = '/v1/zones/example.com/rrsets';

describe('GET rrset', () => {
  test('answers with absolute canonical names', async () => {
    const { call } = await bench();
    expect((await call('GET', `${base}/@/MX`)).json()).toEqual({
      name: 'example.com.',
      type: 'MX',
      ttl: 3600,
      records: ['10 mail.example.com.'],
      manager: 'manual',
    });
  });

  test.each(['www', 'WWW', 'www.example.com', 'www.example.com.', 'WwW.Example.COM.', String.raw`\119ww`])(
    '%s is the same name',
    async (name) => {
      const { call } = await bench();
      expect((await call('GET', `${base}/${encodeURIComponent(name)}/a`)).json<RrsetBody>().name).toBe('www.example.com.');
    },
  );

  test.each([
    ['www/TXT', 404, 'RRSET_NOT_FOUND', 'the name has A'],
    ['nothing/A', 404, 'RRSET_NOT_FOUND', 'the name has no records'],
    ['www.example.net./A', 404, 'RRSET_NOT_FOUND', 'the name has no records'],
    ['www/AAAAA', 422, 'TYPE_UNKNOWN', 'write a type without a name as TYPE and its number: TYPE65280'],
    ['www/TYPE1', 200, undefined, undefined],
    ['*.wild/TXT', 422, 'NAME_AMBIGUOUS', 'write *.wild. or *.wild.example.com.'],
    ['*.wild.example.com/TXT', 200, undefined, undefined],
  ])('%s: %i', async (path, status, code, fix) => {
    const { call } = await bench();
    const answer = await call('GET', `${base}/${path}`);
    expect(answer.statusCode).toBe(status);
    expect([answer.json<ProblemBody>().code, answer.json<ProblemBody>().fix]).toEqual([code, fix]);
  });
});

describe('PUT rrset', () => {
  test('creates, replaces, and changes nothing the second time', async () => {
    const { call } = await bench();
    const put = async (record: string) => await call('PUT', `${base}/new/AAAA`, { payload: { ttl: 60, records: [record] } });
    const created = await put('2001:db8::1');
    expect([created.statusCode, created.headers.location]).toEqual([201, '/v1/zones/example.com/rrsets/new.example.com./AAAA']);
    expect((await call('GET', String(created.headers.location))).headers.etag).toBe(created.headers.etag);
    const same = await put('2001:DB8:0::1');
    expect(same.json()).toMatchObject({ changed: false, serial: 2 });
    const replaced = await put('2001:db8::2');
    expect(replaced.statusCode).toBe(200);
    expect(replaced.json()).toMatchObject({
      serial: 3,
      changeset: {
        deleted: [expect.stringContaining('SOA'), 'new.example.com. 60 IN AAAA 2001:db8::1'],
        added: [expect.stringContaining(' 3 '), 'new.example.com. 60 IN AAAA 2001:db8::2'],
      },
    });
  });

  test('stores UTF-8 of JSON strings as the octets of TXT', async () => {
    const { call } = await bench();
    await call('PUT', `${base}/text/TXT`, { payload: { ttl: 60, records: ['"grüße \u{1F99E}"', String.raw`"\195\188"`] } });
    const { records } = (await call('GET', `${base}/text/TXT`)).json<RrsetBody>();
    expect(records.toSorted()).toEqual([String.raw`"\195\188"`, String.raw`"gr\195\188\195\159e \240\159\166\158"`]);
  });

  test('takes RFC 3597 forms of known and unknown types', async () => {
    const { call } = await bench();
    const put = async (type: string, record: string) =>
      (await call('PUT', `${base}/x/${type}`, { payload: { ttl: 60, records: [record] } })).statusCode;
    expect(await put('TYPE65280', String.raw`\# 3 010203`)).toBe(201);
    expect(await put('TYPE28', String.raw`\# 16 20010db8000000000000000000000001`)).toBe(201);
    expect((await call('GET', `${base}/x/AAAA`)).json<RrsetBody>().records).toEqual(['2001:db8::1']);
  });

  test('tells every bad record, with pointers into its own body', async () => {
    const { call } = await bench();
    const answer = await call('PUT', `${base}/www/A`, { payload: { ttl: 60, records: ['192.0.2.1', 'one', '192.0.2.300'] } });
    expect(answer.statusCode).toBe(422);
    expect(answer.json<ProblemBody>().errors.map(({ pointer }) => pointer)).toEqual(['/records/1', '/records/2']);
  });

  test.each([
    [{ ttl: 60 }, 'FIELD_MISSING', '/records'],
    [{ ttl: 60, records: [] }, 'FIELD_VALUE', '/records'],
    [{ ttl: -1, records: ['192.0.2.1'] }, 'FIELD_VALUE', '/ttl'],
    [{ ttl: 2 ** 31, records: ['192.0.2.1'] }, 'FIELD_VALUE', '/ttl'],
    [{ ttl: '60', records: ['192.0.2.1'] }, 'FIELD_VALUE', '/ttl'],
    [{ ttl: 60, record: ['192.0.2.1'], records: ['192.0.2.1'] }, 'FIELD_UNKNOWN', '/record'],
    [[], 'FIELD_VALUE', ''],
    ['x', 'BODY_JSON', ''],
  ])('refuses %j', async (payload, code, at) => {
    const { call, control } = await bench();
    const headers = { 'content-type': 'application/json' };
    const answer = await call('PUT', `${base}/www/A`, { headers, payload });
    expect(answer.json<ProblemBody>().errors[0]).toMatchObject({ code, at });
    expect(control.commands).toHaveLength(1);
  });

  test('keeps DNSSEC records of a signed zone out of reach', async () => {
    const { call } = await bench();
    const answer = await call('PUT', `${base}/www/NSEC`, { payload: { ttl: 60, records: ['example.com. A'] } });
    expect([answer.statusCode, answer.json<ProblemBody>().code]).toEqual([409, 'RRSET_MANAGED']);
  });
});

describe('DELETE rrset', () => {
  test('takes no body, or an empty one of any type', async () => {
    const { call } = await bench();
    expect((await call('DELETE', `${base}/www/A`)).statusCode).toBe(200);
    expect((await call('DELETE', `${base}/mail/A`, { headers: { 'content-type': 'application/json' } })).statusCode).toBe(200);
    expect((await call('DELETE', `${base}/www/A`)).json<ProblemBody>().code).toBe('RRSET_NOT_FOUND');
  });
});

describe('RFC 9110 §13.1: conditional changes', () => {
  test('If-Match holds a change to the RRset that was seen; other changes of the zone do not matter', async () => {
    const { call } = await bench();
    const { etag } = (await call('GET', `${base}/www/A`)).headers;
    const put = async (record: string, match: string) =>
      await call('PUT', `${base}/www/A`, { payload: { ttl: 60, records: [record] }, headers: { 'if-match': match } });
    await call('DELETE', `${base}/mail/A`);
    const first = await put('192.0.2.7', `"other", ${etag}`);
    expect(first.statusCode).toBe(200);
    const second = await put('192.0.2.8', String(etag));
    expect([second.statusCode, second.json<ProblemBody>().code]).toEqual([412, 'PRECONDITION']);
    expect((await put('192.0.2.8', String(first.headers.etag))).statusCode).toBe(200);
    expect((await put('192.0.2.9', '*')).statusCode).toBe(200);
    expect((await call('GET', `${base}/www/A`)).json<RrsetBody>().records).toEqual(['192.0.2.9']);
  });

  test('§13.1.1: weak tags never match a change', async () => {
    const { call } = await bench();
    const { etag } = (await call('GET', `${base}/www/A`)).headers;
    expect((await call('DELETE', `${base}/www/A`, { headers: { 'if-match': `W/${etag}` } })).statusCode).toBe(412);
  });

  test('If-Match on something that is not there is 412', async () => {
    const { call } = await bench();
    const answer = await call('PUT', `${base}/new/A`, { payload: { ttl: 60, records: ['192.0.2.1'] }, headers: { 'if-match': '*' } });
    expect(answer.statusCode).toBe(412);
  });

  test('If-None-Match: * only creates', async () => {
    const { call } = await bench();
    const put = async (name: string) =>
      (await call('PUT', `${base}/${name}/A`, { payload: { ttl: 60, records: ['192.0.2.1'] }, headers: { 'if-none-match': '*' } }))
        .statusCode;
    expect(await put('new')).toBe(201);
    expect(await put('new')).toBe(412);
    expect(await put('www')).toBe(412);
  });

  test('guards the whole zone by its revision', async () => {
    const { call } = await bench();
    const { etag } = (await call('GET', '/v1/zones/example.com')).headers;
    const operations = [{ op: 'delete', name: 'www', type: 'A' }];
    expect((await call('PATCH', base, { payload: operations, headers: { 'if-match': '"r99"' } })).statusCode).toBe(412);
    expect((await call('PATCH', base, { payload: operations, headers: { 'if-match': etag } })).statusCode).toBe(200);
    expect((await call('DELETE', '/v1/zones/example.com', { headers: { 'if-match': etag } })).statusCode).toBe(412);
    expect(
      (await call('PUT', '/v1/zones/example.com/zonefile', { headers: { 'if-none-match': '*', 'content-type': 'text/dns' }, payload: ';' }))
        .statusCode,
    ).toBe(412);
  });

  test.each(['unquoted', '"a" "b"', '"a",', ''])('400 for If-Match: %s', async (header) => {
    const { call } = await bench();
    expect((await call('DELETE', `${base}/www/A`, { headers: { 'if-match': header } })).json<ProblemBody>().code).toBe('REQUEST');
  });
});

describe('PATCH rrsets', () => {
  test('does all operations in one change', async () => {
    const { call, control } = await bench();
    const payload = [
      { op: 'add', name: 'www', type: 'A', records: ['192.0.2.3'] },
      { op: 'remove', name: 'www.example.com', type: 'A', records: ['192.0.2.1'] },
      { op: 'set', name: '@', type: 'TXT', ttl: 300, records: ['"v=spf1 -all"'] },
      { op: 'delete', name: 'mail', type: 'A' },
    ];
    const answer = await call('PATCH', base, { payload });
    expect([answer.statusCode, answer.json<{ serial: number }>().serial]).toEqual([200, 2]);
    expect((await call('GET', `${base}/www/A`)).json<RrsetBody>().records).toEqual(['192.0.2.2', '192.0.2.3']);
    expect(control.commands.at(-1)?.command).toMatchObject({
      operations: [{ name: 'www.example.com.' }, { name: 'www.example.com.' }, { name: 'example.com.' }, {}],
    });
  });

  test('does none when one is bad, and tells all that are', async () => {
    const { call, control } = await bench();
    const payload = [
      { op: 'delete', name: 'www', type: 'A' },
      { op: 'set', name: 'x', type: 'A', ttl: 60, records: ['nonsense'] },
      { op: 'set', name: 'y', type: 'NONSENSE', ttl: 60, records: ['x'] },
      { op: 'set', name: 'z.example.net.', type: 'A', ttl: 60, records: ['192.0.2.1'] },
    ];
    const answer = await call('PATCH', base, { payload });
    expect(answer.statusCode).toBe(422);
    expect(answer.json<ProblemBody>().errors.map(({ pointer }) => pointer)).toEqual(['/1/records/0', '/2/type', '/3/name']);
    expect((await call('GET', `${base}/www/A`)).statusCode).toBe(200);
    expect(control.generation).toBe(1);
  });

  test('refuses fields that mean nothing', async () => {
    const { call } = await bench();
    const answer = await call('PATCH', base, {
      payload: [
        { op: 'replace', name: 'www', type: 'A', tll: 5 },
        { op: 'delete', name: 'www', type: 'A', records: ['192.0.2.1'] },
      ],
    });
    expect(
      answer
        .json<ProblemBody>()
        .errors.map(({ code, at, fix }) => [code, at, fix])
        .toSorted((a, b) => (String(a) < String(b) ? -1 : 1)),
    ).toEqual([
      ['FIELD_UNKNOWN', '/0/tll', 'did you mean "ttl"?'],
      ['FIELD_VALUE', '/0/op', undefined],
    ]);
  });
});

describe('GET rrsets', () => {
  test('pages through every RRset once, whatever the page size', async () => {
    const { call } = await bench();
    const all = (await call('GET', base)).json<{ rrsets: RrsetBody[] }>().rrsets.map(({ name, type }) => `${name} ${type}`);
    expect(all).toHaveLength(7);
    for (const limit of [1, 2, 3]) {
      const seen: string[] = [];
      for (let cursor = ''; ;) {
        const page = (await call('GET', `${base}?limit=${limit}${cursor}`)).json<{ rrsets: RrsetBody[]; next?: string }>();
        seen.push(...page.rrsets.map(({ name, type }) => `${name} ${type}`));
        if (page.next === undefined) break;
        cursor = `&cursor=${page.next}`;
      }
      expect(seen).toEqual(all);
    }
  });

  test('filters by name and type', async () => {
    const { call } = await bench();
    const list = async (query: string) =>
      (await call('GET', `${base}?${query}`)).json<{ rrsets: RrsetBody[] }>().rrsets.map(({ name, type }) => `${name} ${type}`);
    expect(await list('name=@')).toEqual(['example.com. NS', 'example.com. SOA', 'example.com. MX']);
    expect(await list('type=a&name=WWW')).toEqual(['www.example.com. A']);
    expect(await list('type=TYPE15')).toEqual(['example.com. MX']);
    expect(await list('name=none')).toEqual([]);
  });

  test('starts at the apex for a cursor that somebody made up', async () => {
    const { call } = await bench();
    const cursor = Buffer.from(JSON.stringify(['\u0000', 'x'])).toString('base64url');
    expect((await call('GET', `${base}?cursor=${cursor}`)).json<{ rrsets: unknown[] }>().rrsets).toHaveLength(7);
  });
});
