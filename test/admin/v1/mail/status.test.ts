/** `/v1/zones/{zone}/mail/status`: stages, waits and problems, with times of the wall clock. */
import { expect, test } from 'vitest';
import { DKIM_MACHINE } from '#mail/dkim/machine.ts';
import { MAIL_POLICY, mailBench } from '../../../support/admin/mail-bench.ts';

test('shows each key, record and mode with its stage', async () => {
  const { call } = await mailBench(MAIL_POLICY);
  const { body } = await call('GET', 'mail/status');
  expect(body['zone']).toBe('post.example.');
  expect(body['lives']).toContainEqual(
    expect.objectContaining({
      machine: DKIM_MACHINE.kind,
      object: 'r20260101a',
      stage: 'published',
      since: '2026-01-01T00:00:00.000Z',
    }),
  );
  expect(body['reports']).toMatchObject({ dmarc: { days: 0, sources: [] }, tls: { days: 0 } });
});

test('shows of each wait for whom, why, until when, and the command that ends it', async () => {
  const { call } = await mailBench(MAIL_POLICY);
  const lives = (await call('GET', 'mail/status')).body['lives'] as { object: string; earliestAt?: string; waits: object[] }[];
  const ramp = lives.find(({ object }) => object === 'dmarc')!;
  const time = expect.stringMatching(/^2026-01-\d\dT[\d:.]+Z$/);
  expect(ramp.earliestAt).toEqual(time);
  expect(ramp.waits).not.toEqual([]);
  for (const wait of ramp.waits)
    expect(wait).toMatchObject({
      who: expect.any(String),
      why: expect.any(String),
      isOver: expect.any(Boolean),
      override: expect.stringContaining('dmarc'),
    });
});

test('shows a hold with who ordered it and why', async () => {
  const { call } = await mailBench(MAIL_POLICY);
  await call('POST', 'mail/orders', { action: 'hold', object: 'r20260101a', reason: 'a move' });
  const { body } = await call('GET', 'mail/status');
  expect(body['lives']).toContainEqual(
    expect.objectContaining({ object: 'r20260101a', held: { by: expect.any(String), reason: 'a move' } }),
  );
});

test('shows what the SPF record costs and when others are looked at again', async () => {
  const { call } = await mailBench(MAIL_POLICY);
  const { body } = await call('GET', 'mail/status');
  expect(body['spf']).toMatchObject({
    lookups: 1,
    voids: 0,
    sources: [],
    alerts: [],
    lines: [expect.stringContaining('1 look-up')],
    lookedAt: expect.stringMatching(/Z$/),
    nextLookAt: expect.stringMatching(/Z$/),
  });
});

test('404 for a zone without a mail policy', async () => {
  const { call } = await mailBench();
  expect(await call('GET', 'mail/status')).toMatchObject({ status: 404, body: { code: 'MAIL_NO_POLICY' } });
});
