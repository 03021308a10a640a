/** `/v1/zones/{zone}/tlsa`: the next key of a host is published, then used or given up. */
import { describe, expect, test } from 'vitest';
import { MAIL_POLICY, mailBench } from '../../../support/admin/mail-bench.ts';

const NEXT = { key: `3 1 1 ${'22'.repeat(32)}` };

test('lists each record with its host, port and stage', async () => {
  const { call } = await mailBench(MAIL_POLICY);
  expect((await call('GET', 'tlsa')).body).toEqual({
    zone: 'post.example.',
    records: [
      {
        object: 'tlsa-mx1-1',
        host: 'mx1.post.example.',
        port: 25,
        record: `3 1 1 ${'11'.repeat(32)}`,
        stage: expect.any(String),
        since: '2026-01-01T00:00:00.000Z',
      },
    ],
  });
});

describe('the next key', () => {
  test('is published beside the one in use, with the earliest time at which the host may use it', async () => {
    const { call } = await mailBench(MAIL_POLICY);
    expect(await call('POST', 'tlsa/mx1/next', NEXT)).toMatchObject({
      status: 200,
      body: { mail: { object: 'tlsa-mx1-2', isFinal: false, notBefore: expect.stringMatching(/^2026-01-\d\dT.*Z$/) } },
    });
    expect((await call('GET', 'tlsa')).body['records']).toHaveLength(2);
  });

  test('RFC 7671 §8.1: 409 for a use before caches can know it, unless it has happened', async () => {
    const { call } = await mailBench(MAIL_POLICY);
    await call('POST', 'tlsa/mx1/next', NEXT);
    expect(await call('POST', 'tlsa/mx1/activated', {})).toMatchObject({ status: 409, body: { code: 'MAIL_TLSA_EARLY' } });
    expect(await call('POST', 'tlsa/mx1/activated', { object: 'tlsa-mx1-2', force: true })).toMatchObject({ status: 200 });
  });

  test('can be given up: its record goes', async () => {
    const { call } = await mailBench(MAIL_POLICY);
    await call('POST', 'tlsa/mx1/next', NEXT);
    expect(await call('POST', 'tlsa/mx1/abandon', { reason: 'another CA' })).toMatchObject({
      status: 200,
      body: { changed: true, mail: { object: 'tlsa-mx1-2' } },
    });
    expect((await call('GET', 'tlsa')).body['records']).toHaveLength(1);
    expect(await call('POST', 'tlsa/mx1/abandon', {})).toMatchObject({ status: 404, body: { code: 'LIFECYCLE_OBJECT' } });
  });

  test('a key in use cannot be given up, nor one of another host', async () => {
    const { call } = await mailBench(MAIL_POLICY);
    await call('POST', 'tlsa/mx1/next', NEXT);
    const abandon = (host: string, object: string) => call('POST', `tlsa/${host}/abandon`, { object });
    expect(await abandon('mx1', 'tlsa-mx1-1')).toMatchObject({ status: 409, body: { code: 'LIFECYCLE_ORDER' } });
    expect(await abandon('mx2', 'tlsa-mx1-2')).toMatchObject({ status: 404 });
  });
});
