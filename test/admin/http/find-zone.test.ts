/** Guesses at the zone that was meant. */
import { expect, test } from 'vitest';
import { type ProblemBody, bench } from '../../support/admin/bench.ts';

test('suggests what may have been meant', async () => {
  const { call } = await bench();
  const fixOf = async (zone: string) => (await call('GET', `/v1/zones/${zone}`)).json<ProblemBody>().fix;
  expect(await fixOf('exmaple.com')).toBe('did you mean example.com.?');
  expect(await fixOf('www.example.com')).toBe('it may be a name in the zone example.com.');
  expect(await fixOf('b%C3%BCcher.test')).toBe('write it as xn--bcher-kva.test');
});
