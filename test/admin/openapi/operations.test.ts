/** The API describes itself; the engine of `redocly lint` judges the description. */
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { describe, expect, test } from 'vitest';
import { PROBLEM_KINDS } from '#base/problem-codes.ts';
import { operationIdOf } from '#admin/openapi/operation-id.ts';
import { bench } from '../../support/admin/bench.ts';

interface Operation {
  readonly operationId: string;
  readonly summary?: string;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: object; readonly example?: unknown }>> };
  readonly responses: Readonly<Record<string, { readonly $ref?: string; readonly headers?: object }>>;
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly $ref?: string }[];
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly responses: Readonly<
      Record<string, { readonly content: Readonly<Record<string, { readonly schema: { readonly allOf: readonly object[] } }>> }>
    >;
  };
}

async function described(): Promise<{ readonly text: string; readonly document: Document }> {
  const { app } = await bench();
  const answer = await app.inject('/v1/openapi.json');
  return { text: answer.body, document: answer.json<Document>() };
}

const operationsOf = ({ paths }: Document) =>
  Object.entries(paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, each]) => ({ path, method, each })));

describe('OpenAPI 3.1', () => {
  test('redocly finds no error and nothing to warn of, by its strict rules', async () => {
    const { text } = await described();
    const rules = {
      'operation-operationId-unique': 'error',
      'operation-4xx-response': 'error',
      'operation-description': 'off',
      'no-invalid-media-type-examples': 'error',
      'no-invalid-schema-examples': 'error',
      'no-unused-components': 'error',
      'spec-strict-refs': 'error',
      'path-parameters-defined': 'error',
      'security-defined': 'error',
      'tag-description': 'error',
    } as const;
    const config = await createConfig({ extends: ['recommended-strict'], rules });
    const problems = await lintFromString({ source: text, absoluteRef: '/openapi.json', config });
    expect(problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0]?.pointer ?? ''}`)).toEqual([]);
    // It can find something.
    const broken = text.replaceAll('"operationId":"getZones"', '"operationId":"getZone"');
    expect(await lintFromString({ source: broken, absoluteRef: '/openapi.json', config })).toHaveLength(1);
  });

  test('every route has a summary, parameters, a name, what its token must open, and answers', async () => {
    const { document } = await described();
    for (const { path, each } of operationsOf(document)) {
      const placeholders = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      expect(each.summary).toBeDefined();
      expect(each.parameters?.filter(({ in: place }) => place === 'path').map(({ name }) => name) ?? []).toEqual(placeholders);
      expect(each.operationId).toMatch(/^(?:get|put|post|patch|delete)[A-Z][A-Za-z]+$/);
      for (const needs of each.security) for (const words of Object.values(needs)) expect(words).toHaveLength(1);
      expect(Object.keys(each.responses).some((status) => status.startsWith('2'))).toBe(true);
      expect(Object.keys(each.responses)).toEqual(expect.arrayContaining(['400', '421', '429', '500', '503']));
    }
  });

  test('every status of a problem has its codes, and each code stands at its status', async () => {
    const { document } = await described();
    const seen = new Set<string>();
    for (const [name, { content }] of Object.entries(document.components.responses)) {
      const [, own] = content['application/problem+json']!.schema.allOf;
      const { status, code } = (own as { properties: { status: { const: number }; code: { enum: readonly string[] } } }).properties;
      for (const each of code.enum) {
        seen.add(each);
        expect([name, each, PROBLEM_KINDS[each as keyof typeof PROBLEM_KINDS].status]).toEqual([name, each, status.const]);
      }
    }
    expect(seen.size).toBeGreaterThan(250);
  });

  test('conditions, uploads and the zone file are there for generated clients', async () => {
    const { document } = await described();
    const { paths } = document;
    const file = paths['/v1/zones/{zone}/zonefile']!;
    const refs = (operation: Operation) => operation.parameters?.flatMap(({ $ref }) => $ref?.split('/').at(-1) ?? []);
    expect(refs(file['put']!)).toEqual(['IfMatch', 'IfNoneMatch', 'IdempotencyKey']);
    expect(refs(file['get']!)).toEqual(['IfNoneMatchTag']);
    expect(file['put']!.requestBody!.content['text/dns']!.schema).toMatchObject({ type: 'string' });
    expect(file['get']!.responses['200']).toMatchObject({ content: { 'text/dns': { schema: { type: 'string' } } } });
    const report = paths['/v1/zones/{zone}/dmarc/reports']!['post']!.requestBody!.content;
    expect(report['application/xml']!.schema).toMatchObject({ type: 'string' });
    expect(report['application/gzip']!.schema).toMatchObject({ format: 'binary' });
    expect(paths['/v1/dkim/{domain}']!['get']!.security).toEqual([{ token: ['signer'] }, { vaultToken: ['signer'] }]);
  });
});

test.each([
  ['GET', '/v1/zones', 'getZones'],
  ['POST', '/v1/zones/:zone/changes/:serial/revert', 'postZoneChangeRevert'],
  ['PUT', '/v1/zones/:zone/rrsets/:name/:type', 'putZoneRrset'],
  ['DELETE', '/v1/dnssec/policies/:name', 'deleteDnssecPolicy'],
  ['DELETE', '/v1/tsig/:name', 'deleteTsigName'],
  ['PATCH', '/v1/zones/:zone/mta-sts', 'patchZoneMtaSts'],
])('%s %s is called %s', (method, url, name) => {
  expect(operationIdOf(method, url)).toBe(name);
});

test('can be browsed without a token, from files of our own, under our name', async () => {
  const { app } = await bench();
  const page = await app.inject('/docs/');
  expect([page.statusCode, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
  expect(page.body).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
  expect(page.body).toContain('<title>waxseal admin API</title>');
  expect(page.body).not.toMatch(/swagger ui/i);
  expect((await app.inject('/docs/static/swagger-ui.css')).statusCode).toBe(200);
});
