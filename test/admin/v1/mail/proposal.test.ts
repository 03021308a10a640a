/** `/v1/zones/{zone}/mail/proposal`: the policy that the records of a zone come from. */
import { expect, test } from 'vitest';
import { mailBench } from '../../../support/admin/mail-bench.ts';

test('keeps the DMARC policy of the record, and changes nothing', async () => {
  const { call } = await mailBench();
  await call('PUT', 'rrsets/_dmarc/TXT', { ttl: 300, records: ['"v=DMARC1; p=quarantine"'] });
  expect((await call('GET', 'mail/proposal')).body).toMatchObject({ zone: 'post.example.', policy: { dmarc: { policy: 'quarantine' } } });
  expect((await call('GET', 'mail')).status).toBe(404);
});

test('RFC 7208 §4.6.4: of an SPF record over the limit, which it keeps, it tells count and fix; applied, it is accepted', async () => {
  const { call } = await mailBench();
  const terms = Array.from({ length: 12 }, (_, at) => `a:h${at}.example.net`).join(' ');
  await call('PUT', 'rrsets/@/TXT', { ttl: 300, records: [`v=spf1 ${terms} -all`] });
  const { body } = await call('GET', 'mail/proposal');
  expect(body['problems']).toContainEqual(
    expect.objectContaining({
      code: 'SPF_LOOKUPS',
      severity: 'warning',
      detail: expect.stringMatching(/^12 look-ups, at most 10 .*already$/),
      fix: expect.stringContaining('flatten'),
    }),
  );
  expect((await call('PUT', 'mail', body['policy'] as object)).status).toBe(201);
});
