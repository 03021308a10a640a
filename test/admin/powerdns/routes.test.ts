/** All routes of the PowerDNS-compatible API: who may use which, what no body can do, how it is turned off. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { powerdnsRoutes } from '#admin/powerdns/routes.ts';
import type { NewToken } from '#control/api/tokens.ts';
import { bench } from '../../support/admin/bench.ts';
import { exampleRequest } from '../../support/admin/example-server.ts';
import { ZONE_URL, powerdnsBench } from '../../support/admin/powerdns-bench.ts';

const ROUTES = powerdnsRoutes();
const S = '/api/v1/servers/localhost';

/** What each kind of caller gets where it has no right: `hidden` is 404, `closed` is 403; empty: it is let in. */
type Verdict = '' | 'hidden' | 'closed';
const WHOLE_READS = ['/cryptokeys', '/cryptokeys/:id', '/metadata', '/metadata/:kind'];

function expected(caller: string, method: string, url: string): Verdict {
  const isOfZone = url.includes(':zone');
  const below = url.split(':zone')[1] ?? '';
  if (!isOfZone) return method === 'POST' && !['admin', 'operator', 'manager'].includes(caller) ? 'closed' : '';
  if (caller === 'other') return 'hidden';
  if (caller === 'admin' || caller === 'operator' || caller === 'manager') return '';
  if (method === 'GET') return caller === 'narrow' && WHOLE_READS.includes(below) ? 'closed' : '';
  if (caller === 'read' || caller === 'reader') return 'closed';
  if (method === 'DELETE' && below === '') return 'closed';
  const isNarrow = (method === 'PATCH' && below === '') || below === '/notify' || below === '/rectify';
  return caller === 'narrow' && !isNarrow ? 'closed' : '';
}

const CALLERS = {
  admin: { scopes: ['admin'] },
  read: { scopes: ['read'] },
  operator: { scopes: ['read'], grants: [{ may: 'manage' }] },
  manager: { grants: [{ zone: 'example.com.', may: 'manage' }] },
  zone: { scopes: ['zone:example.com.'] },
  reader: { grants: [{ zone: 'example.com.', may: 'read' }] },
  narrow: { grants: [{ zone: 'example.com.', may: 'change', types: ['TXT'] }] },
  other: { scopes: ['zone:other.test.'] },
} as const satisfies Record<string, Partial<NewToken>>;

describe('every route × every kind of caller', () => {
  test.each(Object.keys(CALLERS) as (keyof typeof CALLERS)[])('%s', async (caller) => {
    const one = await powerdnsBench(CALLERS[caller]);
    const verdicts: Record<string, string> = {};
    const wanted: Record<string, string> = {};
    for (const route of ROUTES) {
      const { method, url } = exampleRequest(route);
      const answer = await one.ask(method as 'GET', method === 'GET' ? url : `${url}?dryRun=1`);
      const name = `${route.method} ${route.url}`;
      // A key that is not there is 404 too; the first answer to the zone's own routes is what counts.
      const isHidden = answer.statusCode === 404 && !url.includes('/cryptokeys/');
      verdicts[name] = answer.statusCode === 403 ? 'closed' : isHidden ? 'hidden' : '';
      const verdict = expected(caller, route.method, route.url);
      wanted[name] = verdict === 'hidden' && url.includes('/cryptokeys/') ? '' : verdict;
      expect(answer.statusCode).toBeLessThan(500);
    }
    expect(verdicts).toEqual(wanted);
  });

  test('without a token: 401; with one in the query: 400', async () => {
    const { app, tokens } = await bench();
    for (const route of ROUTES) {
      const { method, url } = exampleRequest(route);
      const remoteAddress = `198.51.100.${ROUTES.indexOf(route)}`;
      const inUrl = await app.inject({ method, url: `${url}?api-key=${tokens.admin}`, remoteAddress });
      expect([inUrl.statusCode, inUrl.body.includes(tokens.admin)]).toEqual([400, false]);
      const answer = await app.inject({ method, url: `${url}?api-key=x`, remoteAddress });
      expect([answer.statusCode, answer.body, answer.headers['www-authenticate']]).toEqual([
        401,
        'Unauthorized',
        'X-API-Key realm="waxseal"',
      ]);
    }
  });

  test('the token may also stand in Authorization; a signer has nothing here', async () => {
    const { app, tokens, control } = await bench();
    expect((await app.inject({ url: ZONE_URL, headers: { authorization: `Bearer ${tokens.zone}` } })).statusCode).toBe(200);
    const one = await powerdnsBench({ scopes: ['signer:mx1'] });
    expect((await one.ask('GET', '/api')).statusCode).toBe(403);
    expect((await one.ask('GET', ZONE_URL)).statusCode).toBe(404);
    expect(control.commands.length).toBe(1);
  });
});

