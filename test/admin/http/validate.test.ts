/** Requests against schemas. */
import { expect, test } from 'vitest';
import { type ProblemBody, bench } from '../../support/admin/bench.ts';

test('lists a hundred problems of one body', async () => {
  const { call } = await bench();
  const payload = Array.from({ length: 60 }, () => ({ op: 'delte', name: 5 }));
  const { errors } = (await call('PATCH', '/v1/zones/example.com/rrsets', { payload })).json<ProblemBody>();
  expect(errors).toHaveLength(100);
});
