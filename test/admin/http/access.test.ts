import { describe, expect, test } from 'vitest';
import { AUTH_FAILURES_PER_MINUTE_MAX } from '#base/limits/admin.ts';
import type { NewToken } from '#control/api/tokens.ts';
import { type Bench, bench } from '../../support/admin/bench.ts';
import { good } from '../../support/temporary-control.ts';

interface OpenApi {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly security?: readonly unknown[]; readonly summary?: string }>>>>;
}

/** What each route asks for; a route that is not here fails the test, so nobody can add one without saying who may use it. */
const POLICY: Readonly<
  Record<
    string,
    'public' | 'read' | 'any' | 'zone-read' | 'zone-change' | 'rrset-read' | 'rrset-change' | 'zone-manage' | 'admin' | 'signer'
  >
> = {
  'get /livez': 'public',
  'get /readyz': 'public',
  'get /metrics': 'public',
  'get /v1/audit': 'read',
  'get /v1/audit/verify': 'read',
  'get /v1/audit/export': 'read',
  'get /v1/audit/head': 'read',
  'get /v1/audit/key': 'read',
  'get /v1/events': 'any',
  'get /v1/alerts': 'any',
  'post /v1/alerts/{alert}/acknowledge': 'any',
  'post /v1/alerts/test': 'admin',
  'get /v1/query': 'read',
  'get /v1/search': 'any',
  'get /v1/status': 'read',
  'get /v1/dkim/{domain}': 'signer',
  'get /v1/dkim/data/{domain}': 'signer',
  'get /v1/signers': 'read',
  'post /v1/signers': 'admin',
  'get /v1/signers/{signer}': 'read',
  'delete /v1/signers/{signer}': 'admin',
  'get /v1/signers/{signer}/keys': 'signer',
  'post /v1/signers/{signer}/ack': 'signer',
  'post /v1/signers/{signer}/export': 'admin',
  'post /v1/signers/{signer}/public-keys': 'admin',
  'get /v1/tsig': 'admin',
  'post /v1/tsig': 'admin',
  'delete /v1/tsig/{name}': 'admin',
  'get /v1/tokens': 'admin',
  'post /v1/tokens': 'admin',
  'delete /v1/tokens/{id}': 'admin',
  'get /v1/zones': 'any',
  'post /v1/zones': 'zone-manage',
  'get /v1/zones/{zone}': 'rrset-read',
  'patch /v1/zones/{zone}': 'zone-change',
  'delete /v1/zones/{zone}': 'zone-manage',
  'post /v1/zones/{zone}/restore': 'zone-manage',
  'get /v1/zones/{zone}/zonefile': 'zone-read',
  'put /v1/zones/{zone}/zonefile': 'zone-change',
  'get /v1/zones/{zone}/rrsets': 'rrset-read',
  'patch /v1/zones/{zone}/rrsets': 'rrset-change',
  'get /v1/zones/{zone}/rrsets/{name}/{type}': 'rrset-read',
  'put /v1/zones/{zone}/rrsets/{name}/{type}': 'rrset-change',
  'delete /v1/zones/{zone}/rrsets/{name}/{type}': 'rrset-change',
  'get /v1/zones/{zone}/changes': 'rrset-read',
  'get /v1/zones/{zone}/diff': 'rrset-read',
  'post /v1/zones/{zone}/changes/{serial}/revert': 'rrset-change',
  'post /v1/zones/{zone}/rollback': 'rrset-change',
  'get /v1/catalogs': 'read',
  'post /v1/catalogs': 'admin',
  'get /v1/catalogs/{catalog}': 'read',
  'put /v1/catalogs/{catalog}/settings': 'admin',
  'post /v1/catalogs/{catalog}/confirm': 'admin',
  'post /v1/catalogs/{catalog}/members/{zone}/move': 'admin',
  'get /v1/catalogs/{catalog}/members': 'read',
  'put /v1/catalogs/{catalog}/members/{zone}': 'admin',
  'delete /v1/catalogs/{catalog}/members/{zone}': 'admin',
  'get /v1/dnssec': 'read',
  'post /v1/dnssec/orders': 'admin',
  'get /v1/dnssec/policies': 'read',
  'patch /v1/dnssec/policies/{name}': 'admin',
  'delete /v1/dnssec/policies/{name}': 'admin',
  'get /v1/zones/{zone}/dnssec': 'zone-read',
  'patch /v1/zones/{zone}/dnssec': 'zone-change',
  'get /v1/zones/{zone}/dnssec/ds': 'zone-read',
  'get /v1/zones/{zone}/dnssec/children': 'zone-read',
  'patch /v1/zones/{zone}/dnssec/children': 'zone-change',
  'get /v1/zones/{zone}/delegation': 'zone-read',
  'get /v1/zones/{zone}/check': 'zone-read',
  'post /v1/zones/{zone}/dnssec/roll': 'zone-change',
  'get /v1/zones/{zone}/dnssec/timeline': 'zone-read',
  'post /v1/zones/{zone}/dnssec/orders': 'zone-change',
  'post /v1/zones/{zone}/dnssec/keys': 'zone-change',
  'post /v1/zones/{zone}/dnssec/foreign': 'zone-change',
  'post /v1/zones/{zone}/dnssec/keys/export': 'admin',
  'post /v1/keys/reseal': 'admin',
  'get /v1/backups': 'admin',
  'post /v1/backups': 'admin',
  'get /v1/backups/restored': 'admin',
  'post /v1/backups/restored/resume': 'admin',
  'get /v1/mail/schema': 'public',
  'get /v1/spf/{domain}/check': 'read',
  'get /v1/spf/{domain}/tree': 'read',
  'get /v1/spf/{domain}/flatten': 'read',
  'get /v1/zones/{zone}/mail': 'zone-read',
  'put /v1/zones/{zone}/mail': 'zone-change',
  'delete /v1/zones/{zone}/mail': 'zone-change',
  'get /v1/zones/{zone}/mail/status': 'zone-read',
  'get /v1/zones/{zone}/mail/check': 'zone-read',
  'get /v1/zones/{zone}/mail/proposal': 'zone-read',
  'post /v1/zones/{zone}/mail/orders': 'zone-change',
  'get /v1/zones/{zone}/dkim': 'zone-read',
  'post /v1/zones/{zone}/dkim/rotate': 'zone-change',
  'post /v1/zones/{zone}/dkim/{selector}/revoke': 'zone-change',
  'get /v1/zones/{zone}/dmarc': 'zone-read',
  'patch /v1/zones/{zone}/dmarc': 'zone-change',
  'get /v1/zones/{zone}/mta-sts': 'zone-read',
  'patch /v1/zones/{zone}/mta-sts': 'zone-change',
  'get /v1/zones/{zone}/bimi': 'zone-read',
  'get /v1/zones/{zone}/bimi/{selector}': 'zone-read',
  'put /v1/zones/{zone}/bimi/{selector}': 'zone-change',
  'delete /v1/zones/{zone}/bimi/{selector}': 'zone-change',
  'post /v1/zones/{zone}/dmarc/reports': 'zone-change',
  'post /v1/zones/{zone}/dmarc/source': 'zone-change',
  'post /v1/zones/{zone}/mta-sts/reports': 'zone-change',
  'get /v1/zones/{zone}/primaries': 'zone-read',
  'put /v1/zones/{zone}/primaries': 'admin',
  'put /v1/zones/{zone}/role': 'admin',
  'get /v1/zones/{zone}/secondaries': 'zone-read',
  'put /v1/zones/{zone}/secondaries/{address}': 'admin',
  'delete /v1/zones/{zone}/secondaries/{address}': 'zone-change',
  'get /v1/zones/{zone}/certificates': 'zone-read',
  'get /v1/zones/{zone}/certificates/{host}': 'zone-read',
  'put /v1/zones/{zone}/certificates/{host}': 'zone-change',
  'delete /v1/zones/{zone}/certificates/{host}': 'zone-change',
  'post /v1/zones/{zone}/certificates/{host}/renew': 'zone-change',
  'get /v1/zones/{zone}/tlsa': 'zone-read',
  'get /v1/zones/{zone}/tlsa/live': 'zone-read',
  'post /v1/zones/{zone}/tlsa/{host}/next': 'zone-change',
  'post /v1/zones/{zone}/tlsa/{host}/activated': 'zone-change',
  'post /v1/zones/{zone}/tlsa/{host}/abandon': 'zone-change',
};

