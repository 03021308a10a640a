/** A token for some RRsets of a zone: what it sees, what it changes, on every route that it reaches. */
import { describe, expect, test, vi } from 'vitest';
import type { NewToken } from '#control/api/tokens.ts';
import { type OutcomeBody, type ProblemBody, type RrsetBody, bench } from '../../support/admin/bench.ts';
import { nameOf } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { good } from '../../support/temporary-control.ts';

const ACTOR = { kind: 'system', id: 'test', from: '' } as const;
const ACME = { names: ['_acme-challenge.*', '_*._acme-challenge.*'], types: ['TXT'] };
const CHALLENGE = { op: 'add', name: '_acme-challenge.www.example.com.', type: 'TXT', ttl: 60, records: ['"v"'] };

async function withToken(wanted: Partial<NewToken>) {
  const one = await bench();
  const { secret } = good(await one.control.tokens.create({ name: 'test', scopes: [], ...wanted }, ACTOR));
  const call: typeof one.call = (method, url, options = {}) =>
    one.call(method, url, { ...options, headers: { ...options.headers, authorization: `Bearer ${secret}` } });
  return { ...one, call };
}

const acme = () => withToken({ grants: [{ zone: 'example.com.', may: 'change', ...ACME }] });

describe('a token for TXT at _acme-challenge', () => {
  test('adds and removes its records, and sees no others in answers', async () => {
    const { call, control } = await acme();
    const added = await call('PATCH', '/v1/zones/example.com/rrsets', { payload: [CHALLENGE] });
    const { changeset } = added.json<OutcomeBody>();
    expect([added.statusCode, changeset.added, changeset.deleted]).toEqual([200, ['_acme-challenge.www.example.com. 60 IN TXT "v"'], []]);
    const listed = await call('GET', '/v1/zones/example.com/rrsets');
    expect(listed.json<{ rrsets: RrsetBody[] }>().rrsets.map(({ name, type }) => `${name} ${type}`)).toEqual([
      '_acme-challenge.www.example.com. TXT',
    ]);
    const url = '/v1/zones/example.com/rrsets/_acme-challenge.www.example.com./TXT';
    expect((await call('GET', url)).statusCode).toBe(200);
    expect((await call('DELETE', url)).statusCode).toBe(200);
    const scoped = '/v1/zones/example.com/rrsets/_a._acme-challenge.www.example.com./TXT';
    expect((await call('PUT', scoped, { payload: { ttl: 60, records: ['x'] } })).statusCode).toBe(201);
    expect(control.commands.at(-1)?.options.mayChange?.(new Uint8Array([0]))).toBe(false);
  });

  test.each([
    ['another type', { ...CHALLENGE, type: 'A', records: ['192.0.2.1'] }],
    ['another type by number', { ...CHALLENGE, type: 'TYPE1', records: ['192.0.2.1'] }],
    ['another name', { ...CHALLENGE, name: 'www' }],
    ['the apex', { ...CHALLENGE, name: '@' }],
    ['a name with the label further down', { ...CHALLENGE, name: 'x._acme-challenge.www.example.com.' }],
    ['the deletion of another RRset', { op: 'delete', name: 'www', type: 'A' }],
  ])('is rejected with %s, and nothing of the batch is done', async (_what, operation) => {
    const { call, control } = await acme();
    const before = control.generation;
    const answer = await call('PATCH', '/v1/zones/example.com/rrsets', { payload: [CHALLENGE, operation] });
    expect([answer.statusCode, answer.json<ProblemBody>().errors]).toMatchObject([403, [{ code: 'AUTH_SCOPE', at: '/1/name' }]]);
    const dry = await call('PATCH', '/v1/zones/example.com/rrsets?dryRun=1', { payload: [operation] });
    expect([dry.statusCode, control.generation]).toEqual([403, before]);
  });

  test('a request for thousands of RRsets outside of it is answered in a few kilobytes, and says how many there are', async () => {
    const { call } = await acme();
    const payload = Array.from({ length: 5000 }, (_, at) => ({ op: 'delete', name: `n${at}`, type: 'A' }));
    const answer = await call('PATCH', '/v1/zones/example.com/rrsets', { payload });
    expect([answer.statusCode, answer.json<ProblemBody>().errors.length]).toEqual([403, 10]);
    expect(answer.body).toContain('n9.example.com. A, and to 4990 more RRsets of this request');
    expect(answer.body.length).toBeLessThan(10_000);
  });

  test.each([
    ['GET', '/v1/zones/example.com/rrsets/www/A'],
    ['GET', '/v1/zones/example.com/rrsets/nothing-there/A'],
    ['PUT', '/v1/zones/example.com/rrsets/www/A'],
    ['DELETE', '/v1/zones/example.com/rrsets/www/A'],
    ['PUT', '/v1/zones/example.com/rrsets/_acme-challenge/CNAME'],
  ] as const)('%s %s: 403 whether it is there or not, whatever If-Match says', async (method, url) => {
    const { call, control } = await acme();
    const before = control.generation;
    const payload = method === 'PUT' ? { payload: { ttl: 60, records: ['192.0.2.9'] } } : {};
    for (const headers of [{}, { 'if-match': '*' }, { 'if-none-match': '*' }])
      expect((await call(method, url, { ...payload, headers })).json<ProblemBody>().code).toBe('AUTH_SCOPE');
    expect(control.generation).toBe(before);
  });

  test.each([
    ['GET', '/v1/zones/example.com/zonefile'],
    ['PUT', '/v1/zones/example.com/zonefile'],
    ['PUT', '/v1/zones/example.com/mail'],
    ['GET', '/v1/zones/example.com/dnssec'],
    ['PATCH', '/v1/zones/example.com'],
    ['DELETE', '/v1/zones/example.com'],
  ] as const)('cannot %s %s, which is about the whole zone', async (method, url) => {
    const { call } = await acme();
    expect((await call(method, url)).statusCode).toBe(403);
  });

  test('is given its own scope when changes are listed and undone, and sees no other records of them', async () => {
    const { call, control } = await acme();
    await call('PATCH', '/v1/zones/example.com/rrsets', { payload: [CHALLENGE] });
    const changes = vi.spyOn(control.zones, 'changes');
    expect((await call('GET', '/v1/zones/example.com/changes')).statusCode).toBe(200);
    const shown = changes.mock.calls[0]![3];
    const owner = (text: string) => nameOf(`${text}.example.com.`);
    expect(shown?.isShown?.(owner('_acme-challenge.www'), TYPE.TXT)).toBe(true);
    expect(shown?.isShown?.(owner('www'), TYPE.A)).toBe(false);
    // Whether the change is all its own is decided with the command, by what it may touch: test/control/zone/rollback.test.ts.
    await call('POST', '/v1/zones/example.com/changes/1/revert');
    const { mayTouch } = control.commands.at(-1)!.options;
    expect(mayTouch?.(owner('www'), TYPE.A)).toBe(false);
    expect(mayTouch?.(owner('_acme-challenge.www'), TYPE.TXT)).toBe(true);
  });

  test('knows of its own zone only', async () => {
    const { call, control } = await acme();
    const made = { kind: 'zone.create', zone: new Uint8Array([5, 111, 116, 104, 101, 114, 0]), dnssec: false } as const;
    good(await control.run(made, { actor: ACTOR, dryRun: false }));
    expect((await call('GET', '/v1/zones')).json()).toMatchObject({ zones: [{ name: 'example.com.' }] });
    const [there, absent] = [await call('GET', '/v1/zones/other'), await call('GET', '/v1/zones/absent')];
    expect(there.body).toBe(absent.body);
    expect((await call('GET', '/v1/events?follow=0')).body).not.toContain('data:');
  });
});

