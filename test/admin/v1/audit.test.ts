/** `/v1/audit`. */
import { expect, test } from 'vitest';
import { bench } from '../../support/admin/bench.ts';

test('lists the newest first, by pages', async () => {
  const { call } = await bench();
  const first = (await call('GET', '/v1/audit?limit=2')).json<{ entries: { sequence: number }[]; next: string }>();
  expect(first.entries.map(({ sequence }) => sequence)).toEqual([5, 4]);
  const second = (await call('GET', `/v1/audit?limit=5&cursor=${first.next}`)).json<{ entries: { sequence: number }[] }>();
  expect(second.entries.map(({ sequence }) => sequence)).toEqual([3, 2, 1]);
  expect((await call('GET', '/v1/audit/verify')).json()).toEqual({ whole: true, entries: 5 });
});
