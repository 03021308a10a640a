/** `/v1/zones/{zone}/mail/orders`: each action becomes its order. */
import { expect, test } from 'vitest';
import { MAIL_POLICY, mailBench } from '../../../support/admin/mail-bench.ts';

type Lives = readonly { readonly object: string; readonly held?: { readonly reason: string } }[];

test('hold and resume without an object are for everything of the zone', async () => {
  const { call } = await mailBench(MAIL_POLICY);
  const held = async () => ((await call('GET', 'mail/status')).body['lives'] as Lives).map((each) => each.held?.reason);
  expect(await call('POST', 'mail/orders', { action: 'hold', reason: 'a move' })).toMatchObject({ status: 200 });
  expect(new Set(await held())).toEqual(new Set(['a move']));
  expect(await call('POST', 'mail/orders', { action: 'resume' })).toMatchObject({ status: 200 });
  expect(new Set(await held())).toEqual(new Set([undefined]));
});

test('hold with an object is for that one alone', async () => {
  const { call } = await mailBench(MAIL_POLICY);
  await call('POST', 'mail/orders', { action: 'hold', object: 'dmarc', reason: 'x' });
  const lives = (await call('GET', 'mail/status')).body['lives'] as Lives;
  expect(lives.flatMap(({ object, held }) => (held === undefined ? [] : [object]))).toEqual(['dmarc']);
});

test('override ends the wait that it names; 409 for a wait that is not there', async () => {
  const { call } = await mailBench(MAIL_POLICY);
  const order = (wait: string) => call('POST', 'mail/orders', { action: 'override', object: 'e20260101a', wait, reason: 'x' });
  expect(await order('nothing')).toMatchObject({ status: 409 });
  expect(await order('visible')).toMatchObject({ status: 200 });
});

test.each([{ action: 'hold' }, { action: 'override', object: 'dmarc' }, { action: 'stop' }, {}])('422 for %j', async (order) => {
  const { call } = await mailBench(MAIL_POLICY);
  expect((await call('POST', 'mail/orders', order)).status).toBe(422);
});
