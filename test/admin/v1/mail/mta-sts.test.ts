/** `/v1/zones/{zone}/mta-sts`: the mode, and the policy file that senders fetch. */
import { expect, test } from 'vitest';
import { MAIL_POLICY, mailBench } from '../../../support/admin/mail-bench.ts';

test('shows no policy file while the mode is off', async () => {
  const { call } = await mailBench(MAIL_POLICY);
  const { body } = await call('GET', 'mta-sts');
  expect(body).toMatchObject({ zone: 'post.example.', target: 'off' });
  expect(body).not.toHaveProperty('body');
  expect(body).not.toHaveProperty('announcedId');
});

test('RFC 8461 §3.2: mode testing serves a policy file that names the mail hosts', async () => {
  const { call } = await mailBench(MAIL_POLICY);
  expect(await call('PATCH', 'mta-sts', { mode: 'testing' })).toMatchObject({ status: 200 });
  const { body } = await call('GET', 'mta-sts');
  expect(body).toMatchObject({ mode: 'testing', target: 'testing' });
  expect(String(body['body']).split('\r\n')).toEqual(expect.arrayContaining(['version: STSv1', 'mode: testing', 'mx: mx1.post.example']));
});

test('422 for a mode that does not exist', async () => {
  const { call } = await mailBench(MAIL_POLICY);
  expect(await call('PATCH', 'mta-sts', { mode: 'none' })).toMatchObject({ status: 422, body: { code: 'FIELD_VALUE' } });
});
