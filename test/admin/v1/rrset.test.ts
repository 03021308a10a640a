/** `/v1/zones/{zone}/rrsets/{name}/{type}`: one RRset. */
import { describe, expect, test } from 'vitest';
import { type ProblemBody, type RrsetBody, bench } from '../../support/admin/bench.ts';

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
