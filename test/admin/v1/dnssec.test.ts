/** `/v1/zones/{zone}/dnssec`: signing, keys and DS records. */
import { expect, test } from 'vitest';
import { bench } from '../../support/admin/bench.ts';

test('turns on and shows keys and DS', async () => {
  const { call } = await bench();
  expect((await call('GET', '/v1/zones/example.com/dnssec')).json()).toMatchObject({
    zone: 'example.com.',
    dnssec: 'off',
    keys: [],
    ds: [],
  });
  expect((await call('PATCH', '/v1/zones/example.com/dnssec', { payload: { dnssec: 'on' } })).statusCode).toBe(200);
  expect((await call('GET', '/v1/zones/example.com/dnssec')).json()).toMatchObject({
    dnssec: 'on',
    keys: [{ keyTag: 12_345, role: 'csk' }],
  });
  const { ds } = (await call('GET', '/v1/zones/example.com/dnssec/ds')).json<{ ds: { record: string; digestType: number }[] }>();
  expect(ds.map(({ digestType }) => digestType)).toEqual([2, 4]);
  expect(ds[0]!.record).toMatch(/^example\.com\. 3600 IN DS 12345 13 2 /);
});

test('a policy, signing off when it is safe, and fields that are none', async () => {
  const { call, control } = await bench();
  const patch = (payload: object) => call('PATCH', '/v1/zones/example.com/dnssec', { payload });
  const policy = { keys: 'ksk+zsk', algorithm: 15, kskLifetimeSeconds: null, parentServers: ['192.0.2.1'] };
  await patch({ policy });
  await patch({ dnssec: 'off', whenSafe: true });
  expect(control.commands.slice(1).map(({ command }) => command)).toMatchObject([
    { kind: 'dnssec.policy', policy },
    { kind: 'dnssec.leave' },
  ]);
  for (const bad of [{ policy: { algorithm: 5 } }, { policy: { kek: 1 } }, { policy, dnssec: 'on' }, { policy: { keyTtlSeconds: 0 } }])
    expect((await patch(bad)).statusCode).toBe(422);
});
