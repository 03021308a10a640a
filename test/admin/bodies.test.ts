import { describe, expect, test } from 'vitest';
import { JSON_BODY_BYTES_MAX } from '#base/limits/limits.ts';
import { type ProblemBody, bench } from '../support/admin/bench.ts';

const text = JSON.stringify({ name: 'new.test' });

describe('RFC 9110 §8.3: content types of JSON resources', () => {
  test.each([
    'application/json',
    'application/json; charset=utf-8',
    'application/json;charset=UTF-8',
    'APPLICATION/JSON',
    'application/json\t; charset=utf-8',
    'application/json\t',
  ])('takes %j', async (type) => {
    const { call } = await bench();
    expect((await call('POST', '/v1/zones', { payload: text, headers: { 'content-type': type } })).statusCode).toBe(201);
  });

  test.each([
    'text/plain',
    'application/jsonx',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'text/dns',
    'application/json-patch+json',
    'x',
  ])('415 for %j', async (type) => {
    const { call, control } = await bench();
    const answer = await call('POST', '/v1/zones', { payload: text, headers: { 'content-type': type } });
    expect([answer.statusCode, answer.json<ProblemBody>().code]).toEqual([415, 'BODY_TYPE']);
    expect(control.commands).toHaveLength(1);
  });
});

describe('JSON bodies', () => {
  test.each([
    '{',
    '',
    'null',
    '[]',
    '"x"',
    '{"name":"a","name":',
    '{"__proto__":{"admin":true},"name":"a"}',
    '{"constructor":{"prototype":{}},"name":"a"}',
    '\u{feff}x',
  ])('refuses %j', async (payload) => {
    const { call, control } = await bench();
    const answer = await call('POST', '/v1/zones', { payload, headers: { 'content-type': 'application/json' } });
    expect([400, 422]).toContain(answer.statusCode);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(control.commands).toHaveLength(1);
  });

  test(`ends at ${JSON_BODY_BYTES_MAX} octets`, async () => {
    const { call } = await bench();
    const payload = `{"name":"${'x'.repeat(JSON_BODY_BYTES_MAX)}"}`;
    const answer = await call('POST', '/v1/zones', { payload, headers: { 'content-type': 'application/json' } });
    expect([answer.statusCode, answer.json<ProblemBody>().code]).toEqual([413, 'BODY_SIZE']);
  });

  test('lists a hundred problems of one body', async () => {
    const { call } = await bench();
    const payload = Array.from({ length: 60 }, () => ({ op: 'delte', name: 5 }));
    const { errors } = (await call('PATCH', '/v1/zones/example.com/rrsets', { payload })).json<ProblemBody>();
    expect(errors).toHaveLength(100);
  });
});

describe('answers', () => {
  test('405 with Allow for a method that a resource does not have', async () => {
    const { call } = await bench();
    const answer = await call('POST', '/v1/zones/example.com');
    expect([answer.statusCode, answer.headers.allow]).toEqual([405, 'DELETE, GET, HEAD, PATCH']);
    expect(answer.json<ProblemBody>().code).toBe('METHOD_NOT_ALLOWED');
  });

  test('500 says nothing of the inside', async () => {
    const { call, control } = await bench();
    control.failure = new Error('disk /secret/path failed');
    const answer = await call('DELETE', '/v1/zones/example.com');
    expect([answer.statusCode, answer.json<ProblemBody>().code]).toEqual([500, 'SERVER_BUG']);
    expect(answer.body).not.toContain('secret');
  });

  test('carry the headers that keep browsers from misreading them', async () => {
    const { call } = await bench();
    const { headers } = await call('GET', '/v1/zones');
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'x-frame-options': 'SAMEORIGIN' });
    expect(headers).not.toHaveProperty('access-control-allow-origin');
    expect(headers).not.toHaveProperty('strict-transport-security');
  });

  test('429 when an address asks too often, by client network', async () => {
    const { app, tokens } = await bench({ requestsPerMinuteMax: 5 });
    const ask = async (remoteAddress: string) =>
      await app.inject({ url: '/v1/status', remoteAddress, headers: { authorization: `Bearer ${tokens.read}` } });
    for (let n = 0; n < 5; n++) expect((await ask(`2001:db8::${n}`)).statusCode).toBe(200);
    const refused = await ask('2001:db8::9');
    expect([refused.statusCode, refused.json<ProblemBody>().code]).toEqual([429, 'RATE_LIMIT']);
    expect(refused.headers['retry-after']).toBeDefined();
    expect((await ask('192.0.2.1')).statusCode).toBe(200);
  });
});
