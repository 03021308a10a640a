import { describe, expect, test } from 'vitest';
import { type ProblemBody, bench } from '../support/admin/bench.ts';

describe('health', () => {
  test('/livez and /readyz need no token', async () => {
    const { app, control } = await bench();
    expect((await app.inject('/livez')).json()).toEqual({ alive: true });
    expect((await app.inject('/readyz')).json()).toEqual({ ready: true, notReady: [] });
    control.notReady = ['no worker is alive'];
    const answer = await app.inject('/readyz');
    expect([answer.statusCode, answer.json()]).toEqual([503, { ready: false, notReady: ['no worker is alive'] }]);
    expect((await app.inject('/livez')).statusCode).toBe(200);
  });

  test('/metrics prints the counters as Prometheus reads them, new at each scrape', async () => {
    const { app, control } = await bench();
    const scrape = async () => (await app.inject('/metrics')).body;
    expect(await scrape()).toContain('waxseal_queries_total{transport="udp"} 7\n');
    expect(await scrape()).toContain('waxseal_zones 1\n');
    control.zoneMap.clear();
    expect(await scrape()).toContain('waxseal_zones 0\n');
  });
});

describe('/v1/status', () => {
  test('tells versions, workers, listeners and why it is not ready', async () => {
    const { call, control } = await bench();
    control.notReady = ['store is read-only'];
    expect((await call('GET', '/v1/status')).json()).toMatchObject({
      startedAt: '2026-01-01T00:00:00.000Z',
      ready: false,
      notReady: ['store is read-only'],
      workers: [{ id: 1, alive: true }],
      listeners: { dns: ['127.0.0.1:5300'] },
    });
  });
});

describe('/v1/query', () => {
  test('answers with sections and the steps that led there', async () => {
    const { call } = await bench();
    const answer = (await call('GET', '/v1/query?name=x.WILD.example.com&type=txt')).json<{ steps: { rule: string }[] }>();
    expect(answer).toMatchObject({ rcode: 'NOERROR', authoritative: true, answer: [expect.stringContaining(' 60 IN TXT "any"')] });
    expect(answer.steps.map(({ rule }) => rule).join()).toContain('RFC 4592');
    expect((await call('GET', '/v1/query?name=none.example.com')).json()).toMatchObject({ rcode: 'NXDOMAIN', type: 'A' });
    expect((await call('GET', '/v1/query?name=example.net')).json()).toMatchObject({ rcode: 'REFUSED', ede: { code: 20 } });
  });

  test.each(['', '?name=', '?name=a..b&type=A', '?name=a&type=NOPE', '?name=a&class=CH'])('refuses %j', async (query) => {
    const { call } = await bench();
    expect([400, 422]).toContain((await call('GET', `/v1/query${query}`)).statusCode);
  });
});

describe('/v1/tokens', () => {
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
});

describe('/v1/audit', () => {
  test('lists the newest first, by pages', async () => {
    const { call } = await bench();
    const first = (await call('GET', '/v1/audit?limit=2')).json<{ entries: { sequence: number }[]; next: string }>();
    expect(first.entries.map(({ sequence }) => sequence)).toEqual([5, 4]);
    const second = (await call('GET', `/v1/audit?limit=5&cursor=${first.next}`)).json<{ entries: { sequence: number }[] }>();
    expect(second.entries.map(({ sequence }) => sequence)).toEqual([3, 2, 1]);
    expect((await call('GET', '/v1/audit/verify')).json()).toEqual({ whole: true, entries: 5 });
  });
});

describe('OpenAPI', () => {
  test('describes every route with a summary, parameters and answers', async () => {
    const { app } = await bench();
    interface Operation {
      readonly summary?: string;
      readonly responses: Record<string, unknown>;
      readonly parameters?: readonly { readonly name: string; readonly in: string }[];
    }
    const { paths } = (await app.inject('/v1/openapi.json')).json<{ paths: Record<string, Record<string, Operation>> }>();
    for (const [path, methods] of Object.entries(paths)) {
      const placeholders = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      for (const operation of Object.values(methods)) {
        expect(operation.summary).toBeDefined();
        expect(operation.parameters?.filter((each) => each.in === 'path').map(({ name }) => name) ?? []).toEqual(placeholders);
        expect(Object.keys(operation.responses).length).toBeGreaterThan(0);
      }
    }
  });

  test('can be browsed without a token, from files of our own', async () => {
    const { app } = await bench();
    const page = await app.inject('/docs/');
    expect([page.statusCode, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.body).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
    expect((await app.inject('/docs/static/swagger-ui.css')).statusCode).toBe(200);
  });
});
