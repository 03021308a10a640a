/** `/v1/zones/{zone}`: one zone by its name in the URL. */
import { describe, expect, test } from 'vitest';
import { formatName, nameOf } from '#dns/name.ts';
import { type ProblemBody, bench } from '../../support/admin/bench.ts';

describe('GET /v1/zones/{zone}', () => {
  test.each(['example.com', 'example.com.', 'EXAMPLE.Com', String.raw`ex\097mple.com`])('%s is the same zone', async (zone) => {
    const { call } = await bench();
    expect((await call('GET', `/v1/zones/${encodeURIComponent(zone)}`)).json<{ name: string }>().name).toBe('example.com.');
  });

  test('has the root zone as =2E', async () => {
    const { call } = await bench();
    expect((await call('POST', '/v1/zones', { payload: { name: '.' } })).headers.location).toBe('/v1/zones/=2E');
    expect((await call('GET', '/v1/zones/=2E')).json<{ name: string }>().name).toBe('.');
    expect((await call('GET', '/v1/zones/=2e/rrsets/@/SOA')).json<{ name: string }>().name).toBe('.');
  });

  test('keeps / and odd octets of a name through the URL', async () => {
    const { call, control } = await bench();
    for (const name of [
      '0/25.2.0.192.in-addr.arpa',
      String.raw`a\.b\032\255\000.test`,
      '100%25.test',
      'q?x=1&y#z.test',
      String.raw`+\032a.test`,
      '..%2f'.slice(2),
    ]) {
      const canonical = formatName(nameOf(name));
      const made = await call('POST', '/v1/zones', { payload: { name } });
      expect(made.statusCode).toBe(201);
      const shown = await call('GET', `/v1/zones/${encodeURIComponent(name)}`);
      expect(shown.json()).toMatchObject({ name: canonical });
      expect((await call('GET', String(made.headers.location))).statusCode).toBe(200);
      expect(formatName(control.commands.at(-1)!.command.zone)).toBe(canonical);
    }
  });

  test.each([
    ['nothing.test', 404, 'ZONE_NOT_FOUND'],
    ['exmaple.com', 404, 'ZONE_NOT_FOUND'],
    ['a..b', 422, 'NAME_EMPTY_LABEL'],
    ['x'.repeat(64), 422, 'NAME_LABEL_LONG'],
    [`${'abcdefg.'.repeat(32)}x`, 422, 'NAME_LONG'],
    ['b%C3%BCcher.test', 422, 'NAME_ESCAPE'],
    ['+%20a.test', 422, 'NAME_ESCAPE'],
    ['%FF', 400, 'REQUEST'],
    ['x'.repeat(3000), 414, 'REQUEST'],
  ])('bad name %#', async (zone, status, code) => {
    const { call } = await bench();
    const answer = await call('GET', `/v1/zones/${zone}`);
    expect([answer.json<ProblemBody>().code, answer.statusCode]).toEqual([code, status]);
  });
});

describe('DELETE /v1/zones/{zone}', () => {
  test('is removed once', async () => {
    const { call } = await bench();
    expect((await call('DELETE', '/v1/zones/example.com?dryRun')).json()).toMatchObject({ dryRun: true, changed: true });
    expect((await call('DELETE', '/v1/zones/example.com')).statusCode).toBe(200);
    expect((await call('DELETE', '/v1/zones/example.com')).json<ProblemBody>().code).toBe('ZONE_NOT_FOUND');
  });
});
