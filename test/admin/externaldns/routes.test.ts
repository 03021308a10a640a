/** ExternalDNS's webhook protocol: the requests that it sends, in their order, and what it must not be able to do. */
import type { LightMyRequestResponse } from 'fastify';
import { expect, test } from 'vitest';
import type { NewToken } from '#control/api/tokens.ts';
import { type ProblemBody, bench } from '../../support/admin/bench.ts';
import { good } from '../../support/temporary-control.ts';

const MEDIA_TYPE = 'application/external.dns.webhook+json;version=1';
const ACTOR = { kind: 'system', id: 'test', from: '' } as const;

interface Endpoint {
  readonly dnsName: string;
  readonly recordType: string;
  readonly targets: readonly string[];
  readonly recordTTL?: number;
  readonly providerSpecific?: readonly { readonly name: string; readonly value: string }[];
}

/** ExternalDNS with `--webhook-provider-url=http://any:TOKEN@…/externaldns`. */
async function externalDns(rights: Partial<NewToken> = { scopes: ['zone:example.com.'] }) {
  const made = await bench({ hasExternaldns: true });
  const { secret } = good(await made.control.tokens.create({ name: 'x', scopes: [], ...rights }, ACTOR));
  const authorization = `Basic ${Buffer.from(`any:${secret}`).toString('base64')}`;
  const ask = (url: string, body?: unknown, headers: Record<string, string> = {}): Promise<LightMyRequestResponse> =>
    made.app.inject({
      method: body === undefined ? 'GET' : 'POST',
      url: `/externaldns${url}`,
      headers: { authorization, ...(body === undefined ? { accept: MEDIA_TYPE } : {}), ...headers },
      ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
    });
  const records = async () => (await ask('/records')).json<Endpoint[]>();
  const at = async (name: string) =>
    (await records())
      .filter(({ dnsName }) => dnsName === name)
      .map(({ recordType, targets, recordTTL }) => `${recordTTL} ${recordType} ${targets.join(' ')}`);
  const apply = async (changes: object) => {
    const answer = await ask('/records', changes, { 'content-type': MEDIA_TYPE });
    return answer.statusCode === 204 ? 'done' : `${answer.statusCode} ${answer.json<ProblemBody>().code}`;
  };
  return { ...made, ask, records, at, apply, secret };
}

const a = (dnsName: string, ...targets: string[]): Endpoint => ({ dnsName, recordType: 'A', targets });

test('the round of ExternalDNS: which zones, which records, adjusting, creating, updating, deleting', async () => {
  const { ask, at, apply } = await externalDns();
  for (const url of ['', '/']) {
    const negotiated = await ask(url);
    // It compares the whole of both.
    expect([negotiated.headers['content-type'], negotiated.headers['vary']]).toEqual([MEDIA_TYPE, 'Content-Type']);
    expect(negotiated.json()).toMatchObject({ include: ['example.com'], exclude: [] });
  }
  expect((await ask('/records')).headers['content-type']).toBe(MEDIA_TYPE);
  const owner = {
    dnsName: '_owner.a-app.example.com',
    recordType: 'TXT',
    targets: ['"heritage=external-dns,external-dns/owner=me"'],
  };
  const desired = [a('app.example.com', '192.0.2.1', '192.0.2.2'), owner];
  const adjusted = await ask('/adjustendpoints', desired, { 'content-type': MEDIA_TYPE, accept: MEDIA_TYPE });
  expect([adjusted.statusCode, adjusted.headers['content-type'], adjusted.json()]).toEqual([200, MEDIA_TYPE, desired]);
  expect(await apply({ create: desired })).toBe('done');
  expect([await at('app.example.com'), await at('_owner.a-app.example.com')]).toEqual([
    ['300 A 192.0.2.1 192.0.2.2'],
    ['300 TXT "heritage=external-dns,external-dns/owner=me"'],
  ]);
  const updateNew = [{ ...a('app.example.com', '192.0.2.2', '192.0.2.3'), recordTTL: 60 }];
  expect(await apply({ updateOld: [desired[0]], updateNew })).toBe('done');
  expect(await at('app.example.com')).toEqual(['60 A 192.0.2.2 192.0.2.3']);
  expect(await apply({ delete: [...updateNew, owner], create: null })).toBe('done');
  expect([await at('app.example.com'), await at('_owner.a-app.example.com')]).toEqual([[], []]);
});

test('what is sent again changes nothing, and records that others have put beside stay', async () => {
  const { apply, at, call, control } = await externalDns();
  expect(await apply({ Create: [a('app.example.com', '192.0.2.1')] })).toBe('done');
  const serial = () => control.zones.list()[0]!.serial;
  const before = serial();
  expect(await apply({ create: [a('app.example.com', '192.0.2.1')] })).toBe('done');
  expect(serial()).toBe(before);
  await call('PUT', '/v1/zones/example.com/rrsets/app/A', {
    payload: { ttl: 60, records: ['192.0.2.1', '192.0.2.9'] },
  });
  expect(await apply({ delete: [a('app.example.com', '192.0.2.1')] })).toBe('done');
  expect(await at('app.example.com')).toEqual(['60 A 192.0.2.9']);
  expect(await apply({ delete: [a('app.example.com', '192.0.2.1')] })).toBe('done');
});

