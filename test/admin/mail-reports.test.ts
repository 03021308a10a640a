/** Reports over the API: media types, sizes, who may, and what is shown. */
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { buildAdmin } from '#admin/app.ts';
import { REPORT_BYTES_MAX } from '#base/limits/reports.ts';
import type { TokenScope } from '#control/api/control.ts';
import { TEST_ACTOR, temporaryControl, good } from '../support/temporary-control.ts';
import { TEST_NOW_MS } from '../support/temporary-store.ts';

const ZONE = 'post.example';
const TEXT = '@ 3600 SOA ns1 host 10 7200 900 1209600 900\n@ 3600 NS ns1\n@ 3600 MX 10 mx1\nns1 3600 A 192.0.2.1\nmx1 3600 A 192.0.2.25\n';
const file = (name: string) => readFileSync(new URL(`../fixtures/reports/${name}`, import.meta.url));
const GOOGLE = file('google-rfc7489.xml');

async function bench(policy: object | undefined = { mtaSts: { mode: 'testing' } }) {
  const room = temporaryControl();
  await room.load(`${ZONE}.`, TEXT);
  const app = await buildAdmin({ control: room.control });
  onTestFinished(async () => {
    await app.close();
  });
  const token = async (...scopes: TokenScope[]) => good(await room.control.tokens.create('test', scopes, undefined, TEST_ACTOR)).secret;
  const admin = await token('admin');
  const call = async (method: 'GET' | 'POST' | 'PUT', path: string, payload?: Buffer | string | object, type?: string, secret = admin) => {
    const answer = await app.inject({
      method,
      url: `/v1/zones/${ZONE}/${path}`,
      ...(payload === undefined ? {} : { payload }),
      headers: { authorization: `Bearer ${secret}`, ...(type === undefined ? {} : { 'content-type': type }) },
    });
    const body: Readonly<Record<string, unknown>> = answer.json();
    return { status: answer.statusCode, body };
  };
  if (policy !== undefined) await call('PUT', 'mail', policy);
  // The samples are about 2026-01-01.
  room.clock.pass(2 * 86_400_000);
  return { ...room, call, token };
}

describe('POST /v1/zones/{zone}/dmarc/reports', () => {
  test.each([
    ['application/xml', GOOGLE],
    ['Application/XML; charset=utf-8', GOOGLE],
    ['text/xml', file('rfc9990.xml')],
    ['application/gzip', gzipSync(GOOGLE)],
    ['application/zip', file('outlook-rfc7489.zip')],
  ])('takes %s, once', async (type, payload) => {
    const { call } = await bench();
    const taken = await call('POST', 'dmarc/reports', payload, type);
    expect(taken).toMatchObject({
      status: 200,
      body: { changed: true, warnings: [], mail: { text: expect.stringContaining('about 2026-01-01: ') } },
    });
    expect(await call('POST', 'dmarc/reports', payload, type)).toMatchObject({
      status: 200,
      body: { changed: false, warnings: [{ code: 'REPORT_KNOWN' }] },
    });
  });

  test('shows what it came to', async () => {
    const { call } = await bench();
    await call('POST', 'dmarc/reports', GOOGLE, 'application/xml');
    await call('POST', 'dmarc/reports', file('outlook-rfc7489.xml'), 'application/xml');
    expect((await call('GET', 'dmarc')).body).toMatchObject({
      policy: 'none',
      reports: {
        last: [{ organization: 'Outlook.com' }, { organization: 'google.com', begin: '2026-01-01T00:00:00.000Z' }],
        days: 1,
        sources: [
          { address: '192.0.2.25', messages: 248, aligned: 248, known: true, holding: false },
          { address: '198.51.100.9', messages: 12, aligned: 0, known: false, holding: false },
        ],
      },
    });
    expect((await call('GET', 'mail/status')).body).toMatchObject({ reports: { dmarc: { days: 1 }, tls: { days: 0 } } });
  });

  test('refuses other types, sizes, bombs and domains, and takes nothing in', async () => {
    const { call } = await bench();
    const post = async (payload: Buffer, type: string) => {
      const { status, body } = await call('POST', 'dmarc/reports', payload, type);
      return [status, body['code']];
    };
    expect(await post(GOOGLE, 'text/plain')).toEqual([415, 'BODY_TYPE']);
    expect(await post(GOOGLE, 'application/tlsrpt+json')).toEqual([415, 'BODY_TYPE']);
    expect(await post(GOOGLE, 'application/gzip')).toEqual([422, 'REPORT_PACKED']);
    expect(await post(Buffer.alloc(REPORT_BYTES_MAX + 1, 0x20), 'application/xml')).toEqual([413, 'BODY_SIZE']);
    expect(await post(gzipSync(Buffer.alloc(REPORT_BYTES_MAX + 1)), 'application/gzip')).toEqual([413, 'REPORT_SIZE']);
    expect(await post(Buffer.from(GOOGLE.toString().replaceAll('post.example', 'other.example')), 'application/xml')).toEqual([
      422,
      'REPORT_DOMAIN',
    ]);
    expect(await post(Buffer.from(GOOGLE.toString().replace('</feedback>', '')), 'application/xml')).toEqual([422, 'REPORT_XML']);
    expect((await call('GET', 'dmarc')).body).toMatchObject({ reports: { last: [], days: 0 } });
  });

  test('is for who may change the zone, and for zones with a mail policy', async () => {
    const { call, token } = await bench();
    expect(await call('POST', 'dmarc/reports', GOOGLE, 'application/xml', await token('read'))).toMatchObject({ status: 403 });
    expect(await call('POST', 'dmarc/reports', GOOGLE, 'application/xml', await token(`zone:${ZONE}.`))).toMatchObject({ status: 200 });
    const bare = temporaryControl({ nowMs: TEST_NOW_MS });
    await bare.load(`${ZONE}.`, TEXT);
    const app = await buildAdmin({ control: bare.control });
    onTestFinished(async () => {
      await app.close();
    });
    const { secret } = good(await bare.control.tokens.create('test', ['admin'], undefined, TEST_ACTOR));
    const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/xml' };
    const answer = await app.inject({ method: 'POST', url: `/v1/zones/${ZONE}/dmarc/reports`, payload: GOOGLE, headers });
    expect([answer.statusCode, answer.json<{ code: string }>().code]).toEqual([404, 'MAIL_NO_POLICY']);
  });
});

describe('POST /v1/zones/{zone}/mta-sts/reports', () => {
  test.each([
    ['application/tlsrpt+json', file('tls-google.json')],
    ['application/json', file('tls-google.json')],
    ['application/tlsrpt+gzip', gzipSync(file('tls-google.json'))],
  ])('takes %s', async (type, payload) => {
    const { call } = await bench();
    expect(await call('POST', 'mta-sts/reports', payload, type)).toMatchObject({
      status: 200,
      body: { changed: true, mail: { text: expect.stringContaining('995 sessions succeeded, 12 failed') } },
    });
    expect((await call('GET', 'mta-sts')).body).toMatchObject({ reports: { days: 1, last: [{ organization: 'Google Inc.' }] } });
  });

  test('does not take a DMARC report', async () => {
    const { call } = await bench();
    expect(await call('POST', 'mta-sts/reports', GOOGLE, 'application/xml')).toMatchObject({ status: 415 });
    expect(await call('POST', 'mta-sts/reports', '{}', 'application/json')).toMatchObject({ status: 422, body: { code: 'REPORT_FORM' } });
  });
});
