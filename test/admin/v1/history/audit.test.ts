/** `/v1/audit`. */
import { expect, test } from 'vitest';
import { bench } from '../../../support/admin/bench.ts';

test('lists the newest first, by pages', async () => {
  const { call } = await bench();
  const first = (await call('GET', '/v1/audit?limit=2')).json<{ entries: { sequence: number }[]; next: string }>();
  expect(first.entries.map(({ sequence }) => sequence)).toEqual([5, 4]);
  const second = (await call('GET', `/v1/audit?limit=5&cursor=${first.next}`)).json<{
    entries: { sequence: number }[];
  }>();
  expect(second.entries.map(({ sequence }) => sequence)).toEqual([3, 2, 1]);
  expect((await call('GET', '/v1/audit/verify')).json()).toEqual({ whole: true, entries: 5, from: 1 });
});

test('says from which entry on the log is kept', async () => {
  const { call, control } = await bench();
  control.audit.range = () => ({ from: 3, last: 5 });
  expect((await call('GET', '/v1/audit')).json()).toMatchObject({ from: 3 });
});

test('exports what is stored, line by line, oldest first', async () => {
  const { call } = await bench();
  const all = await call('GET', '/v1/audit/export');
  expect(all.headers['content-type']).toBe('application/x-ndjson');
  expect(all.body).toMatch(/\}\n$/);
  const sequences = (body: string) =>
    body
      .split('\n')
      .slice(0, -1)
      .map((line) => (JSON.parse(line) as { sequence: number }).sequence);
  expect(sequences(all.body)).toEqual([1, 2, 3, 4, 5]);
  expect(sequences((await call('GET', '/v1/audit/export?after=3')).body)).toEqual([4, 5]);
  expect((await call('GET', '/v1/audit/export?after=5')).body).toBe('');
  expect((await call('GET', '/v1/audit/export?after=-1')).statusCode).toBe(400);
});

test('an export that entries are removed from under it does not pass for the whole', async () => {
  const { call, control } = await bench();
  control.audit.texts = () => [{ sequence: 4, json: '{}' }];
  expect((await call('GET', '/v1/audit/export')).statusCode).toBe(500);
});