describe('what is not there', () => {
  test('another server, another path, another method: the phrases of PowerDNS, with X-API-Key as the only token', async () => {
    const { ask } = await powerdnsBench();
    const answers = [
      await ask('GET', '/api/v1/servers/other/zones'),
      await ask('GET', '/api/v2'),
      await ask('DELETE', '/api/v1/servers'),
      await ask('GET', `${S}/zones/nothing.`),
      await ask('GET', `${S}/zones/a..b`),
    ];
    expect(answers.map(({ statusCode, body }) => `${statusCode} ${body}`)).toEqual([
      '404 Not Found',
      '404 Not Found',
      '405 Method Not Allowed',
      '404 Not Found',
      '404 Not Found',
    ]);
  });

  test('with hasPowerdns false there is nothing below /api, and X-API-Key is no token', async () => {
    const one = await bench({ hasPowerdns: false });
    expect((await one.call('GET', '/api')).statusCode).toBe(404);
    const { app, tokens } = one;
    expect((await app.inject({ url: '/api', headers: { 'x-api-key': tokens.admin } })).statusCode).toBe(401);
  });
});

describe('bodies', () => {
  const name = fc.oneof(
    fc.constantFrom('www.example.com.', 'example.com.', '_a.example.com', '*.example.com.', '.', '', 'a..b.'),
    fc.string(),
  );
  const type = fc.oneof(fc.constantFrom('A', 'TXT', 'SOA', 'NS', 'CNAME', 'MX', 'ANY', 'OPT', 'TYPE0', 'RRSIG', 'ALIAS'), fc.string());
  const content = fc.oneof(
    fc.constantFrom('192.0.2.1', '"text"', 'a.example.', '10 a.example.', '\\# 0', '\\# 4 01020304', '"', '\\', 'a b c 1 2 3 4 5'),
    fc.string({ unit: 'binary' }),
  );
  const odd = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.integer(), fc.constant(null));
  const rrset = fc.record(
    {
      name: fc.oneof({ weight: 5, arbitrary: name }, { weight: 1, arbitrary: odd }),
      type: fc.oneof({ weight: 5, arbitrary: type }, { weight: 1, arbitrary: odd }),
      ttl: fc.oneof({ weight: 5, arbitrary: fc.constantFrom(0, 300, 2 ** 31, -1, '60', 1.5) }, { weight: 1, arbitrary: odd }),
      changetype: fc.oneof(
        { weight: 5, arbitrary: fc.constantFrom('REPLACE', 'DELETE', 'extend', 'PRUNE') },
        { weight: 1, arbitrary: odd },
      ),
      records: fc.oneof({ weight: 5, arbitrary: fc.array(fc.record({ content }), { maxLength: 3 }) }, { weight: 1, arbitrary: odd }),
      comments: fc.oneof(fc.constantFrom([], null), odd),
    },
    { requiredKeys: [] },
  );
  const body = fc.oneof(
    fc.record({ rrsets: fc.oneof(fc.array(rrset, { maxLength: 4 }), odd) }),
    fc.record(
      {
        name,
        kind: fc.oneof(fc.constantFrom('Native', 'master'), odd),
        nameservers: fc.oneof(fc.array(name, { maxLength: 2 }), odd),
        rrsets: fc.array(rrset, { maxLength: 3 }),
      },
      { requiredKeys: [] },
    ),
    odd,
  );

  test('no body gives a 500, and each 422 has an error that is not empty', async () => {
    const { ask } = await powerdnsBench({ scopes: ['admin'], requestsPerMinute: 6000 });
    const places = [
      ['PATCH', ZONE_URL],
      ['POST', `${S}/zones`],
      ['PUT', ZONE_URL],
      ['POST', `${ZONE_URL}/cryptokeys`],
    ] as const;
    await fc.assert(
      fc.asyncProperty(body, fc.constantFrom(...places), async (sent, [method, url]) => {
        const answer = await ask(method, url, JSON.stringify(sent));
        expect(answer.statusCode).toBeLessThan(500);
        if (answer.statusCode !== 422) return;
        expect(answer.headers['content-type']).toBe('application/json');
        expect(answer.json<{ error: string }>().error).toMatch(/\S/);
      }),
      { numRuns: 400 },
    );
  });
});
