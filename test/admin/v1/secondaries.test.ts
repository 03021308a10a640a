/** Who may have a zone by transfer, as clients set and see it. */
import { expect, test } from 'vitest';
import { mailBench } from '../../support/admin/mail-bench.ts';

async function served() {
  const bench = await mailBench();
  const headers = { authorization: `Bearer ${await bench.token('admin')}` };
  const makeKey = (payload: object) => bench.app.inject({ method: 'POST', url: '/v1/tsig', headers, payload });
  return { ...bench, makeKey };
}

test('an address that this server sends to is named by administrators alone; the owner of a zone sees it', async () => {
  const { makeKey, call, token } = await served();
  await makeKey({ name: 'k', zones: ['other.example'] });
  const owner = { authorization: `Bearer ${await token('zone:post.example')}` };
  const denied = await call('PUT', 'secondaries/192.0.2.53', {}, owner);
  expect(denied).toMatchObject({ status: 403, body: { code: 'AUTH_SCOPE', detail: expect.stringContaining('scope admin') } });
  const refused = await call('PUT', 'secondaries/192.0.2.53', { key: 'k' });
  expect(refused).toMatchObject({ status: 409, body: { code: 'TSIG_KEY_GRANT' } });
  expect(JSON.stringify(refused.body)).not.toContain('other.example');
  expect(await call('PUT', 'secondaries/192.0.2.53', {})).toMatchObject({ status: 200, body: { changed: true } });
  expect((await call('GET', 'secondaries', undefined, owner)).body['secondaries']).toMatchObject([{ address: '192.0.2.53', port: 53 }]);
  const stranger = { authorization: `Bearer ${await token('zone:elsewhere.example')}` };
  expect((await call('GET', 'secondaries', undefined, stranger)).status).toBe(403);
  expect((await call('PUT', 'secondaries/192.0.2.54', {}, stranger)).status).toBe(403);
  // Who has the zone may take a secondary away: that names no address, and sends nothing.
  expect((await call('DELETE', 'secondaries/192.0.2.53', undefined, owner)).status).toBe(200);
});

test('an address that is none, and a secondary that is none', async () => {
  const { call } = await served();
  expect(await call('PUT', 'secondaries/ns2.example', {})).toMatchObject({ status: 422, body: { code: 'FIELD_VALUE' } });
  expect(await call('DELETE', 'secondaries/192.0.2.1')).toMatchObject({ status: 404, body: { code: 'SECONDARY_NOT_FOUND' } });
});
