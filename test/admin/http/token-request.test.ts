/** What a request for a token may say, and what it becomes. */
import { describe, expect, test } from 'vitest';
import { type ProblemBody, bench } from '../../support/admin/bench.ts';

describe('a request for a token', () => {
  test.each([
    [{ role: 'operator' }, { scopes: ['read'], grants: [{ may: 'manage' }] }],
    [{ role: 'auditor' }, { scopes: ['read'] }],
    [{ role: 'administrator' }, { scopes: ['admin'] }],
    [
      { grants: [{ zone: 'Example.COM', may: 'change', names: ['WWW', '_acme-challenge.*'], types: ['txt', 'TYPE1'] }] },
      {
        scopes: [],
        grants: [{ zone: 'example.com.', may: 'change', names: ['www.example.com.', '_acme-challenge.*'], types: ['TXT', 'A'] }],
      },
    ],
    [
      { scopes: ['read'], owner: 'web team', networks: ['2001:DB8::/32'], unusedSeconds: 86_400, requestsPerMinute: 60 },
      { scopes: ['read'], owner: 'web team', networks: ['2001:db8::/32'], unusedSeconds: 86_400, requestsPerMinute: 60 },
    ],
  ])('%j', async (payload, expected) => {
    const { call } = await bench();
    const dry = await call('POST', '/v1/tokens?dryRun=1', { payload: { name: 'x', ...payload } });
    expect(dry.json()).toEqual({ dryRun: true, name: 'x', ...expected });
    const made = await call('POST', '/v1/tokens', { payload: { name: 'x', ...payload } });
    expect([made.statusCode, made.json()]).toMatchObject([201, expected]);
    expect((await call('GET', '/v1/tokens')).json<{ tokens: object[] }>().tokens).toContainEqual(expect.objectContaining(expected));
  });

  test.each([
    [{}, '/scopes'],
    [{ scopes: [], grants: [] }, '/scopes'],
    [{ grants: [{ zone: 'a..b', may: 'read' }] }, '/grants/0/zone'],
    [{ grants: [{ zone: 'example.com', may: 'change', names: ['www.other.test.'] }] }, '/grants/0/names/0'],
    [{ grants: [{ may: 'change', names: ['www'] }] }, '/grants/0/names/0'],
    [{ grants: [{ may: 'change', types: ['A', 'NONSENSE'] }] }, '/grants/0/types/1'],
    [{ grants: [{ may: 'manage', types: ['A'] }] }, '/grants/0/may'],
    [{ grants: [{ may: 'own' }] }, '/grants/0/may'],
    [{ scopes: ['read'], networks: ['192.0.2.0/33'] }, '/networks/0'],
    [{ scopes: ['read'], unusedSeconds: 60 }, '/unusedSeconds'],
    [{ role: 'signer' }, '/role'],
    [{ scopes: ['signer:mx1'] }, '/scopes/0'],
  ])('is rejected: %j', async (payload, at) => {
    const { call, control } = await bench();
    const before = control.tokenMap.size;
    const answer = await call('POST', '/v1/tokens', { payload: { name: 'x', ...payload } });
    expect([answer.statusCode, answer.json<ProblemBody>().errors[0]!.at]).toEqual([422, at]);
    expect(control.tokenMap.size).toBe(before);
  });
});