describe('grants of whole zones', () => {
  test('a zone that is not there is not explained with the names of zones of others', async () => {
    const { call } = await withToken({ grants: [{ zone: 'exampel.com.', may: 'change' }] });
    const answer = await call('GET', '/v1/zones/exampel.com');
    expect([answer.statusCode, answer.body]).toEqual([404, expect.not.stringContaining('example.com')]);
  });

  test('manage creates the zone it names and no other, by POST and by zone file', async () => {
    const { call } = await withToken({ grants: [{ zone: 'new.test.', may: 'manage' }] });
    expect((await call('POST', '/v1/zones', { payload: { name: 'other.test' } })).json<ProblemBody>().code).toBe('AUTH_SCOPE');
    expect((await call('POST', '/v1/zones', { payload: { name: 'new.test', dnssec: 'off' } })).statusCode).toBe(201);
    expect((await call('DELETE', '/v1/zones/new.test')).statusCode).toBe(200);
    const file = { payload: '@ 60 SOA a b 1 2 3 4 5\n@ 60 NS a\na 60 A 192.0.2.1\n', headers: { 'content-type': 'text/dns' } };
    expect((await call('PUT', '/v1/zones/new.test/zonefile?dnssec=off', file)).statusCode).toBe(201);
  });

  test('read changes nothing', async () => {
    const { call } = await withToken({ grants: [{ may: 'read' }] });
    expect((await call('GET', '/v1/zones/example.com/zonefile')).statusCode).toBe(200);
    expect((await call('PATCH', '/v1/zones/example.com/rrsets', { payload: [CHALLENGE] })).statusCode).toBe(403);
  });
});

describe('where from, how often, how long', () => {
  test('an address that the token is not for is answered as a wrong token is', async () => {
    const { app, control } = await bench();
    const wanted = { name: 'x', scopes: ['read'], networks: ['192.0.2.0/24', '2001:db8::1'] } as const;
    const { secret } = good(await control.tokens.create(wanted, ACTOR));
    const ask = async (remoteAddress: string, token = secret) =>
      await app.inject({ url: '/v1/status', remoteAddress, headers: { authorization: `Bearer ${token}` } });
    for (const from of ['192.0.2.77', '::ffff:192.0.2.1', '2001:db8::1']) expect((await ask(from)).statusCode).toBe(200);
    const wrong = await ask('198.51.100.7');
    expect(wrong.statusCode).toBe(401);
    expect(wrong.body).toBe(
      (
        await ask(
          '198.51.100.7',
          secret.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
        )
      ).body,
    );
  });

  test('its own number of requests a minute counts', async () => {
    const { call } = await withToken({ scopes: ['read'], requestsPerMinute: 3 });
    const statuses: number[] = [];
    for (let n = 0; n < 5; n++) statuses.push((await call('GET', '/v1/status')).statusCode);
    expect(statuses).toEqual([200, 200, 200, 429, 429]);
  });
});
