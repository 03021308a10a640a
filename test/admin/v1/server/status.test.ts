/** `/v1/status`. */
import { expect, test } from 'vitest';
import { bench } from '../../../support/admin/bench.ts';

test('tells versions, workers, listeners and why it is not ready', async () => {
  const { call, control } = await bench();
  control.notReady = ['store is read-only'];
  expect((await call('GET', '/v1/status')).json()).toMatchObject({
    startedAt: '2026-01-01T00:00:00.000Z',
    ready: false,
    notReady: ['store is read-only'],
    workers: [{ id: 1, alive: true }],
    listeners: { dns: ['127.0.0.1:5300'] },
  });
});

test('tells of the policy host: since when it is up, its certificates, those in trouble first', async () => {
  const { call, control } = await bench();
  const status = async () => (await call('GET', '/v1/status')).json();
  expect(await status()).not.toHaveProperty('policyHost');
  control.policyHost = {};
  const none = { count: 0, inTrouble: 0, first: [] };
  expect((await status()).policyHost).toEqual({ up: false, listeners: [], generation: 0, certificates: none });
  const startedAtMs = Date.UTC(2026, 0, 2);
  control.policyHost = { running: { startedAtMs, addresses: ['127.0.0.1:8443'], generation: 7 } };
  const trouble = { code: 'STORE_FULL', message: 'no space is left', retryAtMs: Date.UTC(2026, 0, 3) };
  const first = [
    { zone: 'b.test.', host: 'mta-sts.b.test', notAfterMs: Date.UTC(2026, 5, 1), trouble },
    { zone: 'a.test.', host: 'mta-sts.a.test', notAfterMs: Date.UTC(2026, 4, 1) },
  ];
  control.certificateSummary = { count: 2, inTrouble: 1, nextExpiryMs: Date.UTC(2026, 4, 1), first, isPartial: false };
  expect((await status()).policyHost).toEqual({
    up: true,
    upSince: '2026-01-02T00:00:00.000Z',
    listeners: ['127.0.0.1:8443'],
    generation: 7,
    certificates: {
      count: 2,
      inTrouble: 1,
      nextExpiry: '2026-05-01T00:00:00.000Z',
      first: [
        {
          zone: 'b.test.',
          host: 'mta-sts.b.test',
          notAfter: '2026-06-01T00:00:00.000Z',
          problem: { code: 'STORE_FULL', message: 'no space is left', nextTry: '2026-01-03T00:00:00.000Z' },
        },
        { zone: 'a.test.', host: 'mta-sts.a.test', notAfter: '2026-05-01T00:00:00.000Z' },
      ],
    },
  });
});
