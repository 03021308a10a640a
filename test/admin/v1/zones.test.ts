/** `/v1/zones`: the list, and new zones. */
import { describe, expect, test } from 'vitest';
import { type OutcomeBody, type ProblemBody, bench } from '../../support/admin/bench.ts';

describe('GET /v1/zones', () => {
  test('pages by cursor and Link', async () => {
    const { call } = await bench();
    for (const name of ['b.test', 'a.test', '=2E', 'z.a.test']) await call('POST', '/v1/zones', { payload: { name } });
    const names: string[] = [];
    let url: string | undefined = '/v1/zones?limit=2';
    for (let pages = 0; url !== undefined; pages++) {
      expect(pages).toBeLessThan(4);
      const answer = await call('GET', url);
      const body = answer.json<{ zones: { name: string }[]; next?: string }>();
      names.push(...body.zones.map(({ name }) => name));
      url = /^<(.*)>; rel="next"$/.exec(String(answer.headers.link))?.[1];
      expect(body.next === undefined).toBe(url === undefined);
    }
    expect(names).toEqual(['.', 'example.com.', 'a.test.', 'z.a.test.', 'b.test.']);
  });

  test.each([
    '/v1/zones?limit=0',
    '/v1/zones?limit=many',
    '/v1/zones?cursor=!!',
    '/v1/zones?cursor=WyJhIiwiYiJd',
    '/v1/zones?lmit=1',
    '/v1/zones?limit=1&limit=2',
  ])('400 for %s', async (url) => {
    const { call } = await bench();
    const answer = await call('GET', url);
    expect([answer.statusCode, answer.json<ProblemBody>().code]).toEqual([400, 'PARAMETER']);
  });

  test('list only their zones', async () => {
    const { app, tokens, call } = await bench();
    await call('POST', '/v1/zones', { payload: { name: 'third.test' } });
    const list = async (token: string) =>
      (await app.inject({ url: '/v1/zones', headers: { authorization: `Bearer ${token}` } }))
        .json<{ zones: { name: string }[] }>()
        .zones.map(({ name }) => name);
    expect(await list(tokens.zone)).toEqual(['example.com.']);
    expect(await list(tokens.other)).toEqual([]);
    expect(await list(tokens.read)).toEqual(['example.com.', 'third.test.']);
  });
});

describe('POST /v1/zones', () => {
  test('creates a zone, signed unless told otherwise, and says where it is', async () => {
    const { call, control } = await bench();
    const answer = await call('POST', '/v1/zones', {
      payload: { name: 'New.Test', nameservers: ['ns1.example.net.'], contact: 'admin.example.net.' },
    });
    expect(answer.statusCode).toBe(201);
    expect(answer.headers.location).toBe('/v1/zones/new.test');
    expect(answer.json<OutcomeBody>()).toMatchObject({ zone: 'new.test.', created: true, serial: 1, dryRun: false });
    expect(control.commands.at(-1)?.command).toMatchObject({ kind: 'zone.create', dnssec: true });
    expect((await call('GET', String(answer.headers.location))).headers.etag).toBe(answer.headers.etag);
  });

  test('answers 409 for one that is there', async () => {
    const { call } = await bench();
    const answer = await call('POST', '/v1/zones', { payload: { name: 'example.com' } });
    expect([answer.statusCode, answer.json<ProblemBody>().code]).toEqual([409, 'ZONE_EXISTS']);
  });

  test('tells every problem of the body at once, with pointer and suggestion', async () => {
    const { call } = await bench();
    const answer = await call('POST', '/v1/zones', { payload: { nme: 'x', dnssec: 'maybe', nameservers: [] } });
    expect(answer.statusCode).toBe(422);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(
      answer
        .json<ProblemBody>()
        .errors.map(({ code, pointer, fix }) => [code, pointer, fix])
        .toSorted((a, b) => (String(a) < String(b) ? -1 : 1)),
    ).toEqual([
      ['FIELD_MISSING', '/name', undefined],
      ['FIELD_UNKNOWN', '/nme', 'did you mean "name"?'],
      ['FIELD_VALUE', '/dnssec', undefined],
      ['FIELD_VALUE', '/nameservers', undefined],
    ]);
  });
});
