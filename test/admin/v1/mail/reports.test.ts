/** `/v1/zones/{zone}/dmarc/reports` and `…/mta-sts/reports`: media types, sizes, who may send them, and what is shown. */
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { REPORT_BYTES_MAX } from '#base/limits/reports.ts';
import { MAIL_ZONE, mailBench } from '../../../support/admin/mail-bench.ts';

const file = (name: string) => readFileSync(new URL(`../../../fixtures/reports/${name}`, import.meta.url));
const GOOGLE = file('google-rfc7489.xml');

async function bench(policy: object | null = { mtaSts: { mode: 'testing' } }) {
  const { call: plainCall, ...rest } = await mailBench(policy ?? undefined);
  // The samples are about 2026-01-01.
  rest.clock.pass(2 * 86_400_000);
  const call = (method: 'GET' | 'POST', path: string, payload?: Buffer | string, type?: string, token?: string) =>
    plainCall(method, path, payload, {
      ...(type === undefined ? {} : { 'content-type': type }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    });
  return { ...rest, call };
}

describe('POST /v1/zones/{zone}/dmarc/reports', () => {
  test.each([
    ['application/xml', GOOGLE],
    ['Application/XML; charset=utf-8', GOOGLE],
    ['text/xml', file('rfc9990.xml')],
    ['application/gzip', gzipSync(GOOGLE)],
    ['application/zip', file('outlook-rfc7489.zip')],
    // The octets say what they are.
    ['application/xml', gzipSync(GOOGLE)],
    ['application/gzip', file('macosx.zip')],
    ['application/zip', GOOGLE],
    ['application/octet-stream', file('crlf-behind.xml.gz')],
    ['message/rfc822', file('message.eml')],
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

  test('are counted by day and source', async () => {
    const { call } = await bench();
    await call('POST', 'dmarc/reports', GOOGLE, 'application/xml');
    await call('POST', 'dmarc/reports', file('outlook-rfc7489.xml'), 'application/xml');
    expect((await call('GET', 'dmarc')).body).toMatchObject({
      policy: 'none',
      reports: {
        last: [{ organization: 'Outlook.com' }, { organization: 'google.com', begin: '2026-01-01T00:00:00.000Z' }],
        days: 1,
        sources: [
          { name: '192.0.2.25', address: '192.0.2.25', messages: 248, aligned: 248, days: 1, standing: 'known', holding: false },
          { name: 'esp.example', address: '198.51.100.9', messages: 12, aligned: 0, standing: 'unknown', holding: false },
        ],
      },
    });
    expect((await call('GET', 'mail/status')).body).toMatchObject({ reports: { dmarc: { days: 1 }, tls: { days: 0 } } });
  });

  test('a record that cannot be read is named in the answer; the others count', async () => {
    const { call } = await bench();
    const payload = GOOGLE.toString().replace('2001:DB8:0:0::25', 'unknown');
    expect(await call('POST', 'dmarc/reports', payload, 'application/xml')).toMatchObject({
      status: 200,
      body: {
        changed: true,
        warnings: [{ code: 'REPORT_PART', detail: 'not counted: record: source_ip "unknown" is not an address, 3 messages' }],
        mail: { text: expect.stringContaining('240 messages, 240 aligned; 1 part not counted') },
      },
    });
  });

  test('other types, sizes, bombs and domains are rejected, and nothing is taken in', async () => {
    const { call } = await bench();
    const post = async (payload: Buffer, type: string) => {
      const { status, body } = await call('POST', 'dmarc/reports', payload, type);
      return [status, body['code']];
    };
    expect(await post(GOOGLE, 'text/plain')).toEqual([415, 'BODY_TYPE']);
    expect(await post(GOOGLE, 'application/tlsrpt+json')).toEqual([415, 'BODY_TYPE']);
    expect(await post(gzipSync(GOOGLE).subarray(0, 100), 'application/gzip')).toEqual([422, 'REPORT_PACKED']);
    expect(await post(Buffer.alloc(REPORT_BYTES_MAX + 1, 0x20), 'application/xml')).toEqual([413, 'BODY_SIZE']);
    expect(await post(gzipSync(Buffer.alloc(REPORT_BYTES_MAX + 1)), 'application/gzip')).toEqual([413, 'REPORT_SIZE']);
    expect(await post(Buffer.from(GOOGLE.toString().replaceAll('post.example', 'other.example')), 'application/xml')).toEqual([
      422,
      'REPORT_DOMAIN',
    ]);
    expect(await post(Buffer.from(GOOGLE.toString().replace('</feedback>', '')), 'application/xml')).toEqual([422, 'REPORT_XML']);
    expect((await call('GET', 'dmarc')).body).toMatchObject({ reports: { last: [], days: 0 } });
  });

  test('are taken from those who may change the zone', async () => {
    const { call, token } = await bench();
    expect(await call('POST', 'dmarc/reports', GOOGLE, 'application/xml', await token('read'))).toMatchObject({ status: 403 });
    expect(await call('POST', 'dmarc/reports', GOOGLE, 'application/xml', await token(`zone:${MAIL_ZONE}.`))).toMatchObject({
      status: 200,
    });
  });

  test('404 for a zone without a mail policy', async () => {
    const { call } = await bench(null);
    expect(await call('POST', 'dmarc/reports', GOOGLE, 'application/xml')).toMatchObject({
      status: 404,
      body: { code: 'MAIL_NO_POLICY' },
    });
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

  test('without policy-domain it is about the zone; a policy about a host is named, and the others count', async () => {
    const { call } = await bench();
    expect(await call('POST', 'mta-sts/reports', file('tls-no-domain.json'), 'application/json')).toMatchObject({
      status: 200,
      body: { changed: true, warnings: [], mail: { text: expect.stringContaining('995 sessions succeeded, 12 failed') } },
    });
    const other = file('tls-mx-host.json').toString().replace('"report-id": "', '"report-id": "other-');
    expect(await call('POST', 'mta-sts/reports', other, 'application/json')).toMatchObject({
      status: 200,
      body: {
        changed: true,
        warnings: [
          {
            code: 'REPORT_PART',
            detail: 'not counted: the policy of "mx1.post.example": it is a host of post.example, 7 sessions',
          },
        ],
        mail: { text: expect.stringContaining('995 sessions succeeded, 5 failed; 1 part not counted') },
      },
    });
    const elsewhere = file('tls-google.json')
      .toString()
      .replaceAll(/post\.example/gi, 'other.example');
    expect(await call('POST', 'mta-sts/reports', elsewhere, 'application/json')).toMatchObject({
      status: 422,
      body: { code: 'REPORT_DOMAIN' },
    });
  });

  test('a DMARC report is not a TLS report', async () => {
    const { call } = await bench();
    expect(await call('POST', 'mta-sts/reports', GOOGLE, 'application/xml')).toMatchObject({ status: 415 });
    expect(await call('POST', 'mta-sts/reports', '{}', 'application/json')).toMatchObject({ status: 422, body: { code: 'REPORT_FORM' } });
  });
});
