/** Requests for other hosts: what a page that rebinds its name gets to see. */
import { describe, expect, test } from 'vitest';
import { isKnownHost } from '#admin/known-hosts.ts';
import { type ProblemBody, bench } from '../support/admin/bench.ts';

describe('RFC 9110 §7.4: a request for another host', () => {
  test.each([
    ['127.0.0.1:8053', true],
    ['192.0.2.1', true],
    ['[::1]:8053', true],
    ['[2001:db8::1]', true],
    ['localhost:8053', true],
    ['LOCALHOST.', true],
    ['waxseal', true],
    ['api.localhost', true],
    ['dns.example.net', true],
    ['DNS.Example.NET.:8053', true],
    ['evil.example', false],
    ['evil.example:8053', false],
    ['127.0.0.1.evil.example', false],
    ['xdns.example.net', false],
    ['dns.example.net.evil.example', false],
    ['[::1].evil.example', false],
    ['[evil.example]', false],
    ['evil.example:80:80', false],
    ['', false],
  ])('%s: %s', (host, isKnown) => {
    expect(isKnownHost(host, ['dns.example.net'])).toBe(isKnown);
  });

  test('is 421 on every path, before the token is looked at, in the form of the path', async () => {
    const { app, tokens } = await bench({ hosts: ['dns.example.net'] });
    const ask = (url: string, host: string) => app.inject({ url, headers: { host, authorization: `Bearer ${tokens.admin}` } });
    for (const url of ['/metrics', '/livez', '/v1/status', '/docs/', '/v1/openapi.json', '/nothing']) {
      const answer = await ask(url, 'evil.example');
      expect([answer.statusCode, answer.json<ProblemBody>().code]).toEqual([421, 'HOST_UNKNOWN']);
    }
    expect((await ask('/api', 'evil.example')).json<{ error: string }>().error).toContain('admin.hosts');
    expect((await ask('/v1/status', 'dns.example.net')).statusCode).toBe(200);
    expect((await ask('/metrics', '127.0.0.1:8053')).statusCode).toBe(200);
  });
});