test('a CNAME at an apex of ours becomes an ALIAS, elsewhere it does not', async () => {
  const { ask } = await externalDns();
  const cname = (dnsName: string) => ({ dnsName, recordType: 'CNAME', targets: ['lb.example.net'] });
  const sent = [cname('example.com'), cname('x.example.com'), cname('example.net')];
  const adjusted = (await ask('/adjustendpoints', sent, { accept: MEDIA_TYPE })).json<Endpoint[]>();
  expect(adjusted.map(({ providerSpecific }) => providerSpecific)).toEqual([
    [{ name: 'alias', value: 'true' }],
    undefined,
    undefined,
  ]);
});

test.each([
  ['a name of no zone', { create: [a('app.example.net', '192.0.2.1')] }, '404 ZONE_NOT_FOUND'],
  ['no address', { create: [a('app.example.com', 'x')] }, /^4/],
  ['no targets', { create: [a('app.example.com')] }, '422 FIELD_VALUE'],
  ['another type', { create: [{ dnsName: 'app.example.com', recordType: 'DS', targets: ['x'] }] }, '422 FIELD_VALUE'],
  ['weights', { create: [{ ...a('app.example.com', '192.0.2.1'), setIdentifier: 'one' }] }, '422 FIELD_VALUE'],
  ['a TTL that is none', { create: [{ ...a('app.example.com', '192.0.2.1'), recordTTL: -1 }] }, '422 FIELD_VALUE'],
  ['no list', { create: {} }, '422 FIELD_VALUE'],
  ['two lists', { create: [], Create: [] }, '422 FIELD_VALUE'],
  ['one good and one bad', { create: [a('good.example.com', '192.0.2.1'), a('bad.example.com', 'x')] }, /^4/],
])('%s is rejected, and nothing is changed', async (_, changes, expected) => {
  const { apply, control } = await externalDns();
  const before = control.zones.list()[0]!.serial;
  expect(await apply(changes)).toMatch(expected);
  expect(control.zones.list()[0]!.serial).toBe(before);
});

test('a token of some names and types sees and changes those, and no others', async () => {
  const grant = { may: 'change', zone: 'example.com.', names: ['*.apps.example.com.'], types: ['A'] } as const;
  const { apply, records, ask } = await externalDns({ grants: [grant] });
  expect((await ask('')).json()).toMatchObject({ include: ['example.com'] });
  expect(await records()).toEqual([]);
  expect(await apply({ create: [a('one.apps.example.com', '192.0.2.1')] })).toBe('done');
  expect((await records()).map(({ dnsName }) => dnsName)).toEqual(['one.apps.example.com']);
  expect(await apply({ create: [a('www2.example.com', '192.0.2.1')] })).toBe('403 AUTH_SCOPE');
});

test('who only reads gets no domains, which would be all of them; another version is not spoken', async () => {
  const reader = await externalDns({ scopes: ['read'] });
  expect((await reader.ask('')).statusCode).toBe(403);
  expect(await reader.apply({ create: [a('app.example.com', '192.0.2.1')] })).toBe('403 AUTH_SCOPE');
  const { ask } = await externalDns();
  expect((await ask('', undefined, { accept: `${MEDIA_TYPE.slice(0, -1)}2` })).statusCode).toBe(400);
});

test('RFC 7617: the token is the password here and nowhere else; no page of a browser may use one that it remembers', async () => {
  const { app, ask, secret, control } = await externalDns();
  const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });
  const status = async (url: string, headers: Record<string, string>) =>
    (await app.inject({ url, headers })).statusCode;
  expect(await status('/externaldns/records', { authorization: `Bearer ${secret}` })).toBe(200);
  expect(await status('/v1/zones', basic(`any:${secret}`))).toBe(401);
  for (const text of ['any:', secret, `${secret}:`, `any:${secret}x`, ''])
    expect(await status('/externaldns/records', basic(text))).toBe(401);
  expect(await status('/externaldns/healthz', {})).toBe(200);
  const before = control.commands.length;
  const changes = { create: [a('evil.example.com', '192.0.2.66')] };
  for (const headers of [{ origin: 'https://evil.example.net' }, { 'sec-fetch-site': 'cross-site' }])
    expect((await ask('/records', changes, { ...headers, 'content-type': 'text/plain' })).statusCode).toBe(403);
  expect(control.commands.length).toBe(before);
});

test('it is there when it is turned on', async () => {
  const { call } = await bench();
  expect((await call('GET', '/externaldns')).statusCode).toBe(404);
});

test('of changes in several zones one that is not possible changes none of them', async () => {
  const made = await externalDns({ scopes: ['admin'] });
  const zone =
    '$TTL 60\n@ SOA ns1.example.net. host.example.net. 1 3600 600 86400 60\n@ NS ns1.example.net.\nwww A 192.0.2.1\n';
  await made.call('PUT', '/v1/zones/other.example/zonefile', {
    headers: { 'content-type': 'text/dns' },
    payload: zone,
  });
  const { secret } = good(await made.control.tokens.create({ name: 'one', scopes: ['zone:example.com.'] }, ACTOR));
  const both = { create: [a('new.example.com', '192.0.2.1'), a('new.other.example', '192.0.2.2')] };
  const authorization = `Basic ${Buffer.from(`any:${secret}`).toString('base64')}`;
  expect((await made.ask('/records', both, { authorization })).statusCode).toBe(403);
  expect(await made.at('new.example.com')).toEqual([]);
  expect(await made.apply(both)).toBe('done');
  expect([await made.at('new.example.com'), await made.at('new.other.example')]).toEqual([
    ['300 A 192.0.2.1'],
    ['300 A 192.0.2.2'],
  ]);
});