/** May pass, by policy and who asks. Passing means that the request is judged for what it says: any status but 401, 403 and 429. */
const MAY = {
  none: ['public'],
  wrong: ['public'],
  read: ['public', 'any', 'read', 'zone-read', 'rrset-read'],
  zone: ['public', 'any', 'zone-read', 'zone-change', 'rrset-read', 'rrset-change'],
  other: ['public', 'any'],
  signer: ['public', 'signer'],
  admin: ['public', 'any', 'read', 'zone-read', 'zone-change', 'rrset-read', 'rrset-change', 'zone-manage', 'admin'],
  zoneReader: ['public', 'any', 'zone-read', 'rrset-read'],
  zoneManager: ['public', 'any', 'zone-read', 'zone-change', 'rrset-read', 'rrset-change', 'zone-manage'],
  otherManager: ['public', 'any'],
  operator: ['public', 'any', 'read', 'zone-read', 'zone-change', 'rrset-read', 'rrset-change', 'zone-manage'],
  // Of the routes that it reaches, www A is in its grant; the rest is tested in record-scope.test.ts.
  narrow: ['public', 'any', 'rrset-read', 'rrset-change'],
  narrowReader: ['public', 'any', 'rrset-read'],
} as const satisfies Record<string, readonly (typeof POLICY)[string][]>;

