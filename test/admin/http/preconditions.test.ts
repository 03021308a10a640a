/** Entity tags, and requests that depend on them. */
import { describe, expect, test } from 'vitest';
import { type ProblemBody, type RrsetBody, bench } from '../../support/admin/bench.ts';

const base = '/v1/zones/example.com/rrsets';

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

describe('RFC 9110 §13.1.2: If-None-Match of GET', () => {
  test('answers 304 when the client has it already', async () => {
    const { call } = await bench();
    const { etag } = (await call('GET', '/v1/zones/example.com')).headers;
    for (const header of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const answer = await call('GET', '/v1/zones/example.com', { headers: { 'if-none-match': header } });
      expect([answer.statusCode, answer.body]).toEqual([304, '']);
    }
    expect((await call('GET', '/v1/zones/example.com', { headers: { 'if-none-match': '"other"' } })).statusCode).toBe(200);
  });
});
