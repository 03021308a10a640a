/** X-Change-Reason, who a sender is, and refused requests, as the audit log has them. */
import { describe, expect, test } from 'vitest';
import { CHANGE_REASON_CHARACTERS_MAX } from '#base/limits/changes.ts';
import { good } from '../support/temporary-control.ts';
import { bench } from '../support/admin/bench.ts';

const RRSET = '/v1/zones/example.com/rrsets/www/A';
const BODY = { ttl: 60, records: ['192.0.2.99'] };

async function asked(reason: string, payload: object = BODY) {
  const { call, control } = await bench();
  const headers = { 'x-change-reason': Buffer.from(reason).toString('latin1') };
  const answer = await call('PUT', RRSET, { payload, headers });
  return { answer, control, entry: control.auditLog[0]! };
}

describe('X-Change-Reason', () => {
  test('goes into the entry as it came, UTF-8', async () => {
    const { answer, entry } = await asked('Umzug nach Köln – OPS-7');
    expect(answer.statusCode).toBe(200);
    expect(entry).toMatchObject({ reason: 'Umzug nach Köln – OPS-7', actor: { transport: 'http' } });
  });

  test.each([
    ['x'.repeat(CHANGE_REASON_CHARACTERS_MAX + 1), '501 characters'],
    ['two\u0085lines', 'U+0085'],
    ['to \u202eleft', 'U+202E'],
  ])('is rejected and never cut: %#', async (reason, why) => {
    const { answer, control } = await asked(reason);
    expect(answer.statusCode).toBe(400);
    expect(answer.json<{ detail: string }>().detail).toContain(why);
    expect(control.auditLog.some(({ reason: given }) => given !== undefined)).toBe(false);
  });

  test('that is not UTF-8 is rejected', async () => {
    const { call } = await bench();
    const answer = await call('PUT', RRSET, { payload: BODY, headers: { 'x-change-reason': 'K\u00f6ln' } });
    expect(answer.json()).toMatchObject({ status: 400, detail: 'the reason is not UTF-8' });
  });

  test('means nothing for a request that only reads', async () => {
    const { call } = await bench();
    expect((await call('GET', RRSET, { headers: { 'x-change-reason': 'K\u00f6ln' } })).statusCode).toBe(200);
  });
});

describe('a refused request', () => {
  test('of a token without the right is noted with its owner, role, zone and code', async () => {
    const { call, control } = await bench();
    const wanted = { name: 'deploy', owner: 'mary', scopes: ['zone:other.example.'] } as const;
    const { secret } = good(await control.tokens.create(wanted, { kind: 'system', id: 'test', from: '' }));
    const headers = { authorization: `Bearer ${secret}`, 'x-change-reason': 'try' };
    expect((await call('PUT', RRSET, { payload: BODY, headers })).statusCode).toBe(403);
    expect(control.refusedAttempts).toMatchObject([
      {
        actor: { kind: 'token', owner: 'mary', role: 'limited', from: '127.0.0.1', transport: 'http', reason: 'try' },
        what: 'PUT /v1/zones/{zone}/rrsets/{name}/{type}',
        zone: 'example.com',
        codes: ['AUTH_SCOPE'],
      },
    ]);
  });

  test('without a good token is that of a stranger, reads too', async () => {
    const { call, control } = await bench();
    const headers = { authorization: `Bearer wax_${'ab'.repeat(8)}_${'00'.repeat(32)}` };
    expect((await call('GET', '/v1/zones', { headers })).statusCode).toBe(401);
    expect(control.refusedAttempts).toMatchObject([
      { actor: { kind: 'unknown', id: 'ab'.repeat(8), from: '127.0.0.1' }, what: 'GET /v1/zones' },
    ]);
  });

  test('that its content stood against is noted; a dry run, a path that is not there and a read are not', async () => {
    const { call, control } = await bench();
    const bad = { ttl: 60, records: ['not an address'] };
    expect((await call('PUT', `${RRSET}?dryRun=1`, { payload: bad })).statusCode).toBe(422);
    expect((await call('PUT', '/v1/nothing', { payload: bad })).statusCode).toBe(404);
    expect((await call('GET', '/v1/zones/nothing.example')).statusCode).toBe(404);
    expect(control.refusedAttempts).toEqual([]);
    expect((await call('PUT', RRSET, { payload: bad })).statusCode).toBe(422);
    expect(control.refusedAttempts).toHaveLength(1);
  });

  test('with If-Match of an older version is noted', async () => {
    const { call, control } = await bench();
    expect((await call('PUT', RRSET, { payload: BODY, headers: { 'if-match': '"h0"' } })).statusCode).toBe(412);
    expect(control.refusedAttempts).toMatchObject([{ codes: ['PRECONDITION'], zone: 'example.com' }]);
  });
});