async function signerToken({ control }: Bench): Promise<string> {
  const actor = { kind: 'system', id: 'test', from: '' } as const;
  return good(await control.tokens.create({ name: 'mx1', scopes: ['signer:mx1'] }, actor)).secret;
}

const GRANTS = {
  zoneReader: { grants: [{ zone: 'example.com.', may: 'read' }] },
  zoneManager: { grants: [{ zone: 'example.com.', may: 'manage' }] },
  otherManager: { grants: [{ zone: 'other.test.', may: 'manage' }] },
  operator: { scopes: ['read'], grants: [{ may: 'manage' }] },
  narrow: { grants: [{ zone: 'example.com.', may: 'change', names: ['www.*'], types: ['A'] }] },
  narrowReader: { grants: [{ may: 'read', names: ['www.example.com.'] }] },
} as const satisfies Record<string, Partial<NewToken>>;

/** The token of a caller; `none` has none. */
async function tokenOf(one: Bench, caller: keyof typeof MAY): Promise<string | undefined> {
  if (caller === 'none') return undefined;
  if (caller === 'wrong') return `wax_${'0'.repeat(16)}_${'0'.repeat(64)}`;
  if (caller === 'signer') return await signerToken(one);
  if (!(caller in GRANTS)) return one.tokens[caller as keyof Bench['tokens']];
  const actor = { kind: 'system', id: 'test', from: '' } as const;
  const rights = GRANTS[caller as keyof typeof GRANTS];
  return good(await one.control.tokens.create({ name: caller, scopes: [], ...rights }, actor)).secret;
}

async function routes({ app }: Bench): Promise<[string, string, string][]> {
  const document = (await app.inject('/v1/openapi.json')).json<OpenApi>();
  expect(document.openapi).toMatch(/^3\.1\./);
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method): [string, string, string] => [`${method} ${path}`, method, path]),
  );
}

