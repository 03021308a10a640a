/** Which codes a route may answer with. */
import { expect, test } from 'vitest';
import { PROBLEM_KINDS } from '#base/problem-codes.ts';
import { problemCodesOf } from '#admin/openapi/problem-codes-of.ts';
import { adminRoutes } from '#admin/routes.ts';

const codesOf = (name: string) => problemCodesOf(adminRoutes().find(({ method, url }) => `${method} ${url}` === name)!);

test('follow from what the route takes', () => {
  expect(codesOf('GET /livez')).not.toContain('AUTH_MISSING');
  expect(codesOf('GET /v1/zones')).toEqual(expect.arrayContaining(['AUTH_MISSING', 'PARAMETER']));
  expect(codesOf('GET /v1/zones')).not.toContain('BODY_JSON');
  expect(codesOf('GET /v1/zones/:zone')).not.toContain('PRECONDITION');
  expect(codesOf('PUT /v1/zones/:zone/rrsets/:name/:type')).toEqual(
    expect.arrayContaining(['BODY_JSON', 'FIELD_VALUE', 'PRECONDITION', 'RDATA_SYNTAX', 'STORE_FULL', 'ZONE_NOT_FOUND']),
  );
  expect(codesOf('PUT /v1/zones/:zone/zonefile')).not.toContain('BODY_JSON');
  expect(codesOf('DELETE /v1/tokens/:id')).toContain('TOKEN_NOT_FOUND');
  expect(codesOf('DELETE /v1/tokens/:id')).not.toContain('RDATA_SYNTAX');
});

test('are never those of the command line or the configuration', () => {
  const all = new Set(adminRoutes().flatMap(problemCodesOf));
  expect([...all].filter((code) => /^(?:CLI_|CONFIG_|SOCKET_|PROCESS_|COOKIE_)/.test(code))).toEqual([]);
  expect(Object.keys(PROBLEM_KINDS).length - all.size).toBeLessThan(60);
});
