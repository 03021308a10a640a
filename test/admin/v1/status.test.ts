/** `/v1/status`. */
import { expect, test } from 'vitest';
import { bench } from '../../support/admin/bench.ts';

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
