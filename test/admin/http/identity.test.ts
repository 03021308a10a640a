/** Who sends a request: tokens, and where they stand. */
import { describe, expect, test } from 'vitest';
import { type ProblemBody, bench } from '../../support/admin/bench.ts';
import { good } from '../../support/temporary-control.ts';

describe('RFC 6750 §2: bearer tokens', () => {
  test.each([
    ['no token', undefined, 'AUTH_MISSING'],
    ['another scheme', 'Basic YTpi', 'AUTH_INVALID'],
    ['two words', 'Bearer a b', 'AUTH_INVALID'],
    ['nothing after Bearer', 'Bearer', 'AUTH_INVALID'],
  ])('%s', async (_what, authorization, code) => {
    const { app } = await bench();
    const answer = await app.inject({ url: '/v1/zones', headers: authorization === undefined ? {} : { authorization } });
    expect(answer.statusCode).toBe(401);
    expect(answer.json<ProblemBody>().code).toBe(code);
  });

  test('takes the scheme in any case', async () => {
    const { app, tokens } = await bench();
    expect((await app.inject({ url: '/v1/zones', headers: { authorization: `bearer ${tokens.read}` } })).statusCode).toBe(200);
  });

  test('§3.1: rejects a request with a token in the URL, whatever else it has', async () => {
    const { app, tokens, call } = await bench();
    expect((await app.inject(`/v1/zones?access_token=${tokens.admin}`)).statusCode).toBe(400);
    const answer = await call('GET', `/v1/zones?access_token=${tokens.admin}`);
    expect(answer.statusCode).toBe(400);
  });

  test('stops believing a token that is revoked or expired', async () => {
    const { app, control, tokens, call } = await bench();
    const made = await call('POST', '/v1/tokens', { payload: { name: 'short', scopes: ['read'], expiresAt: '2026-01-01T01:00:00Z' } });
    const { token } = made.json<{ token: string }>();
    const tryToken = async (secret: string) =>
      (await app.inject({ url: '/v1/status', headers: { authorization: `Bearer ${secret}` } })).statusCode;
    expect(await tryToken(token)).toBe(200);
    control.nowMs += 3_600_000;
    expect(await tryToken(token)).toBe(401);
    const { tokens: list } = (await call('GET', '/v1/tokens')).json<{ tokens: { id: string; name: string }[] }>();
    expect(await tryToken(tokens.read)).toBe(200);
    expect((await call('DELETE', `/v1/tokens/${list.find(({ name }) => name === 'read')!.id}`)).statusCode).toBe(200);
    expect(await tryToken(tokens.read)).toBe(401);
  });
});

test('writes the token and the address into the audit log', async () => {
  const { app, control, tokens } = await bench();
  await app.inject({
    method: 'DELETE',
    url: '/v1/zones/example.com/rrsets/www/A',
    remoteAddress: '198.51.100.7',
    headers: { authorization: `Bearer ${tokens.zone}`, 'x-forwarded-for': '192.0.2.66' },
  });
  expect(control.commands.at(-1)?.options.actor).toMatchObject({ kind: 'token', from: '198.51.100.7' });
  expect(tokens.zone).toContain(control.commands.at(-1)?.options.actor.id);
});

test.each([
  ['administrator', { scopes: ['admin'] }],
  ['operator', { scopes: ['read'], grants: [{ may: 'manage' }] }],
  ['auditor', { scopes: ['read'] }],
  ['signer', { scopes: ['signer:mx'] }],
  ['limited', { scopes: ['zone:example.com.'] }],
  ['limited', { scopes: ['read'], grants: [{ may: 'change', zone: 'example.com.' }] }],
] as const)('a token that is one of the roles as a whole is named so in the audit log: %s', async (role, rights) => {
  const { app, control } = await bench();
  const made = good(await control.tokens.create({ name: role, ...rights }, { kind: 'system', id: 'test', from: '' }));
  const headers = { authorization: `Bearer ${made.secret}` };
  const { statusCode } = await app.inject({ method: 'DELETE', url: '/v1/zones/example.com/rrsets/www/A', headers });
  const actor = statusCode === 403 ? control.refusedAttempts.at(-1)?.actor : control.commands.at(-1)?.options.actor;
  expect(actor).toMatchObject({ kind: 'token', role });
});

describe('headers that carry a token', () => {
  test('a route that names no header of its own reads Authorization only', async () => {
    const { app, tokens } = await bench();
    const answer = await app.inject({ url: '/v1/zones', headers: { 'x-vault-token': tokens.admin } });
    expect([answer.statusCode, answer.json<ProblemBody>().code]).toEqual([401, 'AUTH_MISSING']);
  });

  test('Authorization goes before X-Vault-Token where a route reads both', async () => {
    const { app, control } = await bench();
    const actor = { kind: 'system', id: 'test', from: '' } as const;
    const { secret } = good(await control.tokens.create({ name: 'mx1', scopes: ['signer:mx1'] }, actor));
    const ask = async (headers: Record<string, string>) => {
      const answer = await app.inject({ url: '/v1/signers/mx1/keys', headers });
      return answer.json<ProblemBody>().code;
    };
    // The stand-in knows no signer: that it says so shows that the token was good.
    expect(await ask({ 'x-vault-token': secret })).toBe('SIGNER_NOT_FOUND');
    expect(await ask({ 'x-vault-token': secret, authorization: 'Bearer x' })).toBe('AUTH_INVALID');
    expect(await ask({ 'x-vault-token': 'x', authorization: `Bearer ${secret}` })).toBe('SIGNER_NOT_FOUND');
    expect(await ask({ 'x-vault-token': `Bearer ${secret}` })).toBe('AUTH_INVALID');
  });
});
