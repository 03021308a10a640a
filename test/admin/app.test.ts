/** What the app answers to every request, whatever the route. */
import { API_TOKENS_PER_ADDRESS } from '#base/limits/admin.ts';
import { expect, test } from 'vitest';
import { type ProblemBody, bench } from '../support/admin/bench.ts';

test('405 with Allow for a method that a resource does not have', async () => {
  const { call } = await bench();
  const answer = await call('POST', '/v1/zones/example.com');
  expect([answer.statusCode, answer.headers.allow]).toEqual([405, 'DELETE, GET, HEAD, PATCH']);
  expect(answer.json<ProblemBody>().code).toBe('METHOD_NOT_ALLOWED');
});

test('carry the headers that keep browsers from misreading them', async () => {
  const { call } = await bench();
  const { headers } = await call('GET', '/v1/zones');
  expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'x-frame-options': 'SAMEORIGIN' });
  expect(headers).not.toHaveProperty('access-control-allow-origin');
  expect(headers).not.toHaveProperty('strict-transport-security');
});

test('429 when a token asks too often, from wherever, or a client network with many tokens', async () => {
  const { app, tokens } = await bench({ requestsPerMinuteMax: 5 });
  const ask = async (remoteAddress: string) =>
    await app.inject({ url: '/v1/status', remoteAddress, headers: { authorization: `Bearer ${tokens.read}` } });
  for (let n = 0; n < 5; n++) expect((await ask(`2001:db8::${n}`)).statusCode).toBe(200);
  const refused = await ask('2001:db8::9');
  expect([refused.statusCode, refused.json<ProblemBody>().code]).toEqual([429, 'RATE_LIMIT']);
  expect(refused.headers['retry-after']).toBeDefined();
  expect((await ask('192.0.2.1')).statusCode).toBe(429);
  const asked = async (remoteAddress: string) => (await app.inject({ url: '/v1/mail/schema', remoteAddress })).statusCode;
  expect(
    (await app.inject({ url: '/v1/status', remoteAddress: '2001:db8::9', headers: { authorization: `Bearer ${tokens.admin}` } }))
      .statusCode,
  ).toBe(200);
  // Six of the network were let through above.
  for (let n = 6; n < 5 * API_TOKENS_PER_ADDRESS; n++) expect(await asked(`2001:db8::${n}`)).toBe(200);
  expect(await asked('2001:db8::99')).toBe(429);
  expect(await asked('192.0.2.1')).toBe(200);
});

test('asks for a token before it says whether a path exists', async () => {
  const { app, call } = await bench();
  expect((await app.inject('/v1/nothing')).statusCode).toBe(401);
  expect((await call('GET', '/v1/nothing')).json<ProblemBody>().code).toBe('ROUTE_NOT_FOUND');
});
