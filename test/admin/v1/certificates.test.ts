/** `/v1/zones/{zone}/certificates`: what is there, orders, and who may give them. */
import { describe, expect, test } from 'vitest';
import { DIRECTORY } from '../../support/acme/mock-ca.ts';
import { HOST } from '../../support/acme/certificate-house.ts';
import { certificateBench } from '../../support/acme/certificate-bench.ts';

const ISO = /^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

describe('a certificate', () => {
  test('is ordered, listed, shown with its chain, and renewed', async () => {
    const { call, made } = await certificateBench();
    expect((await call('GET', 'certificates')).body).toEqual({ zone: 'post.example.', certificates: [] });
    expect(await call('PUT', `certificates/${HOST}`, {})).toMatchObject({ status: 200, body: { changed: true } });
    await made.live(60_000);
    const [listed] = (await call('GET', 'certificates')).body['certificates'] as object[];
    expect(listed).toMatchObject({
      host: HOST,
      reason: 'ordered',
      stage: 'in-use',
      origin: 'acme',
      issuer: 'CN=Mock CA',
      directory: DIRECTORY,
      notAfter: expect.stringMatching(ISO),
      renewal: { at: expect.stringMatching(ISO), suggestedByCa: false },
    });
    const shown = await call('GET', `certificates/${HOST.toUpperCase()}.`);
    expect(shown.body).toMatchObject({ host: HOST, chain: expect.stringContaining('BEGIN CERTIFICATE') });
    expect(await call('POST', `certificates/${HOST}/renew`, {})).toMatchObject({ status: 200, body: { changed: true } });
    await made.live(60_000);
    expect((await call('GET', `certificates/${HOST}`)).body['serial']).not.toBe(shown.body['serial']);
  });

  test('has an entity tag that changes with it', async () => {
    const { call, made } = await certificateBench();
    await call('PUT', `certificates/${HOST}`, {});
    const { etag } = await call('GET', `certificates/${HOST}`);
    expect(await call('GET', `certificates/${HOST}`, undefined, { 'if-none-match': etag })).toMatchObject({ status: 304 });
    await made.live(60_000);
    expect(await call('GET', `certificates/${HOST}`, undefined, { 'if-none-match': etag })).toMatchObject({ status: 200 });
  });

  test('a dry run orders nothing', async () => {
    const { call, made } = await certificateBench();
    expect(await call('POST', `certificates/${HOST}/renew?dryRun=1`, {})).toMatchObject({ body: { dryRun: true, changed: true } });
    await made.live(60_000);
    expect((await call('GET', 'certificates')).body['certificates']).toEqual([]);
    expect(made.ca.asked).toEqual([]);
  });

  test('taken back, it goes; what was never ordered is 404', async () => {
    const { call, made } = await certificateBench();
    await call('PUT', `certificates/${HOST}`, {});
    await made.live(60_000);
    expect(await call('DELETE', `certificates/${HOST}`)).toMatchObject({ status: 200 });
    expect(await call('GET', `certificates/${HOST}`)).toMatchObject({ status: 404, body: { code: 'CERTIFICATE_NONE' } });
    expect(await call('DELETE', `certificates/${HOST}`)).toMatchObject({ status: 404 });
  });

  test('a host of another zone and a wildcard are 422, with what helps', async () => {
    const { call } = await certificateBench();
    for (const host of ['www.other.example', '*.post.example'])
      expect(await call('PUT', `certificates/${host}`, {})).toMatchObject({ status: 422, body: { code: 'CERTIFICATE_HOST' } });
  });

  test('what stands in its way is said, with the next try', async () => {
    const { call, made } = await certificateBench();
    made.ca.rejecting = 'rejectedIdentifier';
    await call('PUT', `certificates/${HOST}`, {});
    await made.live(60_000);
    expect((await call('GET', `certificates/${HOST}`)).body['problem']).toEqual({
      code: 'ACME_REJECTED',
      message: 'the CA rejects the request: this CA does not issue for that name (rejectedIdentifier)',
      since: expect.stringMatching(ISO),
      nextTry: expect.stringMatching(ISO),
    });
  });
});

test("one zone's token orders nothing for another's hosts", async () => {
  const { call, token } = await certificateBench();
  const headers = { authorization: `Bearer ${await token('zone:other.example')}` };
  expect(await call('PUT', `certificates/${HOST}`, {}, headers)).toMatchObject({ status: 403 });
  expect(await call('POST', `certificates/${HOST}/renew`, {}, headers)).toMatchObject({ status: 403 });
  expect(await call('GET', 'certificates', undefined, headers)).toMatchObject({ status: 403 });
});

test('without a CA an order is taken, with a warning that says what is missing', async () => {
  const { call } = await certificateBench({ settings: { directories: [] } });
  const answer = await call('PUT', `certificates/${HOST}`, {});
  expect(answer.body['warnings']).toMatchObject([{ code: 'ACME_NONE', fix: expect.stringContaining('acme.directories') }]);
  expect((await call('GET', `certificates/${HOST}`)).body['lines']).toContainEqual(expect.stringContaining('no CA is configured'));
});
