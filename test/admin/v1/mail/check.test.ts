/** `/v1/zones/{zone}/mail/check`: what receivers read. */
import { expect, test } from 'vitest';
import { MAIL_POLICY, mailBench } from '../../../support/admin/mail-bench.ts';

test('a zone with a mail policy has no errors', async () => {
  const { call } = await mailBench(MAIL_POLICY);
  expect((await call('GET', 'mail/check')).body).toMatchObject({ zone: 'post.example.', ok: true });
});

test('a zone without one is checked too, and a broken record is an error', async () => {
  const { call } = await mailBench();
  await call('PUT', 'rrsets/@/TXT', { ttl: 300, records: ['"v=spf1 mx -all"', '"v=spf1 -all"'] });
  const { body } = await call('GET', 'mail/check');
  expect(body).toMatchObject({ ok: false });
  expect(body['records']).toContainEqual({ at: expect.stringContaining('post.example.'), text: 'v=spf1 mx -all' });
});
