/** Zones that come from primaries, as clients make and see them. */
import { expect, test } from 'vitest';
import { mailBench } from '../../support/admin/mail-bench.ts';
import { TEST_ACTOR, good } from '../../support/temporary-control.ts';

async function served() {
  const bench = await mailBench();
  const headers = { authorization: `Bearer ${await bench.token('admin')}` };
  const api = async (method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, payload?: object) => {
    const answer = await bench.app.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) });
    return { status: answer.statusCode, body: answer.json<Record<string, unknown>>() };
  };
  return api;
}

const PRIMARIES = [{ address: '192.0.2.1' }, { address: '2001:db8::1', port: 5300 }];

test('a zone is made from primaries, shown with its state, and gets others', async () => {
  const api = await served();
  const made = await api('POST', '/v1/zones', { name: 'sec.example', primaries: PRIMARIES });
  expect(made).toMatchObject({ status: 201, body: { zone: 'sec.example.', serial: 0, created: true } });
  const shown = await api('GET', '/v1/zones/sec.example');
  const primaries = [
    { address: '192.0.2.1', port: 53 },
    { address: '2001:db8::1', port: 5300 },
  ];
  expect(shown.body['secondary']).toMatchObject({ mode: 'copy', state: 'waiting', notes: [], primaries });
  const changed = await api('PUT', '/v1/zones/sec.example/primaries', { primaries: [{ address: '192.0.2.9' }] });
  expect(changed).toMatchObject({ status: 200, body: { changed: true } });
  const after = await api('GET', '/v1/zones/sec.example/primaries');
  expect(after).toMatchObject({ status: 200, body: { zone: 'sec.example.', primaries: [{ address: '192.0.2.9', port: 53 }] } });
});

test('where it comes from is for those who may read all of it, and is never answered with 304', async () => {
  const bench = await mailBench();
  const admin = await bench.token('admin');
  const get = (token: string, more: object = {}) =>
    bench.app.inject({ url: '/v1/zones/sec.example', headers: { authorization: `Bearer ${token}`, ...more } });
  const payload = { name: 'sec.example', primaries: PRIMARIES };
  await bench.app.inject({ method: 'POST', url: '/v1/zones', payload, headers: { authorization: `Bearer ${admin}` } });
  const grants = [{ zone: 'sec.example.', may: 'read' as const, types: ['TXT'] }];
  const some = good(await bench.control.tokens.create({ name: 'some', scopes: [], grants }, TEST_ACTOR)).secret;
  const shown = await get(some);
  expect([shown.statusCode, shown.json<object>()]).toEqual([200, expect.not.objectContaining({ secondary: expect.anything() })]);
  expect(shown.body).not.toContain('192.0.2.1');
  for (const token of [admin, await bench.token('read'), await bench.token('zone:sec.example')])
    expect((await get(token)).json<object>()).toHaveProperty('secondary.primaries');
  const { etag } = (await get(admin)).headers;
  expect((await get(some, { 'if-none-match': etag })).statusCode).toBe(304);
  expect((await get(admin, { 'if-none-match': etag })).statusCode).toBe(200);
});

test('what has no effect on such a zone is rejected, and so are changes of it', async () => {
  const api = await served();
  const odd = await api('POST', '/v1/zones', { name: 'sec.example', primaries: PRIMARIES, nameservers: ['ns1'], dnssec: 'off' });
  expect(odd.status).toBe(422);
  expect(odd.body['errors']).toMatchObject([{ at: '/dnssec' }, { at: '/nameservers' }]);
  expect((await api('POST', '/v1/zones', { name: 'sec.example', sign: true })).status).toBe(422);
  expect((await api('POST', '/v1/zones', { name: 'sec.example', primaries: PRIMARIES, sign: true })).status).toBe(201);
  const set = await api('PUT', '/v1/zones/sec.example/rrsets/www.sec.example/A', { ttl: 60, records: ['192.0.2.1'] });
  expect(set).toMatchObject({ status: 409, body: { code: 'ZONE_SECONDARY' } });
});

test('a zone that is kept here has no primaries, and gets none', async () => {
  const api = await served();
  expect(await api('GET', '/v1/zones/post.example/primaries')).toMatchObject({ status: 409, body: { code: 'ZONE_NOT_SECONDARY' } });
  const set = await api('PUT', '/v1/zones/post.example/primaries', { primaries: PRIMARIES });
  expect(set).toMatchObject({ status: 409, body: { code: 'ZONE_NOT_SECONDARY' } });
  expect((await api('GET', '/v1/zones/post.example')).body).not.toHaveProperty('secondary');
});
