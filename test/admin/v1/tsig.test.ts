/** `/v1/tsig` and the secondaries of a zone as clients use them. */
import { expect, test } from 'vitest';
import { mailBench } from '../../support/admin/mail-bench.ts';

async function served() {
  const bench = await mailBench();
  const admin = { authorization: `Bearer ${await bench.token('admin')}` };
  const tsig = async (method: 'GET' | 'POST' | 'DELETE', path = '', payload?: object, headers: Record<string, string> = admin) => {
    const answer = await bench.app.inject({ method, url: `/v1/tsig${path}`, headers, ...(payload === undefined ? {} : { payload }) });
    return { status: answer.statusCode, headers: answer.headers, text: answer.body, body: answer.json<Record<string, unknown>>() };
  };
  return { ...bench, tsig };
}

test('a secret is in the answer that makes the key, and in no other', async () => {
  const { tsig } = await served();
  const made = await tsig('POST', '', { name: 'k', zones: ['post.example'] });
  expect(made).toMatchObject({ status: 201, headers: { location: '/v1/tsig/k.', 'cache-control': 'no-store' } });
  const secret = String(made.body['secret']);
  expect(Buffer.from(secret, 'base64')).toHaveLength(32);
  const listed = await tsig('GET');
  expect(listed.body['keys']).toMatchObject([
    { name: 'k.', algorithm: 'hmac-sha256', operations: ['transfer', 'notify'], zones: ['post.example.'] },
  ]);
  expect(listed.text).not.toContain(secret);
  const again = await tsig('POST', '', { name: 'K.', zones: 'all' });
  expect(again).toMatchObject({ status: 409, body: { code: 'TSIG_KEY_EXISTS' } });
  expect(again.text).not.toContain(secret);
  expect(await tsig('DELETE', '/K?dryRun=1')).toMatchObject({ status: 200, body: { revoked: false } });
  expect(await tsig('DELETE', '/K')).toMatchObject({ status: 200, body: { name: 'k.', revoked: true } });
  expect(await tsig('DELETE', '/k')).toMatchObject({ status: 404, body: { code: 'TSIG_KEY_NOT_FOUND' } });
});

test('a dry run makes nothing and shows no secret', async () => {
  const { tsig } = await served();
  const dry = await tsig('POST', '?dryRun=1', { name: 'k', zones: 'all' });
  expect(dry.status).toBe(200);
  expect(dry.body).not.toHaveProperty('secret');
  expect((await tsig('GET')).body['keys']).toEqual([]);
});

test('what the API is sent of a secret comes back in no problem', async () => {
  const { tsig } = await served();
  const bad = await tsig('POST', '', { name: 'k', zones: 'all', secret: 'c2VjcmV0LW9mLW1pbmU' });
  expect(bad).toMatchObject({ status: 422, body: { code: 'TSIG_SECRET' } });
  expect(bad.text).not.toContain('c2VjcmV0');
});

test('keys are for the administrator', async () => {
  const { tsig, token } = await served();
  const owner = { authorization: `Bearer ${await token('zone:post.example')}` };
  expect((await tsig('GET', '', undefined, owner)).status).toBe(403);
  expect((await tsig('POST', '', { name: 'l', zones: 'all' }, owner)).status).toBe(403);
});
