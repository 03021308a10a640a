/** `/v1/zones/{zone}/mail`: the policy under its entity tag, all problems of one at once, its removal. */
import { describe, expect, test } from 'vitest';
import { MAIL_POLICY, mailBench } from '../../../support/admin/mail-bench.ts';

describe('PUT /v1/zones/{zone}/mail', () => {
  test('a plan writes nothing; the policy is then what was put, under its entity tag', async () => {
    const { call } = await mailBench();
    expect(await call('GET', 'mail')).toMatchObject({ status: 404, body: { code: 'MAIL_NO_POLICY' } });
    expect(await call('PUT', 'mail?dryRun=1', MAIL_POLICY)).toMatchObject({ status: 200, body: { dryRun: true, changed: true } });
    expect((await call('GET', 'mail')).status).toBe(404);
    const put = await call('PUT', 'mail', MAIL_POLICY, { 'if-none-match': '*' });
    expect(put).toMatchObject({ status: 201, body: { serial: 11, changed: true } });
    const got = await call('GET', 'mail');
    expect(got).toMatchObject({ status: 200, etag: put.etag, body: { policy: MAIL_POLICY, problems: [] } });
    expect(await call('PUT', 'mail', { ...MAIL_POLICY, lockdown: true }, { 'if-match': '"other"' })).toMatchObject({ status: 412 });
    expect(await call('PUT', 'mail', MAIL_POLICY, { 'if-match': got.etag })).toMatchObject({ status: 200, body: { changed: false } });
  });

  test('RFC 9110 §13.1.2: If-None-Match: * rejects a second policy', async () => {
    const { call } = await mailBench(MAIL_POLICY);
    expect(await call('PUT', 'mail', MAIL_POLICY, { 'if-none-match': '*' })).toMatchObject({ status: 412, body: { code: 'PRECONDITION' } });
  });

  test('lists every problem of a policy at once, each with its pointer', async () => {
    const { call } = await mailBench();
    const { status, body } = await call('PUT', 'mail', { spv: {}, dkim: { rotationInterval: 9 }, dmarc: { policy: 'rejekt' } });
    expect(status).toBe(422);
    expect(body['errors']).toMatchObject([
      { code: 'FIELD_UNKNOWN', pointer: '/spv', fix: expect.stringContaining('spf') },
      { code: 'FIELD_VALUE', pointer: '/dkim/rotationInterval' },
      { code: 'FIELD_VALUE', pointer: '/dmarc/policy' },
    ]);
  });

  test('records set by hand give way only with takeOver', async () => {
    const { call } = await mailBench();
    await call('PUT', 'rrsets/_dmarc/TXT', { ttl: 300, records: ['"v=DMARC1; p=reject"'] });
    expect(await call('PUT', 'mail', MAIL_POLICY)).toMatchObject({ status: 409 });
    expect(await call('PUT', 'mail?takeOver=1', MAIL_POLICY)).toMatchObject({ status: 201 });
  });
});

describe('DELETE /v1/zones/{zone}/mail', () => {
  const spf = 'rrsets/@/TXT';

  test('leaves the records as records set by hand', async () => {
    const { call } = await mailBench(MAIL_POLICY);
    expect((await call('GET', spf)).body).toMatchObject({ manager: 'mail' });
    expect(await call('DELETE', 'mail')).toMatchObject({ status: 200, body: { changed: true } });
    expect((await call('GET', 'mail')).status).toBe(404);
    expect((await call('GET', spf)).body).toMatchObject({ manager: 'manual' });
  });

  test('removes the records with records=delete', async () => {
    const { call } = await mailBench(MAIL_POLICY);
    expect((await call('DELETE', 'mail?records=delete')).status).toBe(200);
    expect((await call('GET', spf)).body).toMatchObject({ code: 'RRSET_NOT_FOUND' });
  });
});

test('the schema of a policy needs no token, and stands in OpenAPI too', async () => {
  const { app } = await mailBench();
  expect((await app.inject('/v1/mail/schema')).json()).toMatchObject({ title: 'waxseal mail policy', properties: { dkim: {} } });
  expect((await app.inject('/v1/openapi.json')).body).toContain('waxseal mail policy');
});