describe('every route × every kind of caller', () => {
  test('has a policy for each route of the OpenAPI document and no other', async () => {
    const found = (await routes(await bench())).map(([route]) => route);
    expect(found.toSorted()).toEqual(Object.keys(POLICY).toSorted());
  });

  test.each(Object.keys(MAY) as (keyof typeof MAY)[])('%s', async (caller) => {
    const one = await bench();
    const may: readonly string[] = MAY[caller];
    const token = await tokenOf(one, caller);
    const header = token === undefined ? undefined : `Bearer ${token}`;
    const verdicts: Record<string, boolean> = {};
    const expected: Record<string, boolean> = {};
    let failures = 0;
    for (const [route, method, path] of await routes(one)) {
      // What cannot be decided from outside stays out of the way: dry runs change nothing, and the zone is there.
      const url = path
        .replace('{zone}', 'example.com')
        .replace('{name}', 'www')
        .replace('{type}', 'A')
        .replace('{serial}', '1')
        .replace('{signer}', 'mx1')
        .replace('{domain}', 'example.com')
        .replace('{id}', 'x')
        // A stream that is followed has no end.
        .replace('/v1/events', '/v1/events?follow=0');
      const answer = await one.app.inject({
        method: method.toUpperCase() as 'GET',
        url: method === 'get' ? url : `${url}?dryRun=1`,
        headers: header === undefined ? {} : { authorization: header },
      });
      const refused = [401, 403, 429].includes(answer.statusCode);
      if (refused) expect(answer.headers['content-type']).toBe('application/problem+json');
      if (answer.statusCode === 401) {
        failures++;
        expect(answer.headers['www-authenticate']).toMatch(/^Bearer /);
      }
      verdicts[route] = !refused;
      // The zone of this one is in its body: the route itself looks at it.
      const isInBody = route === 'post /v1/zones' && caller === 'otherManager';
      expected[route] = isInBody || may.includes(POLICY[route]!);
    }
    expect(verdicts).toEqual(expected);
    if (caller === 'none' || caller === 'wrong') expect(failures).toBe(AUTH_FAILURES_PER_MINUTE_MAX);
    expect(one.control.commands.filter(({ options }) => !options.dryRun).length).toBe(1);
  });
});

describe('failed log-ins', () => {
  test('are limited by client network, without locking out who has a good token', async () => {
    const { app, tokens } = await bench();
    const knock = async (remoteAddress: string, token = 'x') =>
      await app.inject({ url: '/v1/status', remoteAddress, headers: { authorization: `Bearer ${token}` } });
    for (let n = 0; n < AUTH_FAILURES_PER_MINUTE_MAX; n++) expect((await knock('2001:db8::1')).statusCode).toBe(401);
    const refused = await knock('2001:db8::2');
    expect([refused.statusCode, refused.json<{ code: string }>().code]).toEqual([429, 'AUTH_FAILURES']);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect((await knock('2001:db8:0:1::1')).statusCode).toBe(401);
    expect((await knock('2001:db8::1', tokens.read)).statusCode).toBe(200);
  });

  test('are limited by token too, from however many addresses; the good one works', async () => {
    const { app, tokens } = await bench();
    const wrong = tokens.read.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
    const knock = async (n: number, token = wrong) =>
      await app.inject({ url: '/v1/status', remoteAddress: `192.0.2.${n}`, headers: { authorization: `Bearer ${token}` } });
    for (let n = 0; n < AUTH_FAILURES_PER_MINUTE_MAX; n++) expect((await knock(n)).statusCode).toBe(401);
    expect((await knock(100)).statusCode).toBe(429);
    expect((await knock(101, tokens.read)).statusCode).toBe(200);
    expect((await knock(102, tokens.zone.replace(/.$/, 'x'))).statusCode).toBe(401);
  });

  test('are counted by the address of the socket, whatever X-Forwarded-For says', async () => {
    const { app } = await bench();
    const statuses: number[] = [];
    for (let n = 0; n <= AUTH_FAILURES_PER_MINUTE_MAX; n++) {
      statuses.push(
        (await app.inject({ url: '/v1/status', headers: { 'x-forwarded-for': `192.0.2.${n}`, forwarded: `for=192.0.2.${n}` } })).statusCode,
      );
    }
    expect(statuses.at(-1)).toBe(429);
  });
});

describe('scopes of single zones', () => {
  test('cannot be widened by spelling: case and last dot are the same zone, parents and children are not', async () => {
    const { app, tokens } = await bench();
    const status = async (zone: string) =>
      (await app.inject({ url: `/v1/zones/${zone}`, headers: { authorization: `Bearer ${tokens.zone}` } })).statusCode;
    expect(await status('EXAMPLE.com.')).toBe(200);
    for (const zone of ['com', '=2E', 'sub.example.com', 'xexample.com', 'example.com%00', 'example..com'])
      expect(await status(zone)).toBe(403);
  });
});
