/** The client's address behind a proxy: from configured proxies only, and from the right. */
import { expect, test } from 'vitest';
import { AUTH_FAILURES_PER_MINUTE_MAX } from '#base/limits/admin.ts';
import { good } from '../support/temporary-control.ts';
import { type ProblemBody, bench } from '../support/admin/bench.ts';

const trustedProxies = ['192.0.2.10', '2001:db8:1::/48'];

/** Where the change came from, as the audit log has it. */
async function originOf(remoteAddress: string, forwarded?: string): Promise<string> {
  const { call, control } = await bench({ trustedProxies });
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
  await call('DELETE', '/v1/zones/example.com/rrsets/www/A', { headers, remoteAddress });
  return control.commands.at(-1)!.options.actor.from;
}

test.each([
  // Not a proxy: what it says of itself does not count.
  ['198.51.100.7', '203.0.113.9', '198.51.100.7'],
  ['192.0.2.10', '203.0.113.9', '203.0.113.9'],
  ['192.0.2.10', undefined, '192.0.2.10'],
  ['::ffff:192.0.2.10', '203.0.113.9', '203.0.113.9'],
  // The proxy added the last one; the client made up the one before.
  ['192.0.2.10', '10.0.0.1, 203.0.113.9', '203.0.113.9'],
  // Two proxies, one behind the other.
  ['2001:db8:1::1', '203.0.113.9, 192.0.2.10', '203.0.113.9'],
])('from %s with X-Forwarded-For %s: %s', async (socket, forwarded, client) => {
  expect(await originOf(socket, forwarded)).toBe(client);
});

test.each(['unknown', '203.0.113.9:4711', '', Array.from({ length: 17 }, () => '203.0.113.9').join()])(
  'what is no list of addresses is rejected from a proxy: %s',
  async (forwarded) => {
    const { app, tokens } = await bench({ trustedProxies });
    const headers = { 'x-forwarded-for': forwarded, authorization: `Bearer ${tokens.admin}` };
    const answer = await app.inject({ url: '/v1/zones', headers, remoteAddress: '192.0.2.10' });
    expect([answer.statusCode, answer.json<ProblemBody>().code]).toEqual([400, 'REQUEST']);
    expect(answer.json<ProblemBody>().detail).toContain('whose request this is');
    expect((await app.inject({ url: '/v1/zones', headers, remoteAddress: '198.51.100.7' })).statusCode).toBe(200);
  },
);

test('networks of a token and limits are those of the client, not of the proxy', async () => {
  const { app, control } = await bench({ trustedProxies });
  const actor = { kind: 'system', id: 'test', from: '' } as const;
  const made = good(await control.tokens.create({ name: 'x', scopes: ['read'], networks: ['203.0.113.0/24'] }, actor));
  const status = async (client: string, token = made.secret) => {
    const headers = { 'x-forwarded-for': client, authorization: `Bearer ${token}` };
    return (await app.inject({ url: '/v1/zones', headers, remoteAddress: '192.0.2.10' })).statusCode;
  };
  expect([await status('203.0.113.9'), await status('198.51.100.7')]).toEqual([200, 401]);
  for (let n = 0; n < AUTH_FAILURES_PER_MINUTE_MAX; n++) expect(await status('198.51.100.8', 'x')).toBe(401);
  expect([await status('198.51.100.8', 'x'), await status('198.51.100.9', 'x')]).toEqual([429, 401]);
});
