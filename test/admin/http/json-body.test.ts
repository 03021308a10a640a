/** JSON bodies: content types, size, and what is not JSON. */
import { describe, expect, test } from 'vitest';
import { JSON_BODY_BYTES_MAX } from '#base/limits/admin.ts';
import { type ProblemBody, bench } from '../../support/admin/bench.ts';

const text = JSON.stringify({ name: 'new.test' });

/** RFC 9110 §8.3.1: no media types. */
const MALFORMED = ['x', '', '/', 'text/', '/plain', 'text plain', 'a/b/c', 'text/plain, text/html', ';', 'é/x', '"x"/y'];

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
    ...MALFORMED,
  ])('415 for %j', async (type) => {
    const { call, control } = await bench();
    const answer = await call('POST', '/v1/zones', { payload: text, headers: { 'content-type': type } });
    expect([answer.statusCode, answer.json<ProblemBody>().code]).toEqual([415, 'BODY_TYPE']);
    expect(control.commands).toHaveLength(1);
  });
});

test.each(['text/plain', 'application/x-www-form-urlencoded', 'application/octet-stream', 'application/json', ...MALFORMED])(
  'RFC 9110 §9.3.5: DELETE with an empty body of type %j',
  async (type) => {
    for (const length of [{ 'content-length': '0' }, { 'transfer-encoding': 'chunked' }]) {
      const { call } = await bench();
      const headers = { 'content-type': type, ...length };
      const answer = await call('DELETE', '/v1/zones/example.com/rrsets/www/A', { payload: '', headers });
      expect([type, length, answer.statusCode]).toEqual([type, length, 200]);
    }
  },
);

test('an empty body where one is needed is missing, whatever its type', async () => {
  const { call } = await bench();
  const answer = await call('POST', '/v1/zones', { payload: '', headers: { 'content-type': 'text/plain' } });
  expect(answer.json<ProblemBody>().code).toBe('BODY_MISSING');
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
});
