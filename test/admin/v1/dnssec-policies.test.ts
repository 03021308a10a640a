/** `/v1/dnssec/…`: policies with names and the hold of all rollovers, as requests and answers. */
import { expect, test } from 'vitest';
import { bench } from '../../support/admin/bench.ts';

test('policies are listed, made, changed and removed', async () => {
  const { call } = await bench();
  expect((await call('GET', '/v1/dnssec/policies')).json()).toMatchObject({
    policies: [{ name: 'default', zones: 1, policy: { keys: 'csk', algorithm: 13 } }],
  });
  const made = await call('PATCH', '/v1/dnssec/policies/strict?dryRun=1', { payload: { keys: 'ksk+zsk', kskLifetimeSeconds: null } });
  expect([made.statusCode, made.json()]).toMatchObject([200, { name: 'strict', dryRun: true, plan: [], warnings: [] }]);
  for (const payload of [{ keys: 'two' }, { algorithm: 8 }, { signatureValiditySeconds: 0 }, { other: 1 }])
    expect((await call('PATCH', '/v1/dnssec/policies/strict', { payload })).statusCode).toBe(422);
  expect((await call('DELETE', '/v1/dnssec/policies/strict')).statusCode).toBe(200);
});

test('a zone is given a policy by its name', async () => {
  const { call, control } = await bench();
  await call('PATCH', '/v1/zones/example.com/dnssec', { payload: { policyName: 'strict' } });
  expect(control.commands.at(-1)!.command).toMatchObject({ kind: 'dnssec.policy', policyName: 'strict' });
});

test('all rollovers are held with a reason, and move again', async () => {
  const { call } = await bench();
  expect((await call('GET', '/v1/dnssec')).json()).toEqual({});
  const post = (payload: object) => call('POST', '/v1/dnssec/orders', { payload });
  expect((await post({ action: 'hold', reason: 'freeze' })).json()).toMatchObject({ held: { reason: 'freeze' } });
  expect((await post({ action: 'hold' })).statusCode).toBe(422);
  expect((await post({ action: 'resume' })).json()).toEqual({ dryRun: false });
});
