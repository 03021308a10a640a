/** `/v1/tokens`: tokens are shown once, and revoked. */
import { expect, test } from 'vitest';
import { type ProblemBody, bench } from '../../support/admin/bench.ts';

test('shows a token once', async () => {
  const { call, app } = await bench();
  const made = await call('POST', '/v1/tokens', { payload: { name: 'deploy', scopes: ['zone:Example.COM', 'read'] } });
  const { token, id, scopes } = made.json<{ token: string; id: string; scopes: string[] }>();
  expect([made.statusCode, made.headers['cache-control'], scopes]).toEqual([201, 'no-store', ['zone:example.com.', 'read']]);
  expect((await app.inject({ url: '/v1/status', headers: { authorization: `Bearer ${token}` } })).statusCode).toBe(200);
  const list = await call('GET', '/v1/tokens');
  expect(list.body).toContain(id);
  expect(list.body).not.toContain(token.split('_').at(-1));
});

test.each([
  [{ name: 'x', scopes: [] }, '/scopes'],
  [{ name: 'x', scopes: ['root'] }, '/scopes/0'],
  [{ name: 'x', scopes: ['read', 'zone:a..b'] }, '/scopes/1'],
  [{ name: '', scopes: ['read'] }, '/name'],
  [{ name: 'x', scopes: ['read'], expiresAt: 'tomorrow' }, '/expiresAt'],
  [{ name: 'x', scopes: ['read'], expiresAt: '2020-01-01T00:00:00Z' }, '/expiresAt'],
])('refuses %j', async (payload, at) => {
  const { call, control } = await bench();
  const answer = await call('POST', '/v1/tokens', { payload });
  expect([answer.statusCode, answer.json<ProblemBody>().errors[0]!.at]).toEqual([422, at]);
  expect(control.tokenMap.size).toBe(4);
});

test('dry runs change nothing', async () => {
  const { call, control } = await bench();
  const made = await call('POST', '/v1/tokens?dryRun=1', { payload: { name: 'x', scopes: ['read'] } });
  expect(made.json()).toEqual({ dryRun: true, name: 'x', scopes: ['read'] });
  const id = control.tokens.list()[0]!.id;
  expect((await call('DELETE', `/v1/tokens/${id}?dryRun=1`)).json()).toEqual({ id, revoked: false, dryRun: true });
  expect(control.tokenMap.size).toBe(4);
});

test('404 for one that is not there', async () => {
  const { call } = await bench();
  expect((await call('DELETE', '/v1/tokens/0000')).json<ProblemBody>().code).toBe('TOKEN_NOT_FOUND');
});
