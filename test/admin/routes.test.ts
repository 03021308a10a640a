/** All routes together: their list, and the examples that they carry. */
import { describe, expect, test } from 'vitest';
import { adminRoutes } from '#admin/routes.ts';
import { PRIVATE_MARKER } from '../support/admin/fake-control.ts';
import { type ProblemBody, bench } from '../support/admin/bench.ts';
import { exampleRequest, exampleServer } from '../support/admin/example-server.ts';

const ROUTES = adminRoutes();
const WRITING = ROUTES.filter(({ writes }) => writes);
const nameOf = ({ method, url }: (typeof ROUTES)[number]) => `${method} ${url}`;

describe('the list of routes', () => {
  test('has each route once, and every route of the OpenAPI document', async () => {
    const { app } = await bench();
    const { paths } = (await app.inject('/v1/openapi.json')).json<{ paths: Record<string, object> }>();
    const documented = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`),
    );
    expect(ROUTES.map(nameOf).toSorted()).toEqual(documented.toSorted());
  });

  test('RFC 9110 §9.2.1: a GET writes nothing, every other method writes', () => {
    for (const { method, writes } of ROUTES) expect(writes).toBe(method !== 'GET');
    expect(WRITING.length).toBeGreaterThan(25);
  });

  test('every route that writes takes ?dryRun, and those with a body have an example of it', () => {
    for (const route of WRITING) {
      expect(Object.keys(route.query ?? {})).toContain('dryRun');
      expect('body' in route).toBe('example' in route);
    }
  });

  test('every parameter of a path has an example', () => {
    for (const route of ROUTES) expect(exampleRequest(route).url).not.toContain(':');
  });
});

test.each(WRITING.map((route) => [nameOf(route), route] as const))('the example of %s is a good request', async (name, route) => {
  const server = await exampleServer();
  const before = server.writer.generation();
  const planned = await server.send(route, '?dryRun=1');
  expect([planned.statusCode, planned.json()]).toMatchObject([200, { dryRun: true }]);
  expect(server.writer.generation()).toBe(before);
  const answer = await server.change(route);
  expect([200, 201]).toContain(answer.statusCode);
  // The files of a signer are beside the store.
  if (name === 'POST /v1/signers/:signer/export') expect(answer.json()).toMatchObject({ state: 'current' });
  else expect(server.writer.generation()).toBeGreaterThan(before);
});

test('no answer to a GET holds a private key', async () => {
  const { call, control } = await bench();
  await call('PATCH', '/v1/zones/example.com/dnssec', { payload: { dnssec: 'on' } });
  expect(JSON.stringify(control.zones.list())).toContain(PRIVATE_MARKER);
  let shown = 0;
  const { paths } = (await call('GET', '/v1/openapi.json')).json<{ paths: Record<string, object> }>();
  // Without follow=0, events are a stream that does not end.
  const asked: Record<string, string> = {
    '/v1/query': '?name=example.com&type=DNSKEY',
    '/v1/search': '?type=DNSKEY',
    '/v1/events': '?follow=0',
  };
  for (const [path, methods] of Object.entries(paths)) {
    if (!('get' in methods)) continue;
    const url = path.replace('{zone}', 'example.com').replace('{name}', 'www').replace('{type}', 'A');
    const answer = await call('GET', url + (asked[path] ?? ''));
    // The stand-in has no mail policies, no logos, no signers and no certificates, and the keys of signers are not for administrators: v1/signers/private-keys.test.ts
    // looks at theirs. SPF wants to know of which client.
    const refusals = [
      'MAIL_NO_POLICY',
      'SIGNER_NOT_FOUND',
      'AUTH_SCOPE',
      'PARAMETER',
      'CERTIFICATE_NONE',
      'BIMI_UPLOAD_NOT_FOUND',
      'ZONE_NOT_SECONDARY',
      'CATALOG_NOT_FOUND',
    ];
    if (answer.statusCode === 200) shown++;
    else expect([path, refusals]).toEqual([path, expect.arrayContaining([answer.json<ProblemBody>().code])]);
    expect(answer.body).not.toContain(PRIVATE_MARKER);
    // The head of the audit log is a hash, and public.
    expect(answer.body).not.toMatch(path.startsWith('/v1/audit') ? /"secret"/ : /"hash"|"secret"/);
  }
  expect(shown).toBeGreaterThan(15);
});
