/** `/v1/zones/{zone}/mail/proposal`: the policy that the records of a zone come from. */
import { expect, test } from 'vitest';
import { mailBench } from '../../../support/admin/mail-bench.ts';

test('keeps the DMARC policy of the record, and changes nothing', async () => {
  const { call } = await mailBench();
  await call('PUT', 'rrsets/_dmarc/TXT', { ttl: 300, records: ['"v=DMARC1; p=quarantine"'] });
  expect((await call('GET', 'mail/proposal')).body).toMatchObject({ zone: 'post.example.', policy: { dmarc: { policy: 'quarantine' } } });
  expect((await call('GET', 'mail')).status).toBe(404);
});
