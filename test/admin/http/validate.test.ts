/** Requests against schemas. */
import { expect, test } from 'vitest';
import { type ProblemBody, bench } from '../../support/admin/bench.ts';

test('lists a hundred problems of one body', async () => {
  const { call } = await bench();
  const payload = Array.from({ length: 60 }, () => ({ op: 'delte', name: 5 }));
  const { errors } = (await call('PATCH', '/v1/zones/example.com/rrsets', { payload })).json<ProblemBody>();
  expect(errors).toHaveLength(100);
});

test('names the part of the request that a value is in: a parameter of the path, or of the query', async () => {
  const { call } = await bench();
  const errorsOf = async (method: 'GET' | 'POST', url: string) => (await call(method, url)).json<ProblemBody>().errors;
  expect(await errorsOf('POST', '/v1/zones/example.com/changes/x/revert')).toMatchObject([{ at: 'serial', parameter: 'serial' }]);
  expect(await errorsOf('GET', '/v1/zones?limit=x')).toMatchObject([{ parameter: 'limit' }]);
});
