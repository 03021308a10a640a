/** `/v1/zones/{zone}/dmarc`: the ramp, and orders to it. */
import { expect, test } from 'vitest';
import { MAIL_POLICY, mailBench } from '../../../support/admin/mail-bench.ts';

test('shows the policy that is published and the one that the ramp leads to', async () => {
  const { call } = await mailBench(MAIL_POLICY);
  const { body } = await call('GET', 'dmarc');
  expect(body).toMatchObject({ zone: 'post.example.', policy: 'none', target: 'reject', reports: { days: 0 } });
  expect(body).not.toHaveProperty('held');
});

test('a pause is shown with its reason until it is resumed', async () => {
  const { call } = await mailBench(MAIL_POLICY);
  expect(await call('PATCH', 'dmarc', { action: 'pause', reason: 'a new sender' })).toMatchObject({ status: 200 });
  expect((await call('GET', 'dmarc')).body).toMatchObject({ held: 'a new sender' });
  expect(await call('PATCH', 'dmarc', { action: 'resume' })).toMatchObject({ status: 200 });
  expect((await call('GET', 'dmarc')).body).not.toHaveProperty('held');
});

test('409 for a roll-back from the first step; 422 without a reason, and for an action that does not exist', async () => {
  const { call } = await mailBench(MAIL_POLICY);
  expect(await call('PATCH', 'dmarc', { action: 'roll-back', reason: 'x' })).toMatchObject({ status: 409 });
  expect(await call('PATCH', 'dmarc', { action: 'roll-back' })).toMatchObject({ status: 422 });
  expect(await call('PATCH', 'dmarc', { action: 'stop' })).toMatchObject({ status: 422, body: { code: 'FIELD_VALUE' } });
});

test('POST …/dmarc/source notes whose a source is, with its reason; 422 for a name that is none and without a reason', async () => {
  const { call } = await mailBench(MAIL_POLICY);
  const body = { source: 'esp.example', verdict: 'ours', reason: 'sends our newsletter' };
  expect(await call('POST', 'dmarc/source', body)).toMatchObject({
    status: 200,
    body: { changed: true, warnings: [{ code: 'REPORT_SOURCE' }], mail: { text: 'source esp.example is ours: sends our newsletter' } },
  });
  expect(await call('POST', 'dmarc/source', { ...body, source: 'no name' })).toMatchObject({
    status: 422,
    body: { code: 'REPORT_SOURCE', errors: [{ pointer: '/source' }] },
  });
  expect(await call('POST', 'dmarc/source', { ...body, reason: undefined })).toMatchObject({ status: 422 });
  expect(await call('POST', 'dmarc/source', { ...body, verdict: 'perhaps' })).toMatchObject({ status: 422 });
});
