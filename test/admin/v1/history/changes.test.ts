/** `/v1/zones/{zone}/changes`: the journal. */
import { expect, test } from 'vitest';
import { type OutcomeBody, type ProblemBody, bench } from '../../../support/admin/bench.ts';

test('lists the newest first, by pages', async () => {
  const { call } = await bench();
  for (const digit of [1, 2, 3])
    await call('PUT', '/v1/zones/example.com/rrsets/n/A', { payload: { ttl: 60, records: [`192.0.2.${digit}`] } });
  const first = (await call('GET', '/v1/zones/example.com/changes?limit=3')).json<{
    changes: { changeset: { toSerial: number } }[];
    next: string;
  }>();
  expect(first.changes.map(({ changeset }) => changeset.toSerial)).toEqual([4, 3, 2]);
  const second = (await call('GET', `/v1/zones/example.com/changes?limit=3&cursor=${first.next}`)).json<{
    changes: { changeset: { toSerial: number } }[];
  }>();
  expect(second).toMatchObject({ changes: [{ changeset: { toSerial: 1 } }] });
  expect(second).not.toHaveProperty('next');
});

test('undoes one', async () => {
  const { call } = await bench();
  await call('DELETE', '/v1/zones/example.com/rrsets/www/A');
  const reverted = await call('POST', '/v1/zones/example.com/changes/2/revert');
  expect(reverted.json<OutcomeBody>()).toMatchObject({ serial: 3, changed: true });
  expect((await call('GET', '/v1/zones/example.com/rrsets/www/A')).statusCode).toBe(200);
  expect((await call('POST', '/v1/zones/example.com/changes/99/revert')).json<ProblemBody>().code).toBe(
    'CHANGE_NOT_FOUND',
  );
  expect((await call('POST', '/v1/zones/example.com/changes/x/revert')).statusCode).toBe(400);
});
